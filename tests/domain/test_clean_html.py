"""HTML of mails: what is kept, what is removed, and the text that is made of it."""

import pytest

from msgcenter.domain.channels.clean_html import clean_html, is_web_url, removed_from, text_of_html

KEPT = [
    "<p>a &amp; b</p>",
    '<a href="https://example.edu/?a=1&amp;b=2" title="x">link</a>',
    '<table role="presentation" width="100%"><tr><td style="color:#fff;padding:4px">x</td></tr></table>',
    '<img src="https://example.edu/1.png" alt="x" width="10">',
    "<ul><li>1</li><li>2</li></ul>",
    "a<br>b",
]
CHANGED = {
    "<script>alert(1)</script>x": "x",
    "<ScRiPt src=//x>alert(1)</sCrIpT>x": "x",
    "<p onclick=alert(1)>x</p>": "<p>x</p>",
    '<a href="javascript:alert(1)">x</a>': "<a>x</a>",
    '<a href=" javascript:alert(1)">x</a>': "<a>x</a>",
    '<a href="data:text/html,x">x</a>': "<a>x</a>",
    '<a href="java\nscript:alert(1)">x</a>': "<a>x</a>",
    '<img src="x" onerror="alert(1)">': "<img>",
    '<p style="background:url(https://x)">x</p>': "<p>x</p>",
    '<p style="position:fixed">x</p>': "<p>x</p>",
    "<form action=/x><input name=a></form>x": "x",
    "<iframe src=https://x>y</iframe>x": "x",
    "<svg><a href=x>y</a></svg>x": "x",
    "<style>p{}</style>x": "x",
    "<!-- comment -->x<!DOCTYPE html><?php x ?>": "x",
    "<p><b>x": "<p><b>x</b></p>",
    "</div></td></table>x": "x",
    "<p><b>x</p>y</b>": "<p><b>x</b></p>y",
    "<html><body><p>x</p></body></html>": "<p>x</p>",
    '<a href="https://x" href="javascript:x">y</a>': '<a href="https://x">y</a>',
    "&lt;script&gt;": "&lt;script&gt;",
    "<script>": "",
}


@pytest.mark.parametrize("html", KEPT)
def test_what_mail_programs_show_is_kept(html: str) -> None:
    assert clean_html(html) == html
    assert removed_from(html) == []


@pytest.mark.parametrize("html", CHANGED)
def test_what_a_mail_must_not_have_is_removed(html: str) -> None:
    assert clean_html(html) == CHANGED[html]
    assert clean_html(CHANGED[html]) == CHANGED[html]


def test_what_is_removed_is_named() -> None:
    assert removed_from("<script></script><p onclick=x>") == ["<script>", "p onclick"]


def test_deep_html_is_flattened() -> None:
    assert clean_html("<b>" * 5_000).count("<b>") == 60


@pytest.mark.parametrize("url", ["", "x", "//x", "ftp://x", "https://", "http://[", "https://x\n.y"])
def test_other_addresses_are_not_of_the_web(url: str) -> None:
    assert not is_web_url(url)


def test_the_text_of_html_has_lines_and_links() -> None:
    html = '<h1>Title</h1><p>One\n two <a href="https://x.y/">here</a></p><ul><li>a</li><li>b</li></ul><img alt="cat">'
    assert text_of_html(html) == "Title\n\nOne two here (https://x.y/)\n\n- a\n\n- b\n\n[cat]"
