"""The meaning of each API field by its name; `call.field` where a call gives the name another meaning."""

from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.language import Phrase

FIELDS = {
    # --- Requests ---
    "accessToken": Phrase("访问令牌，由getAccessToken取得", "the token from getAccessToken"),
    "appId": Phrase("应用编号", "app id"),
    "timeStamp": Phrase(
        "当前时间，1970年以来的毫秒数（或秒数）", "the current time, Unix time in milliseconds (or seconds)"
    ),
    "sysCode": Phrase(
        "国家平台客户端的系统编号；有此字段时，答复只含retCode、retDesc和data",
        "sent by clients of the national gateway; the answer then has only retCode, retDesc and data",
    ),
    "keyInfo": Phrase(
        "以appKey为密钥，对appId+appKey+timeStamp作HMAC-SHA256（或SHA1），大写十六进制",
        "HMAC-SHA256 (or SHA-1) of appId+appKey+timeStamp with appKey as the key, upper-case hex",
    ),
    "msgId": Phrase("消息编号", "message id"),
    "modMsgStatus.msgId": Phrase("消息编号的数组，一次最多50个", "message ids, at most 50 per call"),
    "msgId[]": Phrase("一个消息编号", "a message id"),
    "publisherId": Phrase("用户编号", "user id"),
    "modMsgStatus.publisherId": Phrase(
        "接收人的用户编号；待审批消息不传则对所有审批人生效",
        "user id of the receiver; without it, pending approvals are set for all approvers",
    ),
    "isRead": Phrase("1已读，0未读", "1 read, 0 unread"),
    "modMsgStatus.isRead": Phrase("1设为已读（默认），0设为未读", "1 sets read (the default), 0 unread"),
    "getMsgStatus.isRead": Phrase(
        "只列出已读（1）或未读（0）的接收人", "list only receivers who have (1) or have not (0) read it"
    ),
    "platformCode": Phrase(
        "用户所在平台，默认为应用自己的平台；其他平台须获授权",
        "the users' platform; default: the app's own; another one must be granted",
    ),
    "approverId": Phrase(
        "审批人的用户编号，记入办结信息", "user id of the approver who decided, stored with the closed approval"
    ),
    "msgtype": Phrase("消息类型：text文本，link链接，oa卡片", "message type: text, link or oa (a card)"),
    "msgType": Phrase("同msgtype", "same as msgtype"),
    "text": Phrase("文本消息，msgtype为text时必填", "text message; required if msgtype is text"),
    "text.content": Phrase("文本内容", "text content"),
    "link": Phrase("链接消息，msgtype为link时必填", "link message; required if msgtype is link"),
    "link.title": Phrase("标题", "title"),
    "link.content": Phrase("描述", "description"),
    "link.busiId": Phrase("业务编号，用于查询", "business object id in your system; getMsgList filters by it"),
    "link.pcUrl": Phrase(
        "电脑上点击后打开的地址，http或https；与appUrl至少填一个，另一个屏幕也打开它",
        "URL to open on a PC, http or https; pcUrl or appUrl is required, and a single one opens everywhere",
    ),
    "link.appUrl": Phrase(
        "手机上点击后打开的地址，http、https或平台允许的协议；与pcUrl至少填一个",
        "URL to open on a phone; http, https or a scheme that the platform allows; see pcUrl",
    ),
    "link.picUrl": Phrase("图片地址（JPG、PNG）", "image URL (JPG, PNG)"),
    "oa": Phrase("卡片消息，msgtype为oa时必填", "card message; required if msgtype is oa"),
    "oa.head": Phrase("卡片头部", "card header"),
    "oa.head.text": Phrase("头部文字", "header text"),
    "oa.head.bgColor": Phrase(
        "头部背景色AARRGGBB，默认FFCC0000", "header background colour AARRGGBB; default FFCC0000"
    ),
    "oa.body": Phrase("卡片正文", "card body"),
    "oa.body.title": Phrase("正文标题", "body title"),
    "oa.body.content": Phrase("正文内容", "body text"),
    "oa.body.imageUrl": Phrase("正文图片地址", "body image URL"),
    "oa.body.fileCount": Phrase("附件个数，仅作显示", "number of attachments; displayed only"),
    "oa.body.author": Phrase("作者", "author"),
    "oa.body.form": Phrase("表单，最多6行", "form rows, at most 6"),
    "oa.body.form[].key": Phrase("表单行的名称", "row label"),
    "oa.body.form[].value": Phrase("表单行的值", "row value"),
    "busiId": Phrase("业务编号，与oa并列；也可放在oa内", "business object id, next to oa; also accepted inside oa"),
    "getMsgList.busiId": Phrase("只列出此业务编号的消息", "list only messages with this business object id"),
    "pcUrl": Phrase(
        "电脑上点击后打开的地址，与oa并列；与appUrl至少填一个",
        "URL to open on a PC, next to oa; pcUrl or appUrl is required",
    ),
    "appUrl": Phrase(
        "手机上点击后打开的地址，与oa并列；与pcUrl至少填一个",
        "URL to open on a phone, next to oa; see pcUrl",
    ),
    "oa.busiId": Phrase("同busiId", "same as busiId"),
    "oa.pcUrl": Phrase("同pcUrl", "same as pcUrl"),
    "oa.appUrl": Phrase("同appUrl", "same as appUrl"),
    "template": Phrase(
        "模板代码（可加@版本号），代替msgtype与正文",
        "code of a template (perhaps with @VERSION), instead of msgtype and body",
    ),
    "params": Phrase("与template同用：模板变量的值，按变量名", "with template: the values of its variables, by name"),
    "language": Phrase(
        "与template同用：收件箱正文的语言，默认zh", "with template: the language of the body in the inbox; default: zh"
    ),
    "receiverIds": Phrase(
        "接收人的用户编号，1–10,000个；receiverIds、topic、orgIds、toAll四选一",
        "user ids of the receivers, 1-10,000; use exactly one of receiverIds, topic, orgIds and toAll",
    ),
    "receiverIds[]": Phrase("一个用户编号", "a user id"),
    "topic": Phrase("主题名称", "topic name"),
    "sendMsg.topic": Phrase("发送给此主题的订阅用户", "send to the subscribers of this topic"),
    "toAll": Phrase("true：发送给平台的所有用户", "true: send to all users of the platform"),
    "orgIds": Phrase(
        "组织编号，1–100个：发送给这些组织的成员，每人一份；须获授权",
        "ids of 1-100 organisations: send to their members, one copy each; needs a grant",
    ),
    "orgIds[]": Phrase("一个组织编号", "an organisation's id"),
    "roles": Phrase(
        "与orgIds同用：只发送给这些角色的成员，1–20个；默认所有成员",
        "with orgIds: send only to members with these roles, 1-20; default: all members",
    ),
    "roles[]": Phrase("一个角色代码，如tea", "the code of a role, such as tea"),
    "includeSub": Phrase(
        "与orgIds同用：是否包含下级组织的成员，默认true",
        "with orgIds: whether members of the organisations below are included; default: true",
    ),
    "approval": Phrase("true：作为待审批消息", "true: the message is a pending approval"),
    "requestId": Phrase(
        "请求编号，24小时内重复的请求只发送一次", "idempotency key: a request repeated within 24 hours is sent once"
    ),
    "sendTime": Phrase("定时发送的时间（毫秒），最迟90天后", "time to send (Unix ms), at most 90 days ahead"),
    "expireTime": Phrase(
        "过期时间（毫秒），之后从收件箱消失", "expiry time (Unix ms); the message then leaves every inbox"
    ),
    "senderName": Phrase(
        "发送人的姓名，与应用名称一起显示在消息卡片上", "who sends it, shown on the card beside the app's name"
    ),
    "category": Phrase(
        "平台消息类型的代码；类型决定紧急程度和默认渠道",
        "code of a message type of the platform",
    ),
    "channels": Phrase(
        "仍未读时另经哪些渠道送达；空数组表示只进收件箱；默认由平台规定",
        "where else to send it while it is unread; empty: only to inboxes; default: as the platform has decided",
    ),
    "channels[]": Phrase("一个渠道", "a channel"),
    "channelDelay": Phrase(
        "发送后多少分钟仍未读才经渠道送达；默认由平台规定",
        "minutes after the send until it is sent by channels; default: as the platform has decided",
    ),
    "getMsgStatus.senderName": Phrase("发送人的姓名", "who sent it"),
    "getMsgList.messages[].senderName": Phrase("发送人的姓名", "who sent it"),
    "sendAppMsg.publisherId": Phrase(
        "发送人的用户编号；只检查格式，不保存", "user id of the sender; checked for its form, not stored"
    ),
    "publisherName": Phrase(
        "发送人的姓名，与应用名称一起显示在消息卡片上", "who sends it, shown on the card beside the app's name"
    ),
    "sendeeId": Phrase(
        "接收人的用户编号；或@加角色代码，发给组织及其下级组织中此角色的所有人",
        "user id of the receiver; or @ and a role code: all who have this role in the organisation or below it",
    ),
    "sendeeOrgId": Phrase(
        "接收人的组织编号；sendeeId为@角色时必填，否则只检查格式",
        "the receivers' organisation; required if sendeeId is a role, otherwise only checked for its form",
    ),
    "deadline": Phrase(
        "过期时间yyyyMMddHHmmss（服务器时区），之后从收件箱消失",
        "expiry time as yyyyMMddHHmmss in the server's time zone; the message then leaves every inbox",
    ),
    "sendAppMsg.busiId": Phrase(
        "业务编号，用于链接与卡片；也可放在link或oa内", "business object id of a link or card; also accepted inside it"
    ),
    "sendAppMsg.link.busiId": Phrase("同busiId", "same as busiId"),
    "sendAppMsg.link.title": Phrase("标题；缺省为描述的开头", "title; default: the beginning of the description"),
    "resetRead": Phrase("true：所有人重新变为未读", "true: the message becomes unread for all receivers"),
    "cursor": Phrase("上一页答复中的nextCursor", "nextCursor of the previous page"),
    "pageSize": Phrase("每页条数", "items per page"),
    "startTime": Phrase("起始时间（毫秒，含）", "start time (Unix ms, inclusive)"),
    "endTime": Phrase("结束时间（毫秒，不含）", "end time (Unix ms, exclusive)"),
    "replayWebhook.startTime": Phrase(
        "重投此时间（毫秒）以来的全部投递", "replay all deliveries created since this time (Unix ms)"
    ),
    "userIds": Phrase("用户编号，1–1,000个", "user ids, 1-1,000"),
    "userIds[]": Phrase("一个用户编号", "a user id"),
    "ttl": Phrase("令牌有效的秒数，默认3600", "token lifetime in seconds; default 3,600"),
    "url": Phrase("接收事件的https地址", "https URL that receives the events"),
    "events": Phrase("事件类型", "event types"),
    "events[]": Phrase("一种事件", "an event type"),
    "webhookId": Phrase("回调编号", "webhook id"),
    "paused": Phrase("true暂停，false恢复", "true pauses the webhook, false resumes it"),
    "state": Phrase("状态", "state"),
    "getWebhookDeliveries.state": Phrase("只列出此状态的投递", "list only deliveries in this state"),
    "deliveryId": Phrase("投递编号", "delivery id"),
    "orgs": Phrase("组织，一次最多1000个，次序不限", "organisations, at most 1,000 per call, in any order"),
    "orgs[].orgId": Phrase("组织编号", "id of the organisation"),
    "orgs[].parentId": Phrase(
        "上级组织编号；空串表示最上级；不传则不变", 'id of the organisation above; "": none; left out: unchanged'
    ),
    "orgs[].kind": Phrase("类别，如school、class，由平台自定", "the platform's own word, such as school or class"),
    "orgs[].name": Phrase("名称，新组织必填", "name; required for a new organisation"),
    "orgs[].deleted": Phrase(
        "true则删除；不能有下级组织；已收到的消息保留",
        "true deletes it; it must have none below it; received messages stay",
    ),
    "users": Phrase("用户，一次最多1000个", "users, at most 1,000 per call"),
    "users[].userId": Phrase("用户编号", "user id"),
    "users[].name": Phrase("姓名；空串表示清除；不传则不变", 'name; "" clears it; left out: unchanged'),
    "users[].locale": Phrase("语言，如zh-CN", "language tag, such as zh-CN"),
    "users[].timeZone": Phrase("时区，如Asia/Shanghai", "time zone, such as Asia/Shanghai"),
    "users[].disabled": Phrase(
        "true则不再收到发给组织的消息，身份保留",
        "true: messages to organisations no longer reach the user, whose memberships are kept",
    ),
    "users[].email": Phrase(
        "邮箱地址；空串表示清除；加密保存，不返回", 'e-mail address; "" clears it; stored encrypted, never returned'
    ),
    "users[].mobile": Phrase(
        "手机号；境外号码以+和国家代码开头；加密保存，不返回",
        "mobile number; + and the country code outside China; stored encrypted, never returned",
    ),
    "users[].accounts": Phrase(
        "其他平台的账号；加密保存，不返回", "accounts at other programs; stored encrypted, never returned"
    ),
    "users[].accounts.wecom": Phrase("企业微信账号", "WeCom account"),
    "users[].accounts.dingtalk": Phrase("钉钉userid", "DingTalk userid"),
    "users[].accounts.feishu": Phrase("飞书user_id", "Feishu user_id"),
    "users[].deleted": Phrase(
        "true则移出通讯录并删除联系方式，收件箱保留",
        "true removes the user from the directory and the contact points, not the inbox",
    ),
    "members": Phrase("成员身份，一次最多1000个", "memberships, at most 1,000 per call"),
    "members[].orgId": Phrase("组织编号", "id of the organisation"),
    "members[].userId": Phrase("用户编号", "user id"),
    "members[].role": Phrase(
        "角色：tea教师、stu学生、par家长、adm管理员，或平台自定",
        "role: tea, stu, par, adm or one of the platform's own",
    ),
    "removeMembers.members[].role": Phrase("角色；不传则为全部角色", "role; left out: all roles of the user"),
    "orgId": Phrase("组织编号", "id of the organisation"),
    "getOrg.orgId": Phrase("组织编号；不传则列出最上级组织", "id of the organisation; left out: the top ones"),
    "getMembers.roles": Phrase("只列出这些角色", "list only members with one of these roles"),
    "getMembers.includeSub": Phrase(
        "是否包括下级组织，默认true", "whether organisations below it count; default: true"
    ),
    # --- Answers ---
    "retCode": Phrase("000000表示成功", "000000 means success"),
    "retDesc": Phrase(
        "说明，随Accept-Language为中文或英文", "explanation, in Chinese or English as Accept-Language asks"
    ),
    "tokenInfo": Phrase("令牌信息", "token details"),
    "tokenInfo.accessToken": Phrase("访问令牌", "the access token"),
    "tokenInfo.validTime": Phrase("失效时间（毫秒）", "expiry time (Unix ms)"),
    "tokenInfo.appId": Phrase("应用编号", "app id"),
    "tokenInfo.appName": Phrase("应用名称", "app name"),
    "tokenInfo.platformCode": Phrase("应用的平台", "platform of the app"),
    "tokenInfo.userId": Phrase("应用的账号", "account of the app"),
    "tokenInfo.token": Phrase("同accessToken", "same as accessToken"),
    "data": Phrase("与tokenInfo相同", "same as tokenInfo"),
    "invalidMsgId": Phrase(
        "未生效的消息编号；全部生效时没有此字段", "message ids that changed nothing; absent if all ids changed"
    ),
    "invalidMsgId[]": Phrase("一个消息编号", "a message id"),
    "receivers": Phrase("接收人数", "number of recipients"),
    "delivered": Phrase("已送达人数", "number of recipients who have it in their inbox"),
    "read": Phrase("已读人数", "number of recipients who have read it"),
    "unread": Phrase("未读人数", "number of recipients who have it and have not read it"),
    "getUnreadCount.unread": Phrase("未读消息数", "number of unread messages"),
    "getMsgStatus.state": Phrase(
        "scheduled待发送，sending发送中，sent已发送，recalled已撤回，expired已过期",
        "scheduled, sending, sent, recalled or expired",
    ),
    "details": Phrase("接收人明细", "receipts, one per receiver"),
    "details[].channels": Phrase(
        "经渠道送达的情况；没有则无此字段", "what became of it by channels; absent without any"
    ),
    "details[].channels[].channel": Phrase("渠道", "the channel"),
    "details[].channels[].state": Phrase(
        "waiting等待，sent已送出，failed失败，skipped未送", "waiting, sent, failed, or skipped: not sent"
    ),
    "details[].channels[].time": Phrase(
        "送出、失败或放弃的时间；等待中为预定时间", "when it was sent, has failed or was skipped; when it is due"
    ),
    "details[].channels[].reason": Phrase("失败或未送的原因", "why it has failed or was skipped"),
    "getMsgStatus.channels": Phrase(
        "各渠道的人数；消息不经渠道发送则无此字段", "numbers of receivers by channel; absent if it is sent by none"
    ),
    **{f"getMsgStatus.channels.{channel}": Phrase(f"{channel}渠道", f"the channel {channel}") for channel in CHANNELS},
    **{
        f"getMsgStatus.channels.{channel}.{name}": text
        for channel in CHANNELS
        for name, text in {
            "waiting": Phrase("等待送出的人数", "receivers for whom it waits"),
            "sent": Phrase("已送出的人数", "receivers to whom it was sent"),
            "failed": Phrase("失败的人数", "receivers for whom it has failed"),
            "skipped": Phrase("未送的人数，按原因", "receivers to whom it was not sent, by reason"),
            "skipped.read": Phrase("已读", "had read it"),
            "skipped.gone": Phrase(
                "已撤回、过期或被用户删除", "it was recalled, has expired, or its user has deleted it"
            ),
            "skipped.muted": Phrase("用户已将应用静音", "had muted the app"),
            "skipped.off": Phrase("用户已关闭该渠道", "had turned the channel off"),
            "skipped.noAddress": Phrase("没有地址", "have no address"),
            "skipped.overQuota": Phrase("超出每日上限", "over the daily limit"),
            "skipped.noGateway": Phrase("平台未接入该渠道", "the platform has no gateway"),
        }.items()
    },
    "details[].userId": Phrase("用户编号", "a user's id"),
    "details[].isRead": Phrase("1已读，0未读", "1 read, 0 unread"),
    "details[].readTime": Phrase(
        "首次阅读时间（毫秒），未读为空", "time of first reading (Unix ms); empty while unread"
    ),
    "nextCursor": Phrase("下一页的cursor；最后一页没有此字段", "cursor of the next page; absent on the last page"),
    "groupBy": Phrase("org：另给出各组织的人数（orgs）", "org: also count by organisation, in orgs"),
    "getMsgStatus.orgId": Phrase(
        "组织编号：details只列出它及下级组织的成员；与groupBy同用时，orgs为其下一级的组织",
        "id of an organisation: details lists only members of it and of those below; with groupBy, orgs has those just "
        "below it",
    ),
    "getMsgStatus.orgIds": Phrase(
        "发送的组织；仅发给组织的消息", "the organisations addressed; only of such a message"
    ),
    "getMsgStatus.roles": Phrase("发送的角色；所有成员时没有此字段", "the roles addressed; absent if all members were"),
    "getMsgStatus.includeSub": Phrase("是否包含下级组织的成员", "whether members of organisations below are included"),
    "getMsgList.orgIds": Phrase("发送的组织；仅发给组织的消息", "the organisations addressed; only of such a message"),
    "getMsgList.roles": Phrase("发送的角色；所有成员时没有此字段", "the roles addressed; absent if all members were"),
    "getMsgList.includeSub": Phrase("是否包含下级组织的成员", "whether members of organisations below are included"),
    "getMsgStatus.orgs": Phrase(
        "各组织的人数，每人在一个组织中只计一次", "counts by organisation, each user once in each"
    ),
    "getMsgStatus.orgs[].orgId": Phrase("组织编号", "organisation id"),
    "getMsgStatus.orgs[].name": Phrase("组织现在的名称", "the organisation's name now"),
    "getMsgStatus.orgs[].receivers": Phrase(
        "接收人数，含下级组织", "number of recipients, with those of organisations below"
    ),
    "getMsgStatus.orgs[].read": Phrase("已读人数", "number of recipients who have read it"),
    "getMsgStatus.orgs[].unread": Phrase("未读人数", "number of recipients who have it and have not read it"),
    "version": Phrase("版本号", "version number"),
    "updateTime": Phrase("最近更新时间（毫秒）", "time of the last update (Unix ms)"),
    "recallTime": Phrase("撤回时间（毫秒）", "time of the recall (Unix ms)"),
    "remindTime": Phrase("最近提醒时间（毫秒）", "time of the last reminder (Unix ms)"),
    "closeTime": Phrase("办结时间（毫秒）", "time when the approval was closed (Unix ms)"),
    "closedBy": Phrase("办结人", "user id of the approver who closed it"),
    "messages": Phrase("消息，最新的在前", "messages, newest first"),
    "createTime": Phrase("创建时间（毫秒）", "creation time (Unix ms)"),
    "body": Phrase("消息内容，按msgtype", "content, as msgtype says"),
    "versions": Phrase("各个版本，当前版本在最后", "versions, current one last"),
    "reminded": Phrase("被提醒的人数", "number of reminded users"),
    "changed": Phrase("发生变化的订阅数", "number of changed subscriptions"),
    "setOrgs.changed": Phrase("发生变化的组织数", "number of changed organisations"),
    "setUsers.changed": Phrase("发生变化的用户数", "number of changed users"),
    "setMembers.changed": Phrase("新增的成员身份数", "number of new memberships"),
    "removeMembers.changed": Phrase("移除的成员身份数", "number of ended memberships"),
    "invalidItems": Phrase("未生效的项；全部生效时没有此字段", "items that were not applied; absent if all items were"),
    "invalidItems[].index": Phrase("该项在请求中的序号，从0开始", "place of the item in the request, from 0"),
    "invalidItems[].field": Phrase("有问题的字段", "the field that is wrong"),
    "invalidItems[].reason": Phrase("原因", "the reason"),
    "org": Phrase("组织", "the organisation"),
    "org.orgId": Phrase("组织编号", "its id"),
    "org.kind": Phrase("类别", "its kind"),
    "org.name": Phrase("名称", "its name"),
    "parent": Phrase("上级组织；最上级组织没有此字段", "the organisation above; absent for a top organisation"),
    "parent.orgId": Phrase("组织编号", "its id"),
    "parent.kind": Phrase("类别", "its kind"),
    "parent.name": Phrase("名称", "its name"),
    "children": Phrase("直接下级组织，按编号排序", "the organisations directly below it, by id"),
    "children[].orgId": Phrase("组织编号", "id of the organisation"),
    "children[].kind": Phrase("类别", "its kind"),
    "children[].name": Phrase("名称", "its name"),
    "getOrg.members": Phrase("本组织（不含下级）各角色的人数", "its own members, without those below it, by role"),
    "getOrg.members[].role": Phrase("角色", "role"),
    "getOrg.members[].count": Phrase("人数", "number of members"),
    "getMembers.members": Phrase("成员，每个组织、每个角色一条", "members, one entry for each organisation and role"),
    "getMembers.members[].name": Phrase("姓名，未知为空", "the user's name; empty if it is unknown"),
    "getMembers.members[].disabled": Phrase("true表示已停用；否则没有此字段", "true for disabled users, else absent"),
    "userToken": Phrase("用户令牌，交给收件箱组件", "user token for the inbox component"),
    "getUserToken.expireTime": Phrase("失效时间（毫秒）", "expiry time (Unix ms)"),
    "secret": Phrase("签名密钥，只显示这一次", "signing secret, shown only once"),
    "webhooks": Phrase("回调地址，最早的在前", "webhooks, oldest first"),
    "pending": Phrase("等待投递的事件数", "number of events waiting for delivery"),
    "pauseReason": Phrase("暂停原因", "reason for the pause"),
    "previousValidUntil": Phrase(
        "旧密钥签名至此时间（毫秒）", "the previous secret also signs until this time (Unix ms)"
    ),
    "deliveries": Phrase("投递记录，最新的在前", "deliveries, newest first"),
    "type": Phrase("事件类型", "event type"),
    "attempts": Phrase("尝试次数", "number of attempts"),
    "nextAttemptTime": Phrase("下次尝试的时间（毫秒）", "time of the next attempt (Unix ms)"),
    "status": Phrase("对方答复的HTTP状态", "HTTP status of the response"),
    "error": Phrase("没有答复的原因", "reason why there was no response"),
    "response": Phrase("对方答复的开头", "start of the response"),
    "replayed": Phrase("重新投递的条数", "number of deliveries posted again"),
}


def describe(call: str, name: str) -> Phrase:
    """Return what a field means: by call and path, by path, or by the last part of the path. Raises KeyError."""
    last = name.removesuffix("[]").rpartition(".")[2]
    for key in (f"{call}.{name}", name, f"{call}.{last}", last):
        if key in FIELDS:
            return FIELDS[key]
    raise KeyError(f"{call}: {name}")
