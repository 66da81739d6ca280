"""The HTML of a mail: the card as the inbox shows it, in tables with inline styles, which all mail programs know.

Dark mode is a style sheet that overrides the inline styles; programs that do not know it show the light colours. Texts
are escaped, and only addresses of the web become links.
"""

import re
from html import escape

from msgcenter.channels.mail_words import (
    UNSUBSCRIBE,
    URGENT,
    button_label,
    moment,
    reason,
    title_below_head,
    unread_line,
)
from msgcenter.channels.plain import one_line, sender_line
from msgcenter.domain.channels.clean_html import is_web_url
from msgcenter.domain.channels.note import Note

_FONT = (
    "-apple-system,BlinkMacSystemFont,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',Arial,sans-serif"
)
_STYLES = """
body,table,td{-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}
a.go:hover{text-decoration:underline!important}
@media (max-width:520px){.pad{padding-left:16px!important;padding-right:16px!important}}
@media (prefers-color-scheme:dark){
.page{background:#10141a!important}
.card{background:#1a2029!important;border-color:#2f3947!important}
.ink,.ink td,.ink th{color:#e8ecf2!important}
.soft{color:#a7b1c0!important}
.line{border-color:#2f3947!important}
.go{color:#9dbdff!important}
.button{background:#86aeff!important;color:#10141a!important}
.urgent{background:#5c1f1a!important;color:#ffc9c3!important}
}
"""
_WEB_ADDRESS = re.compile(r"https?://[\w.~:/?#@!$&*+,;=%-]*[\w/#=&-]", re.IGNORECASE)
_MAX_EXCERPT = 160
_DARK, _LIGHT = (20, 24, 31), (255, 255, 255)


def mail_html(note: Note) -> str:
    """Return the HTML of a mail with a note."""
    subject = escape(one_line(note.parts.get("subject") or note.title))
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if note.language == "zh" else "en"}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">'
        f"<title>{subject}</title><style>{_STYLES}</style></head>"
        f'<body class="page" style="margin:0;padding:0;background:#f2f4f8;font-family:{_FONT}">'
        f'<div style="display:none;max-height:0;overflow:hidden">{escape(_excerpt(note))}</div>'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr>'
        '<td align="center" style="padding:20px 8px">'
        '<table role="presentation" class="card ink" width="100%" cellpadding="0" cellspacing="0" border="0" '
        'style="max-width:600px;background:#ffffff;border:1px solid #dbe1ea;border-radius:12px;'
        'border-collapse:separate;color:#14181f;text-align:left;table-layout:fixed">'
        f"{_card(note)}</table>{_footer(note)}</td></tr></table></body></html>\n"
    )


def _excerpt(note: Note) -> str:
    """Return the line that lists of mails show below the subject."""
    text = one_line(note.text or "; ".join(item.title for item in note.digest))
    return text if len(text) <= _MAX_EXCERPT else text[:_MAX_EXCERPT] + "…"


def _card(note: Note) -> str:
    own = note.parts.get("html") or _paragraphs(note.parts.get("text", ""))
    if own:
        parts = [_meta(note), _row(f'<div style="font-size:16px;line-height:1.6">{own}</div>')]
        shows_link = escape(note.link) in own or note.link in own
        return "".join(parts) + ("" if note.link and shows_link else _button(note)) + _row("", 8)
    if note.digest:
        return "".join(
            (_title(note), *(_item(item) for item in note.digest), _row("", 4), _button(note), _row("", 8)),
        )
    parts = [
        _head(note),
        _meta(note),
        # The title of a text is its first line.
        "" if note.kind == "text" and note.text else _title(note),
        _form(note),
        _row(f'<div style="font-size:16px;line-height:1.6">{_paragraphs(note.text)}</div>') if note.text else "",
        _image(note),
        _button(note),
        _row("", 8),
    ]
    return "".join(parts)


def _row(content: str, top: int = 12) -> str:
    return (
        f'<tr><td class="pad" dir="auto" style="padding:{top}px 24px 0;word-break:break-word;overflow-wrap:anywhere">'
        f"{content}</td></tr>"
    )


def _head(note: Note) -> str:
    """Return the coloured head of a card."""
    if not note.head:
        return ""
    background, colour = head_colours(note.colour)
    # The colour of the head wins against those of dark mode.
    style = (
        f"background:{background};color:{colour}!important;padding:12px 24px;font-size:16px;font-weight:600;"
        "line-height:1.4;border-radius:11px 11px 0 0;word-break:break-word;overflow-wrap:anywhere"
    )
    text = f'<span style="color:{colour}">{escape(note.head)}</span>'
    return f'<tr><td class="pad" dir="auto" bgcolor="{background}" style="{style}">{text}</td></tr>'


def _meta(note: Note) -> str:
    urgent = ""
    if note.is_urgent:
        urgent = (
            '<span class="urgent" style="background:#ffe3e0;color:#8c1d13;border-radius:4px;padding:1px 6px">'
            f"{URGENT.in_language(note.language)}</span> "
        )
    line = " · ".join(f"<bdi>{escape(part)}</bdi>" for part in (sender_line(note), moment(note)) if part)
    if not urgent and not line:
        return ""
    return _row(f'<div class="soft" style="font-size:13px;line-height:1.5;color:#5a6473">{urgent}{line}</div>', 16)


