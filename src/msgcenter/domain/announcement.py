"""Announcements: messages to everyone or to organisations that operators write, and that a second person approves.

An operator submits a draft, another operator approves it, and it is sent. Each edit makes a new version, which needs a
new approval. Every step names the version that the person has seen; a step for another version is refused.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from msgcenter.domain.audience import Organisations
from msgcenter.domain.content import Body, Kind, kind_of
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.text_diff import Piece, pieces_of

State = Literal["draft", "waiting", "returned", "sent", "recalled", "withdrawn"]
Step = Literal["draft", "edit", "submit", "approve", "return", "withdraw", "recall"]
MAX_REASON = 500
_MAX_HEADLINE = 80

_STEPS: dict[State, dict[Step, State]] = {
    "draft": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "waiting": {"edit": "draft", "approve": "sent", "return": "returned", "withdraw": "withdrawn"},
    "returned": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "sent": {"recall": "recalled"},
    "recalled": {},
    "withdrawn": {},
}
"""The steps that are possible in each state, and the states that they lead to."""


class AnnouncementVersion(Struct, frozen=True):
    """The content of one version. Times are ms since 1970; `send_at` None means "on approval".

    `audience` None means everyone on the platform.
    """

    platform_code: str
    body: Body
    send_at: int | None
    expires_at: int | None
    audience: Organisations | None = None
    number: int = 1
    edited_by: int = 0
    edited_at: int = 0

    @property
    def kind(self) -> Kind:
        """The message's msgtype."""
        return kind_of(self.body)


class Announcement(Struct, frozen=True):
    """An announcement's state. `version` is the number of the current version; people are given by number."""

    number: int
    version: int
    state: State
    created_by: int
    created_at: int
    changed_at: int
    submitted_by: int | None = None
    app_number: int | None = None
    message_id: int | None = None


class StepRecord(NamedTuple):
    """A step of an announcement in the past. `at` is ms since 1970, `by` a person's number."""

    step: Step
    version: int
    by: int
    at: int
    reason: str


def state_after(announcement: Announcement, edited_by: int, step: Step, person: int, seen_version: int) -> State:
    """Return the state after a step of `person`; `edited_by` is the author of the current version (person numbers).

    Refuses with FIELD_MALFORMED a step that the state does not allow (state) or that is for another version (version),
    and with NOT_AUTHORISED a decision by a person who wrote, edited or submitted the version.
    """
    following = _STEPS[announcement.state].get(step)
    if following is None:
        raise malformed(
            "state", "当前状态不允许此操作,请查看最新情况", "does not allow this any more; check the current state"
        )
    if seen_version != announcement.version:
        raise malformed(
            "version", "内容已被修改,请查看新版本后再操作", "has changed; read the new version, then decide"
        )
    if step in {"approve", "return"} and not may_review(announcement, edited_by, person):
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase(
                "起草、修改或提交者不能自行审批", "its author, editor or submitter cannot approve or return it"
            ),
        )
    return following


def may_review(announcement: Announcement, edited_by: int, person: int) -> bool:
    """Return whether a person is independent of the pending version: did not create, edit or submit it."""
    return person not in {announcement.created_by, edited_by, announcement.submitted_by}


def steps_open(state: State) -> frozenset[Step]:
    """Return the steps that a state allows."""
    return frozenset(_STEPS[state])


def checked_reason(text: str) -> str:
    """Return the trimmed reason for returning an announcement. Refuses with FIELD_MALFORMED."""
    reason = text.strip()
    if not 1 <= len(reason) <= MAX_REASON or "\0" in reason:
        raise malformed("reason", f"须为1–{MAX_REASON}个字符", f"must be 1-{MAX_REASON} characters")
    return reason


def request_id_of(number: int, version: int) -> str:
    """Return the idempotency key for sending a version."""
    return f"announcement-{number}-{version}"


def reviewed_before(steps: Iterable[StepRecord], version: int) -> int | None:
    """Return the version before `version` that was last submitted or approved; None if none was."""
    seen = [record.version for record in steps if record.step in {"submit", "approve"} and record.version < version]
    return max(seen, default=None)


# --- Differences between versions -------------------------------------------------------------------------------------

