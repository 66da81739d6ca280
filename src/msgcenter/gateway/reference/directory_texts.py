"""The reference's texts about the calls of the directory."""

from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason
from msgcenter.gateway.reference.call_text import SANDBOX_USER, CallTexts, only

_SCHOOL = Phrase("实验小学", "Experimental School")
_CLASS = Phrase("三年级2班", "Class 3(2)")
_DIRECTORY = (
    Phrase("运营人员已授予通讯录接口权限", "an operator has granted the directory API to the app"),
    Phrase("应用已获该平台授权", "the app is authorised for the platform"),
)

DIRECTORY_TEXTS: dict[str, CallTexts] = {
    "setOrgs": CallTexts(
        Phrase(
            "新增、修改、移动或删除组织（学区、学校、班级）。未传的字段不变；无效的项列入invalidItems，其余生效。",
            "Add, change, move or delete organisations, such as districts, schools and classes. Fields that are left"
            " out keep their values. Invalid items are listed in invalidItems, the others are applied.",
        ),
        only(
            {
                "orgs": [
                    {"orgId": "school-1", "parentId": "", "kind": "school", "name": _SCHOOL},
                    {"orgId": "class-3a", "parentId": "school-1", "kind": "class", "name": _CLASS},
                ]
            }
        ),
        {"changed": 2},
        _DIRECTORY,
        (Reason.NOT_AUTHORISED,),
    ),
    "setUsers": CallTexts(
        Phrase(
            "新增、修改、停用或移除用户。停用的用户不再收到发给组织的消息。",
            "Add, change, disable or remove users. Messages to organisations do not reach a disabled user.",
        ),
        only({"users": [{"userId": SANDBOX_USER, "name": Phrase("王芳", "Wang Fang"), "timeZone": "Asia/Shanghai"}]}),
        {"changed": 1},
        _DIRECTORY,
        (Reason.NOT_AUTHORISED,),
    ),
    "setMembers": CallTexts(
        Phrase(
            "让用户以某种角色加入组织；之后发给组织的消息都会收到。",
            "Give users roles in organisations. They get later messages to these.",
        ),
        only({"members": [{"orgId": "class-3a", "userId": SANDBOX_USER, "role": "par"}]}),
        {"changed": 1},
        _DIRECTORY,
        (Reason.NOT_AUTHORISED, Reason.ORGANISATION_UNKNOWN),
    ),
    "removeMembers": CallTexts(
        Phrase(
            "移除组织成员；已收到的消息保留。",
            "Remove users from organisations; messages that they have received stay.",
        ),
        only({"members": [{"orgId": "class-3a", "userId": SANDBOX_USER, "role": "par"}]}),
        {"changed": 1},
        _DIRECTORY,
        (Reason.NOT_AUTHORISED, Reason.ORGANISATION_UNKNOWN),
    ),
    "getOrg": CallTexts(
        Phrase(
            "查询组织、上级组织、直接下级组织和各角色人数；不传orgId则列出最上级组织。",
            "Get an organisation, the one above it, those directly below it, and its members by role.",
        ),
        only({"orgId": "school-1"}),
        {
            "children": [{"orgId": "class-3a", "kind": "class", "name": _CLASS}],
            "org": {"orgId": "school-1", "kind": "school", "name": _SCHOOL},
            "members": [{"role": "tea", "count": 42}],
        },
        _DIRECTORY,
        (Reason.NOT_AUTHORISED, Reason.ORGANISATION_UNKNOWN),
    ),
    "getMembers": CallTexts(
        Phrase("列出组织及其下级的成员。", "List the members of an organisation and of those below it."),
        only({"orgId": "school-1", "roles": ["par"]}),
        {
            "members": [
                {"orgId": "class-3a", "userId": SANDBOX_USER, "role": "par", "name": Phrase("王芳", "Wang Fang")}
            ]
        },
        _DIRECTORY,
        (Reason.NOT_AUTHORISED, Reason.ORGANISATION_UNKNOWN),
    ),
}