def _title(note: Note) -> str:
    title = title_below_head(note)
    if not title:
        return ""
    return _row(
        f'<h1 class="ink" style="margin:0;font-size:20px;line-height:1.35;font-weight:650">{escape(title)}</h1>',
        16 if note.digest else 8,
    )


def _form(note: Note) -> str:
    if not note.fields:
        return ""
    rows = "".join(
        '<tr><td class="soft" dir="auto" valign="top" style="padding:4px 12px 4px 0;color:#5a6473;width:28%;'
        f'word-break:break-word">{escape(label)}</td>'
        f'<td dir="auto" valign="top" style="padding:4px 0;word-break:break-word">{escape(value)}</td></tr>'
        for label, value in note.fields
    )
    return _row(
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" '
        f'style="font-size:15px;line-height:1.5;table-layout:fixed">{rows}</table>'
    )


def _image(note: Note) -> str:
    if not is_web_url(note.image_url):
        return ""
    return _row(
        f'<img src="{escape(note.image_url)}" alt="" width="552" border="0" '
        'style="display:block;width:100%;max-width:552px;height:auto;border-radius:8px">'
    )


def _button(note: Note) -> str:
    if not is_web_url(note.link):
        return ""
    return _row(
        f'<a class="button" href="{escape(note.link)}" style="display:inline-block;background:#2b5fd9;color:#ffffff;'
        "font-size:15px;font-weight:600;line-height:1.2;text-decoration:none;padding:12px 22px;border-radius:8px;"
        f'margin:4px 0 12px">{button_label(note)}</a>',
        16,
    )


def _item(note: Note) -> str:
    """Return one message of a digest."""
    title = escape(one_line(note.title))
    if is_web_url(note.link):
        title = f'<a class="go" href="{escape(note.link)}" style="color:#2350bd;text-decoration:none">{title}</a>'
    line = " · ".join(f"<bdi>{escape(part)}</bdi>" for part in (sender_line(note), moment(note)) if part)
    # The first line of a text is its title already.
    excerpt = "" if note.kind == "text" else escape(_excerpt(note))
    text = f'<div class="ink" style="font-size:15px;line-height:1.5">{excerpt}</div>' if excerpt else ""
    return _row(
        '<div class="line" style="border-top:1px solid #dbe1ea;padding-top:12px">'
        f'<div style="font-size:16px;font-weight:600;line-height:1.4">{title}</div>{text}'
        f'<div class="soft" style="font-size:13px;line-height:1.6;color:#5a6473">{line}</div></div>'
    )


def _paragraphs(text: str) -> str:
    """Return a text as HTML: its lines as they are, web addresses as links."""
    return "<br>".join(map(_linked, text.strip().splitlines()))


def _linked(line: str) -> str:
    pieces: list[str] = []
    end = 0
    for match in _WEB_ADDRESS.finditer(line):
        pieces.append(escape(line[end : match.start()]))
        url = match.group()
        shown = escape(url)
        is_link = is_web_url(url)
        pieces.append(f'<a class="go" href="{shown}" style="color:#2350bd">{shown}</a>' if is_link else shown)
        end = match.end()
    return "".join(pieces) + escape(line[end:])


def _footer(note: Note) -> str:
    lines = [escape(reason(note)), escape(unread_line(note))]
    if note.unsubscribe_url and is_web_url(note.unsubscribe_url):
        lines.append(
            f'<a class="soft" href="{escape(note.unsubscribe_url)}" style="color:#5a6473;text-decoration:underline">'
            f"{UNSUBSCRIBE.in_language(note.language)}</a>"
        )
    content = "<br>".join(line for line in lines if line)
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px">'
        '<tr><td class="soft pad" align="center" style="padding:16px 24px;font-size:12px;line-height:1.7;'
        f'color:#5a6473;word-break:break-word">{content}</td></tr></table>'
    )


# --- Colours ----------------------------------------------------------------------------------------------------------

Rgb = tuple[float, float, float]


def head_colours(argb: str) -> tuple[str, str]:
    """Return the background and the text colour of a head, from AARRGGBB: opaque on white, and readable."""
    digits = argb if re.fullmatch("[0-9A-Fa-f]{8}", argb) else "FFCC0000"
    alpha, *parts = (int(digits[start : start + 2], 16) for start in (0, 2, 4, 6))
    red, green, blue = (round(part * alpha / 255 + 255 - alpha) for part in parts)
    visible = float(red), float(green), float(blue)
    text = _LIGHT if contrast(_LIGHT, visible) >= contrast(_DARK, visible) else _DARK
    return _hex((red, green, blue)), _hex(text)


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def contrast(left: Rgb, right: Rgb) -> float:
    """Return the contrast of two colours, from 1 to 21, as WCAG defines it."""
    high, low = sorted((_luminance(left), _luminance(right)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        share / 12.92 if (share := part / 255) <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