_LABELS = {
    "platform": Phrase("平台", "Platform"),
    "kind": Phrase("类型", "Kind"),
    "orgIds": Phrase("组织", "Organisations"),
    "roles": Phrase("角色", "Roles"),
    "includeSub": Phrase("下级组织", "Organisations below"),
    "content": Phrase("正文", "Text"),
    "title": Phrase("标题", "Title"),
    "pcUrl": Phrase("网页链接", "Link"),
    "appUrl": Phrase("手机链接", "Link on phones"),
    "picUrl": Phrase("图片", "Picture"),
    "busiId": Phrase("业务编号", "Business id"),
    "head.text": Phrase("卡片头", "Head"),
    "head.bgColor": Phrase("头部颜色", "Head colour"),
    "body.title": Phrase("标题", "Title"),
    "body.content": Phrase("正文", "Text"),
    "body.imageUrl": Phrase("图片", "Picture"),
    "body.fileCount": Phrase("附件数", "Attachments"),
    "body.author": Phrase("作者", "Author"),
    "sendTime": Phrase("发送时间", "Send time"),
    "expireTime": Phrase("失效时间", "Expires"),
}
_KINDS = {
    "text": Phrase("文本", "Text"),
    "link": Phrase("链接", "Link"),
    "oa": Phrase("卡片", "Card"),
}
_ALL = Phrase("所有成员", "all members")
_INCLUDED = Phrase("包含", "included")
_EXCLUDED = Phrase("不含", "not included")
Value = str | int | Phrase
"""The value of a field: a text, a time (ms since 1970), or a term of the product."""


class Field(NamedTuple):
    """A field of a version with its label for people."""

    name: str
    label: Phrase
    value: Value


class FieldChange(NamedTuple):
    """A field that differs between two versions; None if a version lacks it. `pieces` if both values are texts."""

    label: Phrase
    before: Value | None
    after: Value | None
    pieces: list[Piece]


def fields_of(version: AnnouncementVersion) -> list[Field]:
    """Return the fields of a version that have a value."""
    values: dict[str, Value] = {"platform": version.platform_code, "kind": _KINDS[version.kind]}
    if version.audience is not None:
        values["orgIds"] = ", ".join(version.audience.org_ids)
        values["roles"] = _ALL if version.audience.roles is None else ", ".join(version.audience.roles)
        values["includeSub"] = _INCLUDED if version.audience.include_sub else _EXCLUDED
    values |= dict(_flat(msgspec.to_builtins(version.body), ""))
    if version.send_at is not None:
        values["sendTime"] = version.send_at
    if version.expires_at is not None:
        values["expireTime"] = version.expires_at
    return [Field(name, _label(name), value) for name, value in values.items()]


def headline_of(version: AnnouncementVersion) -> str:
    """Return the title, the head or the text of a version, at most 80 characters."""
    body: dict[str, Any] = msgspec.to_builtins(version.body)
    text = body.get("title") or body.get("head", {}).get("text") or body.get("content") or ""
    return str(text)[:_MAX_HEADLINE]


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if set(value) <= {"key", "value"} and name.startswith("body.form."):
            yield name, f"{value.get('key', '')}: {value.get('value', '')}"
            return
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value, 1):
            yield from _flat(item, f"{name}.{place}")
    elif value != "":
        yield name, str(value)


def _label(name: str) -> Phrase:
    if name.startswith("body.form."):
        row = name.rpartition(".")[2]
        return Phrase(f"表单第{row}行", f"Form, row {row}")
    return _LABELS[name]


def changes_between(before: AnnouncementVersion, after: AnnouncementVersion) -> list[FieldChange]:
    """Return the differences between two versions, in field order."""
    old = {field.name: field for field in fields_of(before)}
    new = {field.name: field for field in fields_of(after)}
    changes = []
    for name in dict.fromkeys([*new, *old]):
        was, is_now = old.get(name), new.get(name)
        if was is not None and is_now is not None and was.value == is_now.value:
            continue
        label = (is_now or was or Field(name, _label(name), "")).label
        values = (was and was.value, is_now and is_now.value)
        both_texts = isinstance(values[0], str) and isinstance(values[1], str)
        pieces = pieces_of(str(values[0]), str(values[1])) if both_texts else []
        changes.append(FieldChange(label, *values, pieces))
    return changes
