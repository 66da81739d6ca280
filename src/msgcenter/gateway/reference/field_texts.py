"""What each field of the API means, by its name; `call.field` where the same name means something else."""

from msgcenter.domain.language import Phrase

FIELDS = {
    # --- Requests ---
    "accessToken": Phrase("访问令牌，由getAccessToken取得", "the token that getAccessToken gives"),
    "appId": Phrase("应用编号", "the app's id"),
    "timeStamp": Phrase(
        "当前时间，1970年以来的毫秒数（或秒数）", "the present time, milliseconds (or seconds) since 1970"
    ),
    "sysCode": Phrase(
        "国家平台客户端的系统编号；有此字段时，答复只含retCode、retDesc和data",
        "sent by clients of the national gateway; with it, the answer has only retCode, retDesc and data",
    ),
    "keyInfo": Phrase(
        "以appKey为密钥，对appId+appKey+timeStamp作HMAC-SHA256（或SHA1），大写十六进制",
        "HMAC-SHA256 (or SHA-1) of appId+appKey+timeStamp with appKey as the key, upper-case hex",
    ),
    "msgId": Phrase("消息编号", "the message's id"),
    "modMsgStatus.msgId": Phrase("消息编号的数组，一次最多50个", "the messages' ids, at most 50 in one call"),
    "msgId[]": Phrase("一个消息编号", "one message id"),
    "publisherId": Phrase("用户编号", "the user's id"),
    "modMsgStatus.publisherId": Phrase(
        "接收人的用户编号；待审批消息不传则对所有审批人生效",
        "whose messages to set; left out, pending approvals are set for all approvers",
    ),
    "isRead": Phrase("1已读，0未读", "1 read, 0 unread"),
    "modMsgStatus.isRead": Phrase("1设为已读（默认），0设为未读", "1 sets read (the default), 0 unread"),
    "getMsgStatus.isRead": Phrase("只列出已读（1）或未读（0）的接收人", "list only who has read it (1) or has not (0)"),
    "platformCode": Phrase(
        "用户所在平台，默认为应用自己的平台；其他平台须获授权",
        "the users' platform; default: the app's own; others must be granted",
    ),
    "approverId": Phrase("审批人的用户编号，记入办结信息", "who has decided, kept with the closed approval"),
    "msgtype": Phrase("消息类型：text文本，link链接，oa卡片", "the message's kind: text, link or oa (a card)"),
    "msgType": Phrase("同msgtype", "the same as msgtype"),
    "text": Phrase("文本消息，msgtype为text时必填", "a text; required when msgtype is text"),
    "text.content": Phrase("文本内容", "what it says"),
    "link": Phrase("链接消息，msgtype为link时必填", "a link; required when msgtype is link"),
    "link.title": Phrase("标题", "its title"),
    "link.content": Phrase("描述", "its description"),
    "link.busiId": Phrase("业务编号，用于查询", "the matter's id in your system; getMsgList finds by it"),
    "link.pcUrl": Phrase(
        "电脑上点击后打开的地址，http或https；与appUrl至少填一个，另一个屏幕也打开它",
        "where a click leads on a PC, http or https; one of pcUrl and appUrl is needed and opens everywhere",
    ),
    "link.appUrl": Phrase(
        "手机上点击后打开的地址，http、https或平台允许的协议；与pcUrl至少填一个",
        "where a click leads on a phone; http, https or a scheme that the platform allows; see pcUrl",
    ),
    "link.picUrl": Phrase("图片地址（JPG、PNG）", "a picture's address (JPG, PNG)"),
    "oa": Phrase("卡片消息，msgtype为oa时必填", "a card; required when msgtype is oa"),
    "oa.head": Phrase("卡片头部", "its head"),
    "oa.head.text": Phrase("头部文字", "the head's text"),
    "oa.head.bgColor": Phrase("头部背景色AARRGGBB，默认FFCC0000", "the head's colour AARRGGBB; default FFCC0000"),
    "oa.body": Phrase("卡片正文", "its body"),
    "oa.body.title": Phrase("正文标题", "the body's title"),
    "oa.body.content": Phrase("正文内容", "the body's text"),
    "oa.body.imageUrl": Phrase("正文图片地址", "a picture's address"),
    "oa.body.fileCount": Phrase("附件个数，仅作显示", "how many attachments there are; shown, not checked"),
    "oa.body.author": Phrase("作者", "who has written it"),
    "oa.body.form": Phrase("表单，最多6行", "rows of a form, at most 6"),
    "oa.body.form[].key": Phrase("表单行的名称", "a row's name"),
    "oa.body.form[].value": Phrase("表单行的值", "a row's value"),
    "busiId": Phrase("业务编号，与oa并列；也可放在oa内", "the matter's id, beside oa; it may stand in oa too"),
    "getMsgList.busiId": Phrase("只列出此业务编号的消息", "only messages of this matter"),
    "pcUrl": Phrase(
        "电脑上点击后打开的地址，与oa并列；与appUrl至少填一个",
        "where a click leads on a PC, beside oa; pcUrl or appUrl is needed",
    ),
    "appUrl": Phrase(
        "手机上点击后打开的地址，与oa并列；与pcUrl至少填一个",
        "where a click leads on a phone, beside oa; see pcUrl",
    ),
    "oa.busiId": Phrase("同busiId", "the same as busiId"),
    "oa.pcUrl": Phrase("同pcUrl", "the same as pcUrl"),
    "oa.appUrl": Phrase("同appUrl", "the same as appUrl"),
    "receiverIds": Phrase(
        "接收人的用户编号，1–10,000个；与topic、toAll三选一",
        "the receivers' user ids, 1-10,000; or else topic, or toAll",
    ),
    "receiverIds[]": Phrase("一个用户编号", "one user id"),
    "topic": Phrase("主题名称", "the topic's name"),
    "sendMsg.topic": Phrase("发送给此主题的订阅用户", "send to this topic's subscribers"),
    "toAll": Phrase("true：发送给平台的所有用户", "true: send to everyone of the platform"),
    "approval": Phrase("true：作为待审批消息", "true: a pending approval"),
    "requestId": Phrase(
        "请求编号，24小时内重复的请求只发送一次", "the request's own id: repeated within 24 hours, it sends once"
    ),
    "sendTime": Phrase("定时发送的时间（毫秒），最迟90天后", "when to send it (ms since 1970), at most in 90 days"),
    "expireTime": Phrase("过期时间（毫秒），之后从收件箱消失", "when it leaves every inbox (ms since 1970)"),
    "resetRead": Phrase("true：所有人重新变为未读", "true: unread again for everyone"),
    "cursor": Phrase("上一页答复中的nextCursor", "nextCursor of the page before"),
    "pageSize": Phrase("每页条数", "how many on a page"),
    "startTime": Phrase("起始时间（毫秒，含）", "from when on (ms since 1970, inclusive)"),
    "endTime": Phrase("结束时间（毫秒，不含）", "until when (ms since 1970, exclusive)"),
    "replayWebhook.startTime": Phrase(
        "重投此时间（毫秒）以来的全部投递", "replay all deliveries made since then (ms since 1970)"
    ),
    "userIds": Phrase("用户编号，1–1,000个", "user ids, 1-1,000"),
    "userIds[]": Phrase("一个用户编号", "one user id"),
    "ttl": Phrase("令牌有效的秒数，默认3600", "seconds that the token holds; default 3,600"),
    "url": Phrase("接收事件的https地址", "the https URL that events are posted to"),
    "events": Phrase("事件类型", "kinds of events"),
    "events[]": Phrase("一种事件", "one kind of event"),
    "webhookId": Phrase("回调编号", "the webhook's id"),
    "paused": Phrase("true暂停，false恢复", "true pauses it, false goes on"),
    "state": Phrase("状态", "its state"),
    "getWebhookDeliveries.state": Phrase("只列出此状态的投递", "only deliveries in this state"),
    "deliveryId": Phrase("投递编号", "the delivery's id"),
    # --- Answers ---
    "retCode": Phrase("000000表示成功", "000000 is success"),
    "retDesc": Phrase(
        "说明，随Accept-Language为中文或英文", "a text for people, in Chinese or English by Accept-Language"
    ),
    "tokenInfo": Phrase("令牌信息", "the token"),
    "tokenInfo.accessToken": Phrase("访问令牌", "the access token"),
    "tokenInfo.validTime": Phrase("失效时间（毫秒）", "its end, ms since 1970"),
    "tokenInfo.appId": Phrase("应用编号", "the app's id"),
    "tokenInfo.appName": Phrase("应用名称", "the app's name"),
    "tokenInfo.platformCode": Phrase("应用的平台", "the app's platform"),
    "tokenInfo.userId": Phrase("应用的账号", "the app's own account"),
    "tokenInfo.token": Phrase("同accessToken", "the same as accessToken"),
    "data": Phrase("与tokenInfo相同", "the same as tokenInfo"),
    "invalidMsgId": Phrase(
        "未生效的消息编号；全部生效时没有此字段", "ids that changed nothing; absent if all have changed"
    ),
    "invalidMsgId[]": Phrase("一个消息编号", "one message id"),
    "receivers": Phrase("接收人数", "for how many it is"),
    "delivered": Phrase("已送达人数", "how many have it in their inbox"),
    "read": Phrase("已读人数", "how many have read it"),
    "unread": Phrase("未读人数", "how many have it and have not read it"),
    "getUnreadCount.unread": Phrase("未读消息数", "how many messages are unread"),
    "getMsgStatus.state": Phrase(
        "scheduled待发送，sending发送中，sent已发送，recalled已撤回，expired已过期",
        "scheduled, sending, sent, recalled or expired",
    ),
    "details": Phrase("接收人明细", "the receivers"),
    "details[].userId": Phrase("用户编号", "a user's id"),
    "details[].isRead": Phrase("1已读，0未读", "1 read, 0 unread"),
    "details[].readTime": Phrase("首次阅读时间（毫秒），未读为空", "first read, ms since 1970; empty while unread"),
    "nextCursor": Phrase("下一页的cursor；最后一页没有此字段", "the next page's cursor; absent on the last page"),
    "version": Phrase("版本号", "its version's number"),
    "updateTime": Phrase("最近更新时间（毫秒）", "last updated, ms since 1970"),
    "recallTime": Phrase("撤回时间（毫秒）", "recalled, ms since 1970"),
    "remindTime": Phrase("最近提醒时间（毫秒）", "last reminder, ms since 1970"),
    "closeTime": Phrase("办结时间（毫秒）", "when the approval was closed, ms since 1970"),
    "closedBy": Phrase("办结人", "who has closed it"),
    "messages": Phrase("消息，最新的在前", "messages, the newest first"),
    "createTime": Phrase("创建时间（毫秒）", "made, ms since 1970"),
    "body": Phrase("消息内容，按msgtype", "what it says, by its msgtype"),
    "versions": Phrase("各个版本，当前版本在最后", "the versions, the present one last"),
    "reminded": Phrase("被提醒的人数", "how many are reminded"),
    "changed": Phrase("发生变化的订阅数", "how many subscriptions have changed"),
    "userToken": Phrase("用户令牌，交给收件箱组件", "the token to hand to the inbox component"),
    "getUserToken.expireTime": Phrase("失效时间（毫秒）", "its end, ms since 1970"),
    "secret": Phrase("签名密钥，只显示这一次", "the signing secret, shown this once"),
    "webhooks": Phrase("回调地址，最早的在前", "the webhooks, the oldest first"),
    "pending": Phrase("等待投递的事件数", "events that wait to be delivered"),
    "pauseReason": Phrase("暂停原因", "why it is paused"),
    "previousValidUntil": Phrase(
        "旧密钥签名至此时间（毫秒）", "until then (ms since 1970) the secret before signs too"
    ),
    "deliveries": Phrase("投递记录，最新的在前", "deliveries, the newest first"),
    "type": Phrase("事件类型", "the kind of event"),
    "attempts": Phrase("尝试次数", "how often it was tried"),
    "nextAttemptTime": Phrase("下次尝试的时间（毫秒）", "the next try, ms since 1970"),
    "status": Phrase("对方答复的HTTP状态", "the HTTP status of the answer"),
    "error": Phrase("没有答复的原因", "why there was no answer"),
    "response": Phrase("对方答复的开头", "the beginning of the answer"),
    "replayed": Phrase("重新投递的条数", "how many deliveries are posted again"),
}


def describe(call: str, name: str) -> Phrase:
    """Return what a field means: by call and path, by path, or by the last part of the path. Raises KeyError."""
    last = name.removesuffix("[]").rpartition(".")[2]
    for key in (f"{call}.{name}", name, f"{call}.{last}", last):
        if key in FIELDS:
            return FIELDS[key]
    raise KeyError(f"{call}: {name}")
