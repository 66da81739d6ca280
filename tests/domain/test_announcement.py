"""Announcements: the steps, who may take them, and the differences between versions."""

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from msgcenter.domain.announcement import (
    Announcement,
    AnnouncementVersion,
    State,
    Step,
    StepRecord,
    changes_between,
    checked_reason,
    fields_of,
    may_review,
    request_id_of,
    reviewed_before,
    state_after,
    steps_open,
)
from msgcenter.domain.content import Body, FormRow, Link, Oa, OaBody, OaHead, Text
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.domain.text_diff import Piece, pieces_of

AUTHOR, EDITOR, SUBMITTER, OTHER = 1, 2, 3, 4
OPEN: dict[State, dict[Step, State]] = {
    "draft": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "waiting": {"edit": "draft", "approve": "sent", "return": "returned", "withdraw": "withdrawn"},
    "returned": {"edit": "draft", "submit": "waiting", "withdraw": "withdrawn"},
    "sent": {"recall": "recalled"},
    "recalled": {},
    "withdrawn": {},
}


def announcement(state: State = "waiting", version: int = 3) -> Announcement:
    return Announcement(1, version, state, AUTHOR, 0, 0, submitted_by=SUBMITTER)


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("step", get_args(Step))
def test_each_step_is_possible_in_its_states_only(state: State, step: Step) -> None:
    following = OPEN[state].get(step)
    if following is None:
        with pytest.raises(Refusal) as refused:
            state_after(announcement(state), EDITOR, step, OTHER, 3)
        assert (refused.value.reason, refused.value.data["field"]) == (Reason.FIELD_MALFORMED, "state")
    else:
        assert state_after(announcement(state), EDITOR, step, OTHER, 3) == following
    assert (step in steps_open(state)) is (following is not None)


@pytest.mark.parametrize("step", ["edit", "approve", "return", "withdraw"])
@pytest.mark.parametrize("seen", [2, 4, 0])
def test_a_step_applies_only_to_the_version_that_was_seen(step: Step, seen: int) -> None:
    with pytest.raises(Refusal) as refused:
        state_after(announcement(), EDITOR, step, OTHER, seen)
    assert refused.value.data["field"] == "version"


@pytest.mark.parametrize("person", [AUTHOR, EDITOR, SUBMITTER])
@pytest.mark.parametrize("step", ["approve", "return"])
def test_people_who_took_part_cannot_decide(person: int, step: Step) -> None:
    with pytest.raises(Refusal) as refused:
        state_after(announcement(), EDITOR, step, person, 3)
    assert refused.value.reason is Reason.NOT_AUTHORISED
    assert not may_review(announcement(), EDITOR, person)
    assert may_review(announcement(), EDITOR, OTHER)


@given(st.lists(st.tuples(st.sampled_from(get_args(Step)), st.integers(1, 4), st.integers(0, 1)), max_size=40))
@example([("submit", 1, 0), ("edit", 2, 0), ("submit", 2, 0), ("approve", 1, 0)])
@example([("submit", 2, 0), ("edit", 3, 0), ("approve", 2, 1)])
def test_two_people_have_seen_every_sent_announcement(tried: list[tuple[Step, int, int]]) -> None:
    """Take random steps of four people, some from outdated pages, and track by hand who did what."""
    current, edited_by = Announcement(1, 1, "draft", AUTHOR, 0, 0), AUTHOR
    writers, submitted = {1: AUTHOR}, dict[int, int]()
    sent = 0
    for step, person, behind in tried:
        seen = current.version - behind
        try:
            state = state_after(current, edited_by, step, person, seen)
        except Refusal:
            continue
        current = replace(current, state=state)
        if step == "edit":
            current = replace(current, version=current.version + 1, submitted_by=None)
            edited_by = writers[current.version] = person
        elif step == "submit":
            current = replace(current, submitted_by=person)
            submitted[current.version] = person
        elif step == "approve":
            sent += 1
            assert submitted[seen], "this version was submitted"
            assert seen == max(writers), "it was not edited since"
            assert person not in {AUTHOR, writers[seen], submitted[seen]}
    assert sent <= 1


