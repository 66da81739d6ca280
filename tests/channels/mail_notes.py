"""Notes of every kind for the tests of mails."""

from msgcenter.domain.channels.note import Note
from msgcenter.domain.language import Language

_SENT = 1_796_108_400_000  # 2026-12-01T07:00Z
_LINK = "https://msg.example.edu/inbox#link=abc&x=1"
_STOP = "https://msg.example.edu/inbox/unsubscribe?t=xyz"
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenauszahlungsstelle" * 3


def text_note(language: Language = "zh", **changes: object) -> Note:
    """Return a note of a text with two lines and an address."""
    texts = {
        "zh": "明天上午九点全校消防演练，请准时参加。\n集合地点见 https://school.example.edu/map?a=1&b=2。",
        "en": "Fire drill tomorrow at nine: please be on time.\nSee https://school.example.edu/map?a=1&b=2.",
    }
    values = {"title": texts[language].splitlines()[0], "text": texts[language]}
    return _note("text", language, **{**values, **changes})


def link_note(language: Language = "zh", **changes: object) -> Note:
    """Return a note of a link with a picture."""
    title, text = {
        "zh": ("第三单元作业", "请在周五前完成并上传。"),
        "en": ("Homework for unit three", "Please finish it by Friday and hand it in online."),
    }[language]
    picture = "https://pictures.example.edu/1.png"
    return _note("link", language, **{"title": title, "text": text, "image_url": picture, **changes})


def card_note(language: Language = "zh", **changes: object) -> Note:
    """Return a note of an urgent card with everything that a card may have."""
    head, title, text, fields = {
        "zh": (
            "请假审批",
            "王老师的请假申请",
            "已协调好代课安排，请审批。",
            (("时间", "11月25日 全天"), ("事由", "参加市级教研培训")),
        ),
        "en": (
            "Leave request",
            "Ms Wang asks for a day off",
            "Her lessons are covered; please decide.",
            (("Date", "25 November, all day"), ("Reason", LONG_WORD)),
        ),
    }[language]
    values = {"head": head, "fields": fields, "colour": "FF2F6FDE", "is_urgent": True, "unread": 1_203}
    return _note("oa", language, **{"title": f"{head}: {title}", "text": text, **values, **changes})


def digest_note(language: Language = "zh") -> Note:
    """Return a digest of three messages."""
    title = {"zh": "您有3条未读消息", "en": "Unread messages: 3"}[language]
    items = (card_note(language), link_note(language), text_note(language))
    return _note("text", language, title=title, app_name="", sender="", sent_at=0, digest=items)


def template_note(language: Language = "zh") -> Note:
    """Return a note whose template has its own subject and HTML."""
    html = '<h2>期末家长会</h2><p>请<b>准时</b>参加：<a href="https://school.example.edu/">安排</a></p>'
    return _note("text", language, title="家长会", text="家长会", parts={"subject": "期末家长会", "html": html})


def _note(kind: str, language: Language, **changes: object) -> Note:
    names = {"zh": ("智慧校园", "宋文萍"), "en": ("Smart Campus", "Ms Song")}[language]
    values = {
        "message_id": 1,
        "kind": kind,
        "language": language,
        "app_name": names[0],
        "sender": names[1],
        "sent_at": _SENT,
        "link": _LINK,
        "unsubscribe_url": _STOP,
    }
    return Note(**{**values, **changes})  # type: ignore[arg-type]  # the tests name the fields
