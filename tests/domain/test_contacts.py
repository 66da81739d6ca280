"""Contact points: which values are valid, how they are stored and shown."""

import pytest

from msgcenter.domain.channels.codes import ContactKind
from msgcenter.domain.channels.contacts import contacts_of, masked, normal_email, normal_mobile
from msgcenter.domain.refusal import Reason, Refusal


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", ""),
        ("a@b.cn", "a@b.cn"),
        ("Wang.Fang+1@School.Example", "Wang.Fang+1@school.example"),
        ("o'neill@xn--fiqs8s.cn", "o'neill@xn--fiqs8s.cn"),
        (f"{'x' * 64}@school.example", f"{'x' * 64}@school.example"),
    ],
)
def test_an_address_is_stored_with_its_domain_in_lower_case(text: str, stored: str) -> None:
    assert normal_email(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        *("a", "@b.cn", "a@", "a@b", "a@b.", "a@.cn", "a@-b.cn", "a@b-.cn", "a b@c.cn", "a@b.cn ", " a@b.cn"),
        *(".a@b.cn", "a.@b.cn", "a..b@c.cn", "<a@b.cn>", "a@b.cn,c@d.cn", "a@b@c.cn", "a@b.cn\n", "a@b.cn\r\nBcc: x"),
        *('"a"@b.cn', "王@b.cn", "a@学校.cn", f"{'x' * 65}@b.cn", f"a@{'x' * 64}.cn", f"a@{'x.' * 125}example"),
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        normal_email(text)
    assert (refusal.value.reason, refusal.value.data["field"]) == (Reason.FIELD_MALFORMED, "email")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", ""),
        ("13800138000", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("+852 5123 4567", "+85251234567"),
        ("+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_a_number_is_stored_with_its_country_code(text: str, stored: str) -> None:
    assert normal_mobile(text) == stored


@pytest.mark.parametrize(
    "text",
    [
        *("1", "12345678901", "8613800138000", "51234567", "+86 51234567", "+8612345678901", "+0123456789"),
        *(
            "+",
            "++8613800138000",
            "+12345",
            "+1234567890123456",
            "138001380001",
            "1380013800a",
            "13800138000\n",
            "１３８",
        ),
    ],
)
def test_what_is_no_mobile_number_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        normal_mobile(text)
    assert (refusal.value.reason, refusal.value.data["field"]) == (Reason.FIELD_MALFORMED, "mobile")


def test_what_is_left_out_is_not_set_and_an_empty_value_is() -> None:
    assert contacts_of(None, None, {"wecom": None}) == ()
    assert contacts_of("", None, {"wecom": "wang", "feishu": ""}) == (("email", ""), ("wecom", "wang"), ("feishu", ""))


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("email", "wang@school.example", "w***@school.example"),
        ("email", "w@school.example", "***@school.example"),
        ("mobile", "+8613800138000", "+86138****8000"),
        ("mobile", "+1234567", "****4567"),
        ("wecom", "wangfang", "wa***"),
        ("dingtalk", "wang", "***"),
    ],
)
def test_a_shown_value_is_masked(kind: ContactKind, value: str, shown: str) -> None:
    assert masked(kind, value) == shown
