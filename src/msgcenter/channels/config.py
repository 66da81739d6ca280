"""What every gateway's configuration has: declared fields, a struct with their values, and a default rate."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from msgcenter.channels.face import Gateway
from msgcenter.domain.channels.codes import Channel
from msgcenter.domain.content import check_url
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import Reason, Refusal, malformed
from msgcenter.outbound.network import Network

MAX_VALUE = 4_096
"""The longest value of a field, in characters."""
_NO_HELP = Phrase("", "")


class Field(NamedTuple):
    """A field of a configuration, as forms and commands show it.

    Its value is one line. `default` counts if it is left out or empty. With `choices`, it is one of them.
    """

    name: str
    label: Phrase
    help: Phrase = _NO_HELP
    is_secret: bool = False
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


class Config(Struct, frozen=True, kw_only=True):
    """A gateway's configuration. The names of its attributes on the wire are those of its fields."""

    def label(self) -> str:
        """Return what operators see of it, in one line without secrets."""
        raise NotImplementedError

    def open(self, network: Network) -> Gateway:
        """Return the gateway, which is open from `async with` on."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return the label, so that no log contains a secret."""
        return f"<{type(self).__name__} {self.label()}>"


class Values:
    """The values of a configuration's fields, checked as they are read."""

    def __init__(self, fields: Sequence[Field], values: Mapping[str, str], *, also: Sequence[str] = ()) -> None:
        """Refuse unknown fields (`also` are allowed as well), and values with line breaks or of excessive length."""
        self._fields = {field.name: field for field in fields}
        self._values = {name: value.strip() for name, value in values.items()}
        for name, value in self._values.items():
            if name not in self._fields and name not in also:
                raise malformed(name, "没有这个配置项", "is not a field of this gateway")
            if len(value) > MAX_VALUE or not value.isprintable():
                raise malformed(
                    name,
                    f"须为单行文本,最多{MAX_VALUE}个字符",
                    f"must be one line of at most {MAX_VALUE} characters",
                )

    def given(self, name: str) -> str:
        """Return what was given for a field, "" if nothing."""
        return self._values.get(name, "")

    def text(self, name: str) -> str:
        """Return a field's value or default. Refuses with FIELD_MISSING if there is neither, but must be one."""
        field = self._fields[name]
        value = self._values.get(name, "") or field.default
        if not value and field.required:
            raise Refusal(Reason.FIELD_MISSING, field=name)
        if value and field.choices and value not in field.choices:
            listed = ", ".join(field.choices)
            raise malformed(name, f"只能取 {listed}", f"must be one of {listed}")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        text = self.text(name)
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
        if not low <= number <= high:
            raise malformed(name, f"须为整数{low}–{high}", f"must be an integer {low}–{high}")
        return number

    def url(self, name: str) -> str:
        """Return an http(s) URL in ASCII without user and fragment."""
        text = self.text(name)
        check_url(text, name)
        if "@" in urlsplit(text).netloc or "#" in text or not text.isascii():
            raise malformed(
                name,
                "须为http或https网址,不带用户名与#片段",
                "must be an http or https URL without user and fragment",
            )
        return text

    def base_url(self, name: str) -> str:
        """Return an http(s) URL in ASCII without user, query and fragment, and without the slash at its end."""
        text = self.url(name).rstrip("/")
        if "?" in text:
            raise malformed(name, "不能带参数", "must not have a query")
        return text


class Provider(NamedTuple):
    """A kind of gateway: which fields it has, and how they become a configuration.

    `rate` is the default number of messages per second. `configure` refuses wrong values with FIELD_MALFORMED or
    FIELD_MISSING and the field. `load` loads what that needs (see `registry.load`).
    """

    channel: Channel
    code: str
    name: Phrase
    fields: tuple[Field, ...]
    rate: float
    configure: Callable[[Mapping[str, str]], Config]
    load: Callable[[], object] = lambda: None


def fields_of(config: Config) -> dict[str, str]:
    """Return the values that `configure` makes the same configuration of, secrets included."""
    return {name: str(value) for name, value in msgspec.to_builtins(config).items()}
