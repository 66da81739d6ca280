"""The reference's texts about each call: when to use it, preconditions, retCodes, samples and changes."""

from msgcenter.domain.api_reference import Sample
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason
from msgcenter.gateway.reference.call_text import SANDBOX_USER, CallTexts, only
from msgcenter.gateway.reference.directory_texts import DIRECTORY_TEXTS

MESSAGE_ID = "912839057684697088"
ORG_ID = "school-7"
_WEBHOOK_ID = "wh_4f9a1c0be27d5a6e8b31c902"
_DRILL = Phrase("明天上午九点全校消防演练，请准时参加。", "Fire drill tomorrow at nine: please be on time.")
TEXT = {"receiverIds": [SANDBOX_USER], "msgtype": "text", "text": {"content": _DRILL}}
LINK = {
    "receiverIds": [SANDBOX_USER],
    "msgtype": "link",
    "link": {
        "title": Phrase("第三单元作业", "Homework for unit three"),
        "content": Phrase("请在周五前完成并上传。", "Please finish it by Friday and hand it in online."),
        "busiId": "homework-3",
        "pcUrl": "https://homework.example.edu/3",
        "appUrl": "https://homework.example.edu/m/3",
        "picUrl": "",
    },
}
OA = {
    "receiverIds": [SANDBOX_USER],
    "msgtype": "oa",
    "approval": True,
    "busiId": "leave-18",
    "pcUrl": "https://oa.example.edu/leave/18",
    "appUrl": "https://oa.example.edu/m/leave/18",
    "oa": {
        "head": {"text": Phrase("请假审批", "Leave request"), "bgColor": "FF2F6FDE"},
        "body": {
            "title": Phrase("王老师的请假申请", "Ms Wang asks for a day off"),
            "content": Phrase("已协调好代课安排，请审批。", "Her lessons are covered; please decide."),
            "form": [
                {"key": Phrase("时间", "Date"), "value": Phrase("11月25日 全天", "25 November, all day")},
                {
                    "key": Phrase("事由", "Reason"),
                    "value": Phrase("参加市级教研培训", "Training of the city's teachers"),
                },
            ],
            "author": Phrase("王老师", "Ms Wang"),
            "fileCount": "2",
        },
    },
}
_BY_MS_LI = {
    "publisherId": "teacher-li",
    "publisherName": Phrase("李老师", "Ms Li"),
    "sendeeOrgId": "school-1",
    "sendeeId": SANDBOX_USER,
}
ORGANISATIONS = {
    "orgIds": [ORG_ID],
    "roles": ["tea"],
    "msgtype": "text",
    "text": {"content": Phrase("今天下午三点召开教师会议。", "The teachers' meeting is at three this afternoon.")},
}
_SENT = (
    Phrase("应用已上线，或接收人是应用的沙箱用户", "the app is live, or the receivers are its sandbox users"),
    Phrase("发给组织须由运营方授权", "organisations are granted by an operator"),
)
_KNOWN = (Reason.MESSAGE_UNKNOWN,)
_OF_WEBHOOKS = (Reason.WEBHOOK_UNKNOWN,)

