"""JSON for a terminal: short objects on one line, long ones on several, strings never broken."""

import json
from typing import Any

from rich.cells import cell_len
from rich.highlighter import JSONHighlighter
from rich.text import Text

_INDENT = "  "
_highlight = JSONHighlighter()


def format_json(value: Any, width: int, indent: str = "", before: str = "") -> str:
    """Return a value as JSON; an object or list wider than `width` columns has one member per line.

    `indent` and `before` are the text to the left of the value.
    """
    line = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or cell_len(f"{indent}{before}{line},") <= width:
        return before + line
    deeper = indent + _INDENT
    if isinstance(value, dict):
        parts = [format_json(part, width, deeper, f"{json.dumps(name)}: ") for name, part in value.items()]
    else:
        parts = [format_json(part, width, deeper) for part in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    body = ",\n".join(deeper + part for part in parts)
    return f"{before}{start}\n{body}\n{indent}{end}"


def colour_json(text: str) -> Text:
    """Return JSON text with colours for dark and light terminals."""
    return _highlight(Text(text.expandtabs(2)))
