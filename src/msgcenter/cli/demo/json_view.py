"""JSON for people: short objects on a line, long ones spread out, tokens never torn apart."""

import json
from typing import Any

from rich.cells import cell_len
from rich.highlighter import JSONHighlighter
from rich.text import Text

_INDENT = "  "
_highlight = JSONHighlighter()


def laid_out(value: Any, width: int, indent: str = "", before: str = "") -> str:
    """Return a value as JSON; what does not fit into `width` columns has its parts on lines of their own.

    `indent` and `before` are what stands left of it.
    """
    line = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or cell_len(f"{indent}{before}{line},") <= width:
        return before + line
    deeper = indent + _INDENT
    if isinstance(value, dict):
        parts = [laid_out(part, width, deeper, f"{json.dumps(name)}: ") for name, part in value.items()]
    else:
        parts = [laid_out(part, width, deeper) for part in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    body = ",\n".join(deeper + part for part in parts)
    return f"{before}{start}\n{body}\n{indent}{end}"


def coloured(text: str) -> Text:
    """Return JSON text with colours that can be read on dark and on light terminals."""
    return _highlight(Text(text.expandtabs(2)))