def test_a_version_is_compared_with_the_last_submitted_one() -> None:
    steps = [
        StepRecord("draft", 1, AUTHOR, 0, ""),
        StepRecord("submit", 1, AUTHOR, 1, ""),
        StepRecord("edit", 2, AUTHOR, 2, ""),
        StepRecord("edit", 3, AUTHOR, 3, ""),
        StepRecord("submit", 3, AUTHOR, 4, ""),
    ]
    assert [reviewed_before(steps, version) for version in (1, 2, 3, 4)] == [None, 1, 1, 3]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501, "a\0b"])
def test_a_reason_is_required(reason: str) -> None:
    with pytest.raises(Refusal):
        checked_reason(reason)
    assert checked_reason(" 改一下标题 ") == "改一下标题"


def test_each_version_has_an_idempotency_key_of_its_own() -> None:
    assert len({request_id_of(number, version) for number in (1, 11, 111) for version in (1, 11, 111)}) == 9


# --- What has changed -----------------------------------------------------------------------------------------------

CARD = Oa(
    busi_id="b",
    pc_url="https://a.example",
    app_url="https://a.example",
    head=OaHead(text="Holidays"),
    body=OaBody(title="Spring", form=(FormRow("From", "1 May"), FormRow("To", "5 May"))),
)


def test_the_fields_of_a_version_leave_out_empty_values() -> None:
    values = {
        field.name: field.value for field in fields_of(AnnouncementVersion("420100", CARD, None, 1_800_000_000_000))
    }
    assert values == {
        "platform": "420100",
        "kind": Phrase("卡片", "Card"),
        "busiId": "b",
        "pcUrl": "https://a.example",
        "appUrl": "https://a.example",
        "head.text": "Holidays",
        "body.title": "Spring",
        "body.form.1": "From: 1 May",
        "body.form.2": "To: 5 May",
        "expireTime": 1_800_000_000_000,
    }


def test_every_field_of_every_kind_has_a_readable_name() -> None:
    full = Oa(
        busi_id="b",
        pc_url="https://a.example",
        app_url="https://a.example",
        head=OaHead("h", "FF112233"),
        body=OaBody("t", "c", "https://i.example", 3, "a", (FormRow("k", "v"),)),
    )
    bodies: list[Body] = [
        Text("x"),
        Link(
            pc_url="https://a.example",
            app_url="https://a.example",
            title="t",
            busi_id="b",
            content="c",
            pic_url="https://p.example",
        ),
        full,
    ]
    for body in bodies:
        for field in fields_of(AnnouncementVersion("p", body, 1, 2)):
            assert field.label.zh
            assert field.label.en


def test_only_fields_that_differ_are_shown() -> None:
    before = AnnouncementVersion("420100", Text("The meeting begins at 15:00."), None, None)
    after = AnnouncementVersion("420100", Text("The meeting begins at 16:00."), 1_800_000_000_000, None)
    text, time = changes_between(before, after)
    assert text.label.en == "Text"
    assert text.pieces == [
        Piece("same", "The meeting begins at "),
        Piece("gone", "15"),
        Piece("new", "16"),
        Piece("same", ":00."),
    ]
    assert (time.label.en, time.before, time.after, time.pieces) == ("Send time", None, 1_800_000_000_000, [])
    assert changes_between(before, replace(before, number=9, edited_by=7)) == []


def test_a_change_of_the_message_type_is_shown() -> None:
    changes = changes_between(
        AnnouncementVersion("p", Text("x"), None, None), AnnouncementVersion("p", CARD, None, None)
    )
    assert ("Kind", Phrase("文本", "Text"), Phrase("卡片", "Card")) in [
        (change.label.en, change.before, change.after) for change in changes
    ]
    assert ("Text", "x", None) in [(change.label.en, change.before, change.after) for change in changes]


@given(st.text(max_size=60), st.text(max_size=60))
@example("放假一天", "放假两天")
@example("word " * 1_300, "word " * 1_299)
def test_the_pieces_put_together_are_both_texts(before: str, after: str) -> None:
    pieces = pieces_of(before, after)
    assert "".join(piece.text for piece in pieces if piece.what != "new") == before
    assert "".join(piece.text for piece in pieces if piece.what != "gone") == after


def test_chinese_is_compared_by_character() -> None:
    assert pieces_of("放假一天", "放假两天") == [
        Piece("same", "放假"), Piece("gone", "一"), Piece("new", "两"), Piece("same", "天"),
    ]  # fmt: skip
