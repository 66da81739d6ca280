"""Templates: what a version must be, what values it accepts, and what it makes of them."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from msgcenter.domain.channels.codes import CHANNELS
from msgcenter.domain.channels.rendering import BuiltIns, check_content, example_params, message_body, template_parts
from msgcenter.domain.channels.template import TemplateContent, UsedTemplate, Variable, content_of
from msgcenter.domain.channels.values import MAX_ITEMS, check_params
from msgcenter.domain.content import FormRow, Oa, Text
from msgcenter.domain.refusal import Reason, Refusal

SHANGHAI = ZoneInfo("Asia/Shanghai")
VARIABLES: list[dict[str, Any]] = [
    {"name": "title", "sample": "家长会"},
    {"name": "due", "kind": "date", "sample": "2026-12-01T15:00"},
    {"name": "page", "kind": "url", "required": False, "sample": "https://example.edu/1"},
    {"name": "items", "kind": "list", "required": False, "sample": "a\nb"},
]
CARD: dict[str, Any] = {
    "kind": "oa",
    "head": {"text": "{{ title }}"},
    "body": {"form": [{"key": "时间", "value": "{{ due }}"}, {"key": "项目", "value": "{{ items }}"}]},
    "pcUrl": "{{ page|default('https://example.edu/') }}",
}
EMAIL = {"subject": "{{ title }}", "html": '<p>{{ title }}</p><a href="{{ link }}">打开</a>'}
CONTENT: dict[str, Any] = {
    "variables": VARIABLES,
    "parts": {
        "zh": {
            "inbox": CARD,
            "email": EMAIL,
            "sms": {
                "code": "SMS_1",
                "variables": [{"name": "t", "value": "{{ title }}"}, {"name": "l", "value": "{{ link }}"}],
            },
        },
        "en": {"inbox": {"kind": "text", "content": "{{ title }}, {{ due }}, {{ items }}"}},
    },
}


def _content(**changes: Any) -> TemplateContent:
    return content_of({**CONTENT, **changes})


def _zh(part: dict[str, Any], variables: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"variables": VARIABLES[:1] if variables is None else variables, "parts": {"zh": part}}


_TEXT = {"kind": "text", "content": "{{ title }}"}
WRONG: list[tuple[object, Reason, str]] = [
    ([], Reason.BODY_NOT_AN_OBJECT, ""),
    ({}, Reason.FIELD_MISSING, "parts"),
    ({"parts": {"fr": {}}}, Reason.FIELD_MALFORMED, "parts"),
    ({"parts": {"zh": 3}}, Reason.FIELD_MALFORMED, "parts.zh"),
    ({"parts": {"zh": {}}}, Reason.FIELD_MISSING, "parts.zh.inbox"),
    ({**CONTENT, "extra": 1}, Reason.FIELD_MALFORMED, "extra"),
    (_zh({"inbox": {"kind": "card"}}), Reason.FIELD_MALFORMED, "parts.zh.inbox.kind"),
    (_zh({"inbox": {**_TEXT, "more": 1}}), Reason.FIELD_MALFORMED, "parts.zh.inbox.more"),
    (_zh({"inbox": {"kind": "text"}}), Reason.FIELD_MISSING, "parts.zh.inbox.content"),
    (_zh({"inbox": _TEXT, "fax": {}}), Reason.FIELD_MALFORMED, "parts.zh.fax"),
    (_zh({"inbox": _TEXT, "email": {"html": 3}}), Reason.FIELD_MALFORMED, "parts.zh.email.html"),
    (_zh({"inbox": _TEXT}, [{"name": "9"}]), Reason.FIELD_MALFORMED, "variables[0].name"),
    (_zh({"inbox": _TEXT}, [{"name": "title", "kind": "any"}]), Reason.FIELD_MALFORMED, "variables[0].kind"),
    (_zh({"inbox": _TEXT}, [{"name": f"v{n}"} for n in range(21)]), Reason.TOO_MANY_ITEMS, "variables"),
    (_zh({"inbox": _TEXT}, []), Reason.FIELD_MALFORMED, "parts.zh.inbox.content"),
    (_zh({"inbox": _TEXT}, [{"name": "title"}] * 2), Reason.FIELD_MALFORMED, "variables.title"),
    (_zh({"inbox": _TEXT}, [{"name": "title"}, {"name": "more"}]), Reason.FIELD_MALFORMED, "variables.more"),
    (
        _zh({"inbox": {"kind": "text", "content": "{{ link }}"}}, [{"name": "link"}]),
        Reason.FIELD_MALFORMED,
        "variables.link",
    ),
    (_zh({"inbox": {"kind": "text", "content": "{{ link }}"}}, []), Reason.FIELD_MALFORMED, "parts.zh.inbox.content"),
    (
        _zh({"inbox": _TEXT}, [{"name": "title", "kind": "number", "sample": "x"}]),
        Reason.FIELD_MALFORMED,
        "variables.title",
    ),
    (_zh({"inbox": {"kind": "text", "content": " "}}, []), Reason.FIELD_MALFORMED, "parts.zh.inbox.content"),
    (
        _zh({"inbox": _TEXT}, [{"name": "title", "required": False, "sample": "x"}]),
        Reason.FIELD_MISSING,
        "parts.zh.inbox.content",
    ),
    (
        _zh({"inbox": {"kind": "link", "title": "{{ title }}", "content": "x"}}),
        Reason.FIELD_MISSING,
        "parts.zh.inbox.pcUrl/appUrl",
    ),
    (
        _zh({"inbox": {"kind": "link", "title": "{{ title }}", "content": "x", "pcUrl": "javascript:alert(1)"}}),
        Reason.FIELD_MALFORMED,
        "parts.zh.inbox.pcUrl",
    ),
    (
        _zh({"inbox": _TEXT, "email": {"html": "<script>{{ title }}</script>"}}),
        Reason.FIELD_MALFORMED,
        "parts.zh.email.html",
    ),
    (_zh({"inbox": _TEXT, "push": {"text": "{% if title > 1 %}{% endif %}"}}), Reason.FIELD_MALFORMED, "parts.zh.push"),
    (_zh({"inbox": _TEXT, "push": {"title": "{{ title"}}), Reason.FIELD_MALFORMED, "parts.zh.push.title"),
]


@pytest.mark.parametrize(("values", "reason", "field"), WRONG, ids=[f"{n}-{case[2]}" for n, case in enumerate(WRONG)])
def test_a_wrong_version_is_refused_with_its_field(values: object, reason: Reason, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_content(content_of(values))
    assert (refused.value.reason, refused.value.data.get("field", "")) == (reason, field)
    assert refused.value.describe("zh")
    assert refused.value.describe("en")


def test_a_right_version_is_accepted() -> None:
    check_content(_content())


def test_an_app_url_may_have_a_scheme_of_the_platform() -> None:
    content = content_of(
        _zh({"inbox": {"kind": "link", "title": "{{ title }}", "content": "x", "appUrl": "school://1"}})
    )
    check_content(content, frozenset({"school"}))
    with pytest.raises(Refusal):
        check_content(content)


# --- Values -----------------------------------------------------------------------------------------------------------

ALL_KINDS = [
    Variable("text"),
    Variable("number", "number"),
    Variable("date", "date"),
    Variable("url", "url"),
    Variable("list", "list"),
    Variable("more", required=False),
]
GOOD: dict[str, Any] = {"text": "x", "number": 1.5, "date": "2026-12-01", "url": "https://a.b/", "list": ["x"]}
BAD: list[tuple[str, object]] = [
    ("text", 1.5),
    ("text", True),
    ("text", {}),
    ("text", "x" * 4_097),
    ("text", "\0"),
    ("text", "\ud800"),
    ("number", "1"),
    ("number", True),
    ("number", 1e300),
    ("number", float("nan")),
    ("date", "tomorrow"),
    ("date", True),
    ("date", -1),
    ("date", "2026-02-30"),
    ("date", 10**15),
    ("url", "javascript:alert(1)"),
    ("url", "/relative"),
    ("url", 'https://a.b/"'),
    ("list", "x"),
    ("list", [1.5]),
    ("list", [""]),
    ("list", ["x" * 256]),
    ("list", ["x"] * (MAX_ITEMS + 1)),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_wrong_value_is_refused_with_its_name(name: str, value: object) -> None:
    with pytest.raises(Refusal) as refused:
        check_params(ALL_KINDS, GOOD | {name: value})
    assert str(refused.value.data["field"]).rstrip("[]") == f"params.{name}"


@pytest.mark.parametrize("missing", [{}, {"text": None}, {"text": ""}])
def test_a_required_value_must_be_given(missing: dict[str, Any]) -> None:
    params = {name: value for name, value in GOOD.items() if name != "text"}
    with pytest.raises(Refusal) as refused:
        check_params(ALL_KINDS, params | missing)
    assert refused.value.reason is Reason.FIELD_MISSING
    assert refused.value.data["field"] == "params.text"


def test_values_of_unknown_names_and_too_many_bytes_are_refused() -> None:
    for params, field in (({"other": "x"}, "params.other"), ({"text": "文" * 4_096, "more": "文" * 2_000}, "params")):
        with pytest.raises(Refusal) as refused:
            check_params(ALL_KINDS, GOOD | params)
        assert refused.value.data["field"] == field


def test_optional_values_may_be_left_out() -> None:
    assert check_params(ALL_KINDS, GOOD | {"more": None}) == GOOD


# --- Rendering --------------------------------------------------------------------------------------------------------


def _params(**params: object) -> dict[str, object]:
    return check_params(_content().variables, {"title": "家长会", "due": "2026-12-01T15:00"} | params)


def test_a_body_is_made_in_the_language_and_the_zone() -> None:
    moment = 1_796_108_400_000  # 2026-12-01T07:00Z
    zh = message_body(_content(), _params(due=moment), language="zh", zone=SHANGHAI, business_id="b1")
    assert isinstance(zh, Oa)
    assert zh.busi_id == "b1"
    assert zh.body is not None
    assert zh.body.form == (FormRow("时间", "2026年12月1日 15:00"),)  # an empty list has no row
    assert zh.pc_url == zh.app_url == "https://example.edu/"
    en = message_body(_content(), _params(due=moment, items=["a", "b"]), language="en", zone=ZoneInfo("UTC"))
    assert en == Text("家长会, 1 December 2026 07:00, a, b")


def test_a_language_that_the_template_does_not_have_falls_back_to_the_other() -> None:
    only_zh = content_of(_zh({"inbox": _TEXT}))
    assert message_body(only_zh, {"title": "x"}, language="en", zone=SHANGHAI) == Text("x")


def test_a_card_needs_a_business_id() -> None:
    with pytest.raises(Refusal) as refused:
        message_body(_content(), _params(), language="zh", zone=SHANGHAI)
    assert (refused.value.reason, refused.value.data["field"]) == (Reason.FIELD_MISSING, "busiId")


def test_values_that_make_a_body_too_long_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        message_body(_content(), _params(title="x" * 300), language="zh", zone=SHANGHAI, business_id="b1")
    assert refused.value.data["field"] == "params"
    assert "head.text" in refused.value.describe("en")


def test_channels_have_their_own_texts_or_none() -> None:
    used = UsedTemplate(1, 1, _params(title="<A & B>"))
    built_ins = BuiltIns("https://msg.example.edu/inbox#1", "App", "Sender")
    texts = {
        channel: template_parts(
            _content(), used, channel, language="zh", zone=SHANGHAI, business_id="b", built_ins=built_ins
        )
        for channel in CHANNELS
    }
    assert texts["email"].parts == {
        "subject": "<A & B>",
        "html": '<p>&lt;A &amp; B&gt;</p><a href="https://msg.example.edu/inbox#1">打开</a>',
    }
    assert texts["sms"].parts["code"] == "SMS_1"
    assert list(json.loads(texts["sms"].parts["variables"]).items()) == [
        ("t", "<A & B>"),
        ("l", "https://msg.example.edu/inbox#1"),
    ]
    assert texts["push"].parts == {}
    assert isinstance(texts["push"].body, Oa)
    english = template_parts(_content(), used, "email", language="en", zone=SHANGHAI)
    assert english.body == Text("<A & B>, 1 December 2026 15:00, ")
    assert english.parts == {}


def test_texts_that_cannot_be_rendered_are_left_out() -> None:
    content = content_of(_zh({"inbox": _TEXT, "push": {"text": "{% if title > 1 %}{% endif %}"}}))
    texts = template_parts(content, UsedTemplate(1, 1, {"title": "x"}), "push", language="zh", zone=SHANGHAI)
    assert texts == (Text("x"), {})


def test_examples_replace_missing_samples() -> None:
    variables = (
        Variable("a"),
        Variable("b", "number"),
        Variable("c", required=False),
        Variable("d", "number", sample="2"),
    )
    assert example_params(variables) == {"a": "a", "b": 1, "d": 2}
