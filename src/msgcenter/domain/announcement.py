"""Announcements: what operators send to everyone of a platform, and the two persons that it takes.

A draft is submitted, another operator approves it, and it goes out. Each edit makes a new version, whose approval has
to be asked for anew. Whoever acts names the version they saw: nothing happens to another one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from msgcenter.domain.content import Body, Kind, kind_of
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.domain.text_diff import Piece, pieces_of

State = Literal["draft", "waiting", "returned", "sent", "recalled", "withdrawn"]
Step = Literal["draft", "edit", "submit", "approve", "return", "withdraw", "recall"]
MAX_REASON = 500

_STEPS: dict[State, dict[Step, State]] = {
    "draft": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "waiting": {"edit": "draft", "approve": "sent", "return": "returned", "withdraw": "withdrawn"},
    "returned": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "sent": {"recall": "recalled"},
    "recalled": {},
    "withdrawn": {},
}
"""What may be done in a state, and what state follows."""


class Version(Struct, frozen=True):
    """What one version of an announcement says. Times are ms since 1970; `send_at` None is "when it is approved"."""

    platform_code: str
    body: Body
    send_at: int | None
    expires_at: int | None
    number: int = 1
    edited_by: int = 0
    edited_at: int = 0

    @property
    def kind(self) -> Kind:
        """The message's msgtype."""
        return kind_of(self.body)


class Announcement(Struct, frozen=True):
    """Where an announcement stands. `version` is the number of the present one; people are their numbers."""

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
    """A step that was taken. `at` is ms since 1970."""

    step: Step
    version: int
    by: int
    at: int
    reason: str


def state_after(announcement: Announcement, edited_by: int, step: Step, person: int, seen_version: int) -> State:
    """Return the state that a step of a person leads to; `edited_by` is who wrote the present version.

    Refuses with FIELD_MALFORMED (state: it cannot be done now; version: the person saw another version) and with
    NOT_AUTHORISED an approval by one who has a part in what is to be approved.
    """
    following = _STEPS[announcement.state].get(step)
    if following is None:
        raise malformed("state", "当前状态不允许此操作,请查看最新情况", "no longer allows this; see how it stands now")
    if seen_version != announcement.version:
        raise malformed(
            "version", "内容已被修改,请查看新版本后再操作", "has changed; look at what it says now, then decide"
        )
    if step in {"approve", "return"} and not may_review(announcement, edited_by, person):
        raise Refusal(
            Reason.NOT_AUTHORISED,
            rule=Phrase("起草、修改或提交者不能自行审批", "whoever wrote or submitted it cannot decide on it"),
        )
    return following


def may_review(announcement: Announcement, edited_by: int, person: int) -> bool:
    """Tell whether a person has no part in what waits: did not begin it, edit its present version, or submit it."""
    return person not in {announcement.created_by, edited_by, announcement.submitted_by}


def steps_open(state: State) -> frozenset[Step]:
    """Return what may be done in a state."""
    return frozenset(_STEPS[state])


def checked_reason(text: str) -> str:
    """Return why an announcement is sent back. Refuses with FIELD_MALFORMED."""
    reason = text.strip()
    if not 1 <= len(reason) <= MAX_REASON or "\0" in reason:
        raise malformed("reason", f"须为1–{MAX_REASON}个字符", f"must be 1-{MAX_REASON} characters")
    return reason


def request_id_of(number: int, version: int) -> str:
    """Return the idempotency key of the send."""
    return f"announcement-{number}-{version}"


def reviewed_before(steps: Iterable[StepRecord], version: int) -> int | None:
    """Return the version before `version` that was last submitted or approved; None if none was."""
    seen = [taken.version for taken in steps if taken.step in {"submit", "approve"} and taken.version < version]
    return max(seen, default=None)


# --- What has changed -----------------------------------------------------------------------------------------------

_LABELS = {
    "platform": Phrase("平台", "Platform"),
    "kind": Phrase("类型", "Kind"),
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
    "sendTime": Phrase("发送时间", "Goes out"),
    "expireTime": Phrase("失效时间", "Expires"),
}
_KINDS = {
    "text": Phrase("文本", "Text"),
    "link": Phrase("链接", "Link"),
    "oa": Phrase("卡片", "Card"),
}
Value = str | int | Phrase
"""Of a field: a text, a time (ms since 1970), or a term of ours."""


class Field(NamedTuple):
    """A field of a version, as people read it."""

    name: str
    label: Phrase
    value: Value


class FieldChange(NamedTuple):
    """A field that two versions differ in; None where a version does not have it. `pieces` if both are texts."""

    label: Phrase
    before: Value | None
    after: Value | None
    pieces: list[Piece]


def fields_of(version: Version) -> list[Field]:
    """Return what a version says, field by field; fields that say nothing are left out."""
    found: dict[str, Value] = {"platform": version.platform_code, "kind": _KINDS[version.kind]}
    found |= dict(_flat(msgspec.to_builtins(version.body), ""))
    if version.send_at is not None:
        found["sendTime"] = version.send_at
    if version.expires_at is not None:
        found["expireTime"] = version.expires_at
    return [Field(name, _label(name), value) for name, value in found.items()]


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


def changes_between(before: Version, after: Version) -> list[FieldChange]:
    """Return what has changed from one version to another, in the order of the fields."""
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
