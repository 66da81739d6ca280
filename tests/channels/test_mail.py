"""The mail that is made of a note: headers that no content can change, and both bodies."""

from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgcenter.channels.mail import build_mail, parse_address
from tests.channels.notes import parcel

SENDER = Address("第一中学", addr_spec="no-reply@school.example")


def mail_of(key: str = "k", reply_to: Address | None = None, **changes: Any) -> tuple[bytes, EmailMessage]:
    sent = parcel("li@home.example", key, **changes)
    recipient = Address(addr_spec=sent.address)
    raw = build_mail(sent, sender=SENDER, reply_to=reply_to, recipient=recipient, now_ms=1_790_000_000_000)
    return raw, message_from_bytes(raw, policy=default)


def test_the_headers_of_a_mail() -> None:
    _, mail = mail_of(reply_to=Address(addr_spec="office@school.example"))
    headers = {name: str(value) for name, value in mail.items() if name not in {"Message-ID", "Content-Type"}}
    assert headers == {
        "List-Unsubscribe": "<https://msg.example/inbox/unsubscribe?t=xyz>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Date": "Mon, 21 Sep 2026 14:13:20 +0000",
        "From": "第一中学 <no-reply@school.example>",
        "To": "li@home.example",
        "Reply-To": "office@school.example",
        "Subject": "放假通知",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Language": "zh-CN",
    }


def test_a_mail_has_a_text_and_html() -> None:
    _, mail = mail_of()
    assert mail.get_content_type() == "multipart/alternative"
    text, html = (part.get_content() for part in mail.iter_parts())
    for word in ("放假通知", "国庆节放假七天。", "10月1日–7日", "https://msg.example/inbox#link=abc"):
        assert word in text
        assert word in html
    assert 'href="https://msg.example/inbox#link=abc&amp;x=1"' in html


def test_each_attempt_has_the_same_message_id() -> None:
    first, again, other = (mail_of(key)[1]["Message-ID"] for key in ("a", "a", "b"))
    assert first == again != other
    assert first.startswith("<")
    assert first.endswith("@school.example>")


def test_a_mandatory_message_cannot_be_unsubscribed() -> None:
    _, mail = mail_of(unsubscribe_url=None)
    assert "List-Unsubscribe" not in mail
    assert "List-Unsubscribe-Post" not in mail


def test_a_long_address_to_unsubscribe_stays_in_one_line() -> None:
    url = "https://msg.example/inbox/unsubscribe?t=" + "x" * 800
    raw, _ = mail_of(unsubscribe_url=url)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in raw


@pytest.mark.parametrize("url", ["https://x/a b", "https://x/>,<mailto:a@b", "javascript:1", "https://x/\r\nBcc: a@b"])
def test_what_is_no_address_to_unsubscribe_is_left_out(url: str) -> None:
    _, mail = mail_of(unsubscribe_url=url)
    assert "List-Unsubscribe" not in mail
    assert "Bcc" not in mail


def test_an_urgent_mail_says_so() -> None:
    assert mail_of(is_urgent=True)[1]["Importance"] == "high"


def test_html_of_the_content_is_only_text() -> None:
    _, mail = mail_of(title="<script>", text="<img src=x>", language="en")
    _, html = (part.get_content() for part in mail.iter_parts())
    assert "<script>" not in html
    assert "<img" not in html


@given(st.text(), st.text(), st.text())
def test_no_content_adds_a_header_or_a_recipient(title: str, text: str, sender: str) -> None:
    raw, mail = mail_of(title=title, text=text, sender=sender, app_name=sender, fields=((title, text),))
    names = [line.partition(b":")[0] for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
    assert len(names) == len(mail.keys()) == 12
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a@b.example", ("", "a@b.example")),
        ("School <a@b.example>", ("School", "a@b.example")),
        ('"Li, Lei" <a@b.example>', ("Li, Lei", "a@b.example")),
        ("<a@b.example>", ("", "a@b.example")),
        ("a+b@b.example", ("", "a+b@b.example")),
    ],
)
def test_addresses_are_parsed(text: str, parsed: tuple[str, str]) -> None:
    address = parse_address(text)
    assert address is not None
    assert (address.display_name, address.addr_spec) == parsed


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a b@c.example", "a@b@c", "a@b.example, c@d.example", "a@b\nc", "甲@b.example", "<>"]
)
def test_other_texts_are_no_addresses(text: str) -> None:
    assert parse_address(text) is None
