"""The sources of the templates: short lines, and texts as in docs/decisions/0017-texts-in-two-languages.md."""

import re
from pathlib import Path

import pytest
from markupsafe import Markup

from msgcenter.domain.language import Phrase
from msgcenter.portal.render import TEMPLATES, text_in

MAX_LINE = 200
SOURCES = sorted(TEMPLATES.glob("*.html"))
_TEXT = re.compile(r"""(?<![\w.])t\(\s*(["'])(?P<zh>(?:(?!\1).)*)\1\s*,\s*(["'])(?P<en>(?:(?!\3).)*)\3""", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{(\w+)")


@pytest.mark.parametrize("template", SOURCES, ids=lambda path: path.name)
def test_no_line_is_longer_than_a_screen(template: Path) -> None:
    lines = template.read_text("utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE] == []


@pytest.mark.parametrize("template", SOURCES, ids=lambda path: path.name)
def test_texts_have_the_same_placeholders_in_both_languages(template: Path) -> None:
    for match in _TEXT.finditer(template.read_text("utf-8")):
        placeholders = {language: sorted(_PLACEHOLDER.findall(match[language])) for language in ("zh", "en")}
        assert placeholders["zh"] == placeholders["en"], match[0]


@pytest.mark.parametrize("template", SOURCES, ids=lambda path: path.name)
def test_texts_are_written_in_one_way(template: Path) -> None:
    source = template.read_text("utf-8")
    assert "in_language" not in source
    assert 'if lang == "zh" %' not in source
    assert re.findall(r"""["'] % """, source) == []


def test_a_text_escapes_its_values_once_one_of_them_is_html() -> None:
    from_template = text_in("en", "用{call}和{name}", "with {call} and {name}", call="<b>", name="x")
    assert from_template == "with <b> and x", "the template escapes it"
    link = Markup('<a href="/x">x</a>')
    assert text_in("en", "用{call}和{name}", "with {call} and {name}", call=link, name="<b>") == (
        'with <a href="/x">x</a> and &lt;b&gt;'
    )


def test_a_phrase_is_a_text_too() -> None:
    assert text_in("zh", Phrase("总数：{count:,}", "Total: {count:,}"), count=1_000) == "总数：1,000"
