"""E-mail: how a server is configured."""

import pytest

from msgcenter.channels.config import fields_of
from msgcenter.channels.registry import label_of, parse_config
from msgcenter.domain.refusal import Reason, Refusal

FROM = "School <no-reply@school.example>"


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("smtp://mail.example", ("mail.example", "587", "starttls", "", "")),
        ("smtp://u:p@mail.example:2525/", ("mail.example", "2525", "starttls", "u", "p")),
        ("smtps://u%40x:p%2Fq@mail.example", ("mail.example", "465", "tls", "u@x", "p/q")),
        ("smtp://127.0.0.1:1025?security=none", ("127.0.0.1", "1025", "none", "", "")),
    ],
)
def test_a_url_names_the_server(url: str, fields: tuple[str, ...]) -> None:
    made = fields_of(parse_config("email", "", {"smtp": url, "from": FROM}))
    assert tuple(made[name] for name in ("host", "port", "security", "user", "password")) == fields
    assert made["from"] == FROM


def test_a_url_replaces_the_server_of_older_fields() -> None:
    older = fields_of(parse_config("email", "", {"smtp": "smtps://u:p@old.example", "from": FROM}))
    newer = fields_of(parse_config("email", "smtp", {**older, "smtp": "smtp://new.example"}))
    assert newer == {**older, "host": "new.example", "port": "587", "security": "starttls", "user": "", "password": ""}


def test_the_fields_make_the_same_configuration_again() -> None:
    made = parse_config("email", "smtp", {"host": "mail.example", "from": FROM, "reply_to": "office@school.example"})
    assert parse_config("email", "smtp", fields_of(made)) == made


def test_the_password_is_not_shown() -> None:
    made = parse_config("email", "smtp", {"smtp": "smtp://user:secret@mail.example", "from": FROM})
    assert label_of(made) == f"{FROM} · mail.example:587 · starttls"
    assert "secret" not in repr(made)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"smtp": "http://mail.example"}, "smtp"),
        ({"smtp": "smtp://"}, "smtp"),
        ({"smtp": "smtp://mail.example:port"}, "smtp"),
        ({"smtp": "smtp://mail.example/path"}, "smtp"),
        ({"smtp": "smtps://mail.example?security=none"}, "smtp"),
        ({"smtp": "smtp://[::1"}, "smtp"),
        ({"host": "mail example"}, "host"),
        ({"host": "mail.example:25"}, "host"),
        ({"host": "mail.example", "port": "0"}, "port"),
        ({"host": "mail.example", "port": "65536"}, "port"),
        ({"host": "mail.example", "port": "²"}, "port"),
        ({"host": "mail.example", "security": "ssl"}, "security"),
        ({"host": "mail.example", "password": "x"}, "user"),
        ({"host": "mail.example", "from": "School"}, "from"),
        ({"host": "mail.example", "from": "a@b\r\nBcc: c@d"}, "from"),
        ({"host": "mail.example", "reply_to": "x"}, "reply_to"),
        ({"host": "mail.example", "Host": "x"}, "Host"),
        ({"host": "x" * 5_000}, "host"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, str], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_config("email", "smtp", {"from": FROM, **fields})
    assert (refused.value.reason, refused.value.data["field"]) == (Reason.FIELD_MALFORMED, field)


@pytest.mark.parametrize("field", ["host", "from"])
def test_a_missing_field_is_refused(field: str) -> None:
    fields = {"host": "mail.example", "from": FROM}
    del fields[field]
    with pytest.raises(Refusal) as refused:
        parse_config("email", "", fields)
    assert (refused.value.reason, refused.value.data["field"]) == (Reason.FIELD_MISSING, field)
