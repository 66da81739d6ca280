"""What a note says of each kind of body."""

from msgcenter.domain.channels.note import Note
from msgcenter.domain.channels.note_body import with_body
from msgcenter.domain.content import FormRow, Link, Oa, OaBody, OaHead, Text

NOTE = Note(message_id=1, kind="text", language="zh", title="")


def test_the_title_of_a_text_is_its_first_line() -> None:
    note = with_body(NOTE, Text("\n  First line \nsecond"))
    assert (note.kind, note.title, note.text) == ("text", "First line", "\n  First line \nsecond")
    assert with_body(NOTE, Text("x" * 61)).title == "x" * 59 + "…"


def test_a_link_has_its_title_and_its_picture() -> None:
    link = Link(title="A\nB", busi_id="1", content="C", pc_url="https://a.b/", pic_url="https://a.b/1.png")
    note = with_body(NOTE, link)
    assert (note.kind, note.title, note.text, note.image_url) == ("link", "A B", "C", "https://a.b/1.png")
    assert with_body(NOTE, Link(title="A", busi_id="1", content="C", pic_url="app://1")).image_url == ""


def test_a_card_has_its_head_in_its_title_and_its_author_as_sender() -> None:
    body = OaBody(title="Title", content="Text", form=(FormRow("k", "v"), FormRow()), author="Ann")
    note = with_body(NOTE, Oa(busi_id="1", head=OaHead("Head", "FF2F6FDE"), body=body))
    assert (note.kind, note.title, note.head, note.colour) == ("oa", "Head: Title", "Head", "FF2F6FDE")
    assert (note.text, note.fields, note.sender) == ("Text", (("k", "v"),), "Ann")
    assert with_body(NOTE, Oa(busi_id="1", head=OaHead("Head"), body=OaBody(title="Head"))).title == "Head"
    assert with_body(NOTE, Oa(busi_id="1", head=OaHead("Head"))).title == "Head"
