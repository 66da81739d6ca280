"""The contents of mails: subject, text and HTML."""

from html.parser import HTMLParser

import pytest

from msgcenter.channels.mail_body import mail_body
from msgcenter.channels.mail_html import contrast, head_colours
from msgcenter.domain.channels.note import Note
from tests.channels.mail_notes import card_note, digest_note, link_note, template_note, text_note

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\r\nBcc: x@y.z"
NOTES = [note(language) for language in ("zh", "en") for note in (text_note, link_note, card_note, digest_note)]


class _Elements(HTMLParser):
    """The elements of a document: each must be closed in its order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in {"meta", "br", "img"}:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


@pytest.mark.parametrize("note", NOTES)
def test_a_mail_has_the_whole_card_as_text_and_as_html(note: Note) -> None:
    body = mail_body(note)
    _Elements(body.html)
    assert body.subject == note.title
    for content in (body.text, body.html.replace("&amp;", "&")):
        for item in (note, *note.digest):
            for part in item.title.split(": "):
                assert part in content
            assert item.link in content
        for text in (note.text.splitlines() or [""])[0], note.head, *sum(note.fields, ()):
            assert text in content
        assert note.unsubscribe_url is not None
        assert note.unsubscribe_url in content
    assert ("2026年12月1日 15:00" if note.language == "zh" else "1 December 2026 15:00") in body.text


def test_the_text_of_a_card_is_in_this_order() -> None:
    assert mail_body(card_note()).text == (
        "请假审批\n\n王老师的请假申请\n\n宋文萍 · 智慧校园 · 2026年12月1日 15:00\n\n"
        "已协调好代课安排，请审批。\n时间:11月25日 全天\n事由:参加市级教研培训\n\n"
        "查看: https://msg.example.edu/inbox#link=abc&x=1\n\n--------------------------------\n\n"
        "您收到这封邮件，是因为“智慧校园”给您发送了消息。\n收件箱中的未读消息：1,203\n"
        "不再接收此类邮件: https://msg.example.edu/inbox/unsubscribe?t=xyz\n"
    )


def test_a_mandatory_message_cannot_be_unsubscribed() -> None:
    body = mail_body(link_note("en", unsubscribe_url=None))
    assert "Stop these mails" not in body.text + body.html


def test_everything_is_escaped() -> None:
    note = card_note(
        "en",
        title=HOSTILE,
        text=HOSTILE,
        head=HOSTILE,
        fields=((HOSTILE, HOSTILE),),
        sender=HOSTILE,
        app_name=HOSTILE,
        colour='"><script>',
        time_zone="../etc/passwd",
    )
    for item in (note, digest_note_of(note)):
        body = mail_body(item)
        elements = _Elements(body.html)
        assert "\n" not in body.subject
        assert not elements.tags & {"script", "iframe", "form", "object"}
        assert not any(name.startswith("on") for name in elements.attributes)


def digest_note_of(note: Note) -> Note:
    """Return a digest with one message."""
    return text_note("en", digest=(note,), title=HOSTILE)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//x.y", "/x", "ftp://x.y/", "https://", " "]
)
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    note = card_note("en", link=url, image_url=url, unsubscribe_url=url, text=f"See {url}")
    for item in (note, digest_note_of(note)):
        assert url not in _Elements(mail_body(item).html).links


def test_addresses_in_a_text_become_links() -> None:
    html = mail_body(text_note("en")).html
    assert '<a class="go" href="https://school.example.edu/map?a=1&amp;b=2"' in html


def test_a_template_replaces_the_content_and_keeps_the_frame() -> None:
    body = mail_body(template_note())
    assert body.subject == "期末家长会"
    assert "<h2>期末家长会</h2>" in body.html
    assert "请准时参加" in body.text
    assert "安排 (https://school.example.edu/)" in body.text
    for content in (body.text, body.html):
        assert "unsubscribe" in content
        assert "#link=abc" in content
    only_text = mail_body(text_note(parts={"text": "<1>\n2"}))
    assert "&lt;1&gt;<br>2" in only_text.html
    assert only_text.text.startswith("<1>\n2\n")


def test_the_link_of_a_template_is_not_repeated() -> None:
    link = "https://msg.example.edu/inbox#link=abc&amp;x=1"
    html = mail_body(text_note(parts={"html": f'<a href="{link}">x</a>'})).html
    assert html.count("#link=abc") == 1


@pytest.mark.parametrize("colour", ["FFCC0000", "FFFFFFFF", "FF000000", "00123456", "80FFFF00", "FF777777", "", "zz"])
def test_the_head_is_readable_in_every_colour(colour: str) -> None:
    background, text = head_colours(colour)
    values = [tuple(float(int(value[start : start + 2], 16)) for start in (1, 3, 5)) for value in (background, text)]
    assert contrast(values[0], values[1]) >= 4.0  # type: ignore[arg-type]  # three parts each