TEXTS: dict[str, CallTexts] = {
    "getAccessToken": CallTexts(
        Phrase(
            "用appId和appKey换取accessToken，其他调用都需要它。令牌有效两小时，请缓存并在失效前更换。",
            "Exchange appId and appKey for the access token that every other call needs. Valid for two hours: cache it "
            "and refresh before expiry.",
        ),
        only({"appId": "APP_ID", "timeStamp": "TIME_STAMP", "keyInfo": "KEY_INFO"}),
        {
            name: {
                "accessToken": "2e01e3f7a0d5d1b0fdd4a2a4b3a9c1d7",
                "validTime": "1795545882934",
                "appId": "5d3a8f0c2b7e4916",
                "appName": "Smart Campus",
                "platformCode": "420100",
                "userId": "5d3a8f0c2b7e4916",
                "token": "2e01e3f7a0d5d1b0fdd4a2a4b3a9c1d7",
            }
            for name in ("tokenInfo", "data")
        },
        (Phrase("服务器时间与应用时间相差不超过10分钟", "the clocks of app and server differ by at most 10 minutes"),),
        (Reason.APP_UNKNOWN, Reason.KEY_INFO_WRONG, Reason.TIMESTAMP_OUTSIDE_WINDOW),
    ),
    "modMsgStatus": CallTexts(
        Phrase(
            "用户在应用自己的页面里看过消息后，把收件箱里的消息同步为已读（或未读），一次最多50条；"
            "待审批消息办结后，不传publisherId即对所有审批人设为已读。",
            "Set messages read (or unread) in the inbox after the user has seen them in the app, up to 50 per call. "
            "After a decision on a pending approval, leave publisherId out to close it for all approvers.",
        ),
        (Sample(Phrase("设为已读", "Set read"), {"msgId": [MESSAGE_ID], "publisherId": SANDBOX_USER, "isRead": 1}),),
        {},
        (Phrase("消息由本应用发送", "the app sent the messages"),),
        (Reason.MESSAGE_UNKNOWN, Reason.NOT_AN_APPROVAL, Reason.NOT_AUTHORISED),
    ),
    "sendMsg": CallTexts(
        Phrase(
            "向用户、主题的订阅者、组织的成员或平台所有人发送文本、链接或卡片消息；可定时、可过期、可作为待审批。",
            "Send a text, a link or a card to users, to a topic's subscribers, to members of organisations or to all "
            "users of a platform. The message can be scheduled, can expire, and can be a pending approval.",
        ),
        (
            Sample(Phrase("文本", "Text"), TEXT),
            Sample(Phrase("链接", "Link"), LINK),
            Sample(Phrase("卡片", "Card"), OA),
            Sample(Phrase("发给组织", "To an organisation"), ORGANISATIONS),
        ),
        {"msgId": MESSAGE_ID},
        _SENT,
        (
            Reason.FIELDS_CONTRADICT,
            Reason.NOT_AUTHORISED,
            Reason.REQUEST_ID_REUSED,
            Reason.AUDIENCE_UNKNOWN,
            Reason.ORGANISATION_UNKNOWN,
            Reason.QUOTA_EXCEEDED,
        ),
    ),
    "getMsgStatus": CallTexts(
        Phrase(
            "查看消息送达与阅读的人数，并逐页列出接收人及其首次阅读时间。",
            "Get how many receivers have a message and have read it, and list them with the time of first reading.",
        ),
        only({"msgId": MESSAGE_ID, "pageSize": 2}),
        {
            "receivers": 2,
            "delivered": 2,
            "read": 1,
            "unread": 1,
            "state": "sent",
            "details": [
                {
                    "userId": "parent-wang",
                    "isRead": 0,
                    "readTime": "",
                    "channels": [{"channel": "email", "state": "sent", "time": "1795539390112"}],
                },
                {
                    "userId": "teacher-li",
                    "isRead": 1,
                    "readTime": "1795538790996",
                    "channels": [{"channel": "email", "state": "skipped", "time": "1795539390112", "reason": "read"}],
                },
            ],
            "channels": {"email": {"waiting": 0, "sent": 1, "failed": 0, "skipped": {"read": 1}}},
        },
        reasons=_KNOWN,
    ),
    "getMsgList": CallTexts(
        Phrase(
            "列出应用发送过的消息，可按业务编号、类型和时间筛选。",
            "List the messages that the app has sent; filter by business object id, type or time.",
        ),
        only({"pageSize": 1}),
        {
            "messages": [
                {
                    "msgId": MESSAGE_ID,
                    "msgtype": "text",
                    "body": {"content": _DRILL},
                    "createTime": "1795538790996",
                    "state": "sent",
                    "receivers": 1,
                    "delivered": 1,
                    "read": 0,
                    "unread": 1,
                }
            ],
            "nextCursor": "912839057684697088",
        },
        reasons=(Reason.FIELDS_CONTRADICT,),
    ),
    "getUnreadCount": CallTexts(
        Phrase(
            "查询用户有多少条本应用的未读消息，用于角标。", "Count a user's unread messages of this app, for a badge."
        ),
        only({"publisherId": SANDBOX_USER}),
        {"unread": 1},
        reasons=(Reason.NOT_AUTHORISED,),
    ),
    "recallMsg": CallTexts(
        Phrase(
            "撤回消息：立即从所有收件箱消失，未读数随之减少；定时消息则取消发送。",
            "Recall a message: it leaves every inbox and unread count at once. A scheduled message is cancelled.",
        ),
        only({"msgId": MESSAGE_ID}),
        {},
        reasons=_KNOWN,
    ),
    "updateMsg": CallTexts(
        Phrase(
            "更新已发送消息的内容，例如在卡片上显示审批结果；可让所有人重新变为未读。",
            "Update a message's content, for example with the outcome of an approval; it can become unread again.",
        ),
        only(
            {
                "msgId": MESSAGE_ID,
                "msgtype": "text",
                "text": {"content": Phrase("演练改到上午十点。", "The drill is at ten instead.")},
                "resetRead": True,
            }
        ),
        {},
        reasons=(*_KNOWN, Reason.ALREADY_RECALLED, Reason.FIELDS_CONTRADICT),
    ),
    "remindUnread": CallTexts(
        Phrase(
            "提醒尚未阅读的用户，每条消息每小时最多一次。",
            "Remind the users who have not read a message, at most once an hour per message.",
        ),
        only({"msgId": MESSAGE_ID}),
        {"reminded": 1},
        reasons=(*_KNOWN, Reason.ALREADY_RECALLED),
    ),
    "getMsgVersions": CallTexts(
        Phrase("查看消息更新前后的各个版本。", "List the versions of a message before and after its updates."),
        only({"msgId": MESSAGE_ID}),
        {
            "versions": [
                {
                    "version": 1,
                    "createTime": "1795538790996",
                    "resetRead": False,
                    "msgtype": "text",
                    "body": {"content": _DRILL},
                }
            ]
        },
        reasons=_KNOWN,
    ),
    "subscribe": CallTexts(
        Phrase(
            "让用户订阅主题（例如一个班级），之后发送给主题的消息都会收到；新主题自动创建。",
            "Subscribe users to a topic, such as a class. They get later messages to it. A new topic is created.",
        ),
        only({"topic": "class-3a", "userIds": [SANDBOX_USER]}),
        {"changed": 1},
        _SENT,
        (Reason.NOT_AUTHORISED,),
    ),
    "unsubscribe": CallTexts(
        Phrase(
            "退订主题；已收到的消息保留。", "Unsubscribe users from a topic; messages that they have received stay."
        ),
        only({"topic": "class-3a", "userIds": [SANDBOX_USER]}),
        {"changed": 1},
        reasons=(Reason.NOT_AUTHORISED, Reason.AUDIENCE_UNKNOWN),
    ),
    "getSubscribers": CallTexts(
        Phrase("列出主题的订阅用户。", "List the subscribers of a topic."),
        only({"topic": "class-3a"}),
        {"userIds": [SANDBOX_USER]},
        reasons=(Reason.NOT_AUTHORISED, Reason.AUDIENCE_UNKNOWN),
    ),
    "sendAppMsg": CallTexts(
        Phrase(
            "同系列的已有系统可不改代码继续发送：发给一个用户，或发给某组织中某一角色的所有人。新系统请用sendMsg。",
            "Existing systems of the family go on sending without a change: to one user, or to all who have a role in "
            "an organisation. New systems use sendMsg.",
        ),
        (
            Sample(Phrase("文本", "Text"), {**_BY_MS_LI, "msgType": "text", "text": TEXT["text"]}),
            Sample(Phrase("链接", "Link"), {**_BY_MS_LI, "msgType": "link", "link": LINK["link"]}),
        ),
        {"msgId": MESSAGE_ID},
        _SENT,
        (
            Reason.FIELDS_CONTRADICT,
            Reason.NOT_AUTHORISED,
            Reason.REQUEST_ID_REUSED,
            Reason.ORGANISATION_UNKNOWN,
            Reason.QUOTA_EXCEEDED,
        ),
    ),
    "getUserToken": CallTexts(
        Phrase(
            "为一个用户换取令牌，交给网页里的收件箱组件，即可显示该用户的消息。",
            "Get a token for one user; with it, the inbox component on your page shows this user's messages.",
        ),
        only({"publisherId": SANDBOX_USER}),
        {"userToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…", "expireTime": "1795542390000"},
        _SENT,
        (Reason.NOT_AUTHORISED,),
    ),
    "createWebhook": CallTexts(
        Phrase(
            "登记一个https地址，消息被阅读、撤回、办结时由平台主动通知。",
            "Register an https URL that receives an event when messages are read, recalled or decided.",
        ),
        only({"url": "https://hr.example.edu/hooks/msgcenter", "events": ["message.read", "approval.closed"]}),
        {"webhookId": _WEBHOOK_ID, "secret": "whsec_vCRsShheNcYkQby8UOiC3/ylgd1m54qbnqBLWysJ4AE="},
        (Phrase("地址可从公网访问，且使用https", "the URL is public and uses https"),),
        (Reason.TOO_MANY_ITEMS,),
    ),
    "getWebhooks": CallTexts(
        Phrase("列出应用的回调地址及其状态。", "List the app's webhooks and their states."),
        only({}),
        {
            "webhooks": [
                {
                    "webhookId": _WEBHOOK_ID,
                    "url": "https://hr.example.edu/hooks/msgcenter",
                    "events": ["approval.closed", "message.read"],
                    "state": "active",
                    "createTime": "1795538786763",
                    "pending": 0,
                }
            ]
        },
    ),
    "updateWebhook": CallTexts(
        Phrase("修改回调地址或事件，暂停或恢复投递。", "Change a webhook's URL or events; pause or resume it."),
        only({"webhookId": _WEBHOOK_ID, "paused": True}),
        {},
        reasons=_OF_WEBHOOKS,
    ),
    "deleteWebhook": CallTexts(
        Phrase("删除回调地址及其等待投递的事件。", "Delete a webhook and its waiting events."),
        only({"webhookId": _WEBHOOK_ID}),
        {},
        reasons=_OF_WEBHOOKS,
    ),
    "rotateWebhookSecret": CallTexts(
        Phrase(
            "更换签名密钥，24小时内新旧密钥同时签名。",
            "Replace the signing secret. For 24 hours, both secrets sign.",
        ),
        only({"webhookId": _WEBHOOK_ID}),
        {"secret": "whsec_vCRsShheNcYkQby8UOiC3/ylgd1m54qbnqBLWysJ4AE=", "previousValidUntil": "1795625186763"},
        reasons=_OF_WEBHOOKS,
    ),
    "testWebhook": CallTexts(
        Phrase("发送一个webhook.test事件，检查接收程序。", "Send a webhook.test event to check your receiver."),
        only({"webhookId": _WEBHOOK_ID}),
        {},
        reasons=_OF_WEBHOOKS,
    ),
    "getWebhookDeliveries": CallTexts(
        Phrase("查看投递记录、对方的答复和重试。", "List deliveries with the responses to them and the next attempts."),
        only({"webhookId": _WEBHOOK_ID, "pageSize": 1}),
        {
            "deliveries": [
                {
                    "deliveryId": "msg_b4f3f86b2dcbfa456311d2a0",
                    "type": "message.read",
                    "state": "delivered",
                    "attempts": 1,
                    "createTime": "1795538790996",
                    "body": {
                        "type": "message.read",
                        "timestamp": "2026-11-24T16:46:30.996Z",
                        "data": {
                            "events": [
                                {
                                    "msgId": MESSAGE_ID,
                                    "userId": SANDBOX_USER,
                                    "platformCode": "420100",
                                    "by": "app",
                                    "readTime": "1795538790996",
                                    "eventTime": "1795538790996",
                                }
                            ]
                        },
                    },
                    "status": 204,
                }
            ]
        },
        reasons=_OF_WEBHOOKS,
    ),
    "replayWebhook": CallTexts(
        Phrase("重新投递一条或某一时间以来的全部记录。", "Post one delivery again, or all deliveries since a time."),
        only({"webhookId": _WEBHOOK_ID, "deliveryId": "msg_b4f3f86b2dcbfa456311d2a0"}),
        {"replayed": 1},
        reasons=(*_OF_WEBHOOKS, Reason.FIELDS_CONTRADICT),
    ),
    **DIRECTORY_TEXTS,
}
