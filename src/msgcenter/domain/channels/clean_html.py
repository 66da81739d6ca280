"""HTML that a mail may have: what mail programs show, without scripts, forms, and addresses that are not of the web."""

import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

_TAGS = frozenset(
    {
        *(
            "a",
            "abbr",
            "b",
            "big",
            "blockquote",
            "br",
            "caption",
            "center",
            "code",
            "col",
            "colgroup",
            "dd",
            "del",
            "div",
        ),
        *(
            "dl",
            "dt",
            "em",
            "font",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "img",
            "ins",
            "kbd",
            "li",
            "ol",
            "p",
        ),
        *("pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead"),
        *("tr", "u", "ul"),
    }
)
_EMPTY = frozenset({"br", "col", "hr", "img"})
_WITH_CONTENT = frozenset({"script", "style", "iframe", "object", "svg", "math", "template", "title", "textarea"})
"""Elements that are removed with all that is in them."""
_ATTRIBUTES = frozenset(
    {
        *(
            "align",
            "alt",
            "bgcolor",
            "border",
            "cellpadding",
            "cellspacing",
            "color",
            "colspan",
            "dir",
            "face",
            "height",
        ),
        *(
            "href",
            "lang",
            "role",
            "rowspan",
            "size",
            "span",
            "src",
            "start",
            "style",
            "title",
            "type",
            "valign",
            "width",
        ),
    }
)
_STYLE_TRAP = re.compile(r"url\(|expression|[@\\<>]|javascript|position\s*:", re.IGNORECASE)
_MAX_DEPTH = 60


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.removed: list[str] = []
        self._open: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _WITH_CONTENT:
            self.removed.append(f"<{tag}>")
            self._hidden.append(tag)
        if self._hidden:
            return
        if tag not in _TAGS or len(self._open) >= _MAX_DEPTH:
            self.removed.append(f"<{tag}>")
            return
        kept = "".join(f' {name}="{escape(value)}"' for name, value in self._attributes(tag, attrs))
        self.pieces.append(f"<{tag}{kept}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.pop()
            return
        if tag not in self._open:
            return
        # What is open inside it ends with it.
        while self._open:
            inner = self._open.pop()
            self.pieces.append(f"</{inner}>")
            if inner == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(escape(data, quote=False))

    def finish(self) -> str:
        """Return the HTML; everything that is open is closed."""
        self.close()
        self.pieces += (f"</{tag}>" for tag in reversed(self._open))
        return "".join(self.pieces)

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> list[tuple[str, str]]:
        kept: dict[str, str] = {}
        for name, value in attrs:
            if name not in _ATTRIBUTES or name in kept or not _is_safe(name, value or ""):
                self.removed.append(f"{tag} {name}")
            else:
                kept[name] = value or ""
        return list(kept.items())


def _is_safe(name: str, value: str) -> bool:
    if name in {"href", "src"}:
        return is_web_url(value)
    return not (name == "style" and _STYLE_TRAP.search(value))


def is_web_url(url: str) -> bool:
    """Return whether a URL is absolute and leads to the web (http or https)."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


def clean_html(html: str) -> str:
    """Return HTML without what a mail must not have, and with every element closed."""
    return _cleaned(html).finish()


def removed_from(html: str) -> list[str]:
    """Return what `clean_html` removes, in words: `<script>`, `a onclick`."""
    cleaner = _cleaned(html)
    cleaner.finish()
    return cleaner.removed


def _cleaned(html: str) -> _Cleaner:
    cleaner = _Cleaner()
    cleaner.feed(html)
    return cleaner


def text_of_html(html: str) -> str:
    """Return the text of cleaned HTML, for mail programs that show none: one line for each block, links in brackets."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"[ \t\r\f\v\u00a0]+", " ", line).strip() for line in "".join(reader.pieces).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_BLOCKS = frozenset(
    {"blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"}
    | {"table", "tr", "ul"}
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _BLOCKS:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")
        elif tag == "a":
            self._href = values.get("href") or ""
        elif tag == "img" and values.get("alt"):
            self.pieces.append(f"[{values['alt']}]")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            self.pieces.append(f" ({self._href})")
            self._href = ""
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data.replace("\n", " "))
