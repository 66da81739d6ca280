"""The language of templates: what is allowed, what is refused, and that no text can cost much."""

import time

import pytest

from msgcenter.domain.channels.templating import MAX_OUTPUT, TemplateError, check_source, render
from msgcenter.domain.channels.values import Items
from msgcenter.domain.refusal import Reason, Refusal

_NAMES = ("name", "score", "items")
_LISTS = ("items",)

ALLOWED = {
    "no variables": set[str](),
    "{{ name }} {{ name|upper|trim }}": {"name"},
    "{{ score|number(2) }} {{ name|truncate(10) }}": {"score", "name"},
    "{% if score > 60 and name != '' %}{{ name }}{% elif not name %}-{% else %}+{% endif %}": {"score", "name"},
    "{% for item in items if item %}{{ loop.index }}/{{ loop.length }} {{ item }}{% else %}-{% endfor %}": {"items"},
    "{{ name if score >= 60 else 'none' }}": {"name", "score"},
    "{{ items }} {{ items|join('; ') }} {{ items|first }}": {"items"},
    "{# a comment #}{% raw %}{{ name }}{% endraw %}": set[str](),
}
HOSTILE = [
    "{{ unknown }}",
    "{{ name.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ name['__class__'] }}",
    "{{ name|attr('__class__') }}",
    "{{ name() }}",
    "{{ name.format(score) }}",
    "{{ '%999999999d'|format(1) }}",
    "{{ 'a' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ name ~ name }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{{ name|safe }}",
    "{{ name|center(1000000000) }}",
    "{{ name|indent(1000000000) }}",
    "{{ name|replace('a', 'aaaa') }}",
    "{{ items|join(name) }}",
    "{{ name|default(unknown) }}",
    "{{ items|map('upper') }}",
    "{{ name|truncate(*items) }}",
    "{{ name is defined }}",
    "{{ self }}",
    "{{ loop }}",
    "{{ cycler }}{{ lipsum(9) }}{{ namespace() }}",
    "{% for item in range(100000) %}{% endfor %}",
    "{% for item in name %}{% endfor %}",
    "{% for item in items %}{% for other in items %}{% endfor %}{% endfor %}",
    "{% for item in items recursive %}{{ loop(items) }}{% endfor %}",
    "{% for a, b in items %}{% endfor %}",
    "{% for name in items %}{% endfor %}",
    "{% for item in items %}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{% endfor %}",
    "{% set x = name %}",
    "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}",
    "{% include 'x' %}",
    "{% import 'x' as x %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% with x = 1 %}{% endwith %}",
    "{% filter upper %}x{% endfilter %}",
    "{% autoescape false %}{{ name }}{% endautoescape %}",
    "{{ name",
    "{% if name %}",
    "{% unknown %}",
    "\0",
    "{{ 1e999 }}",
    "{{ " + "9" * 5_000 + " }}",
    "{{ '" + "a" * 5_000 + "' }}",
    "{{ " + "(" * 3_000 + "name" + ")" * 3_000 + " }}",
    "{% if name %}" * 1_500 + "{% endif %}" * 1_500,
    "{{ name" + "|upper" * 1_000 + " }}",
    "{{ name }}" * 1_100,
    "{{ not " * 1_000 + "name" + " }}",
]


@pytest.mark.parametrize("source", ALLOWED)
def test_an_allowed_text_names_the_variables_that_it_uses(source: str) -> None:
    assert check_source(source, "text", _NAMES, _LISTS, html=False) == ALLOWED[source]


@pytest.mark.parametrize("source", HOSTILE, ids=[source[:40] for source in HOSTILE])
@pytest.mark.parametrize("html", [False, True])
def test_what_is_not_in_the_language_is_refused_at_once(source: str, html: bool) -> None:
    start = time.process_time()
    with pytest.raises(Refusal) as refused:
        check_source(source, "parts.zh.email.text", _NAMES, _LISTS, html=html)
    assert refused.value.reason is Reason.FIELD_MALFORMED
    assert refused.value.data["field"] == "parts.zh.email.text"
    assert time.process_time() - start < 5


def test_values_are_escaped_in_html_only() -> None:
    values = {"name": "<b>&\"'"}
    assert render("{{ name }}", values) == "<b>&\"'"
    assert render('<i title="{{ name }}">', values, html=True) == '<i title="&lt;b&gt;&amp;&#34;&#39;">'
    assert render("{{ name|upper|truncate(3) }}", values, html=True) == "&lt;B…"
    assert render("{{ name|lines }}", {"name": "<1>\n2"}, html=True) == "&lt;1&gt;<br>2"
    assert render("{{ items|join('<br>') }}", {"items": Items(("<", "2"))}, html=True) == "&lt;&lt;br&gt;2"


def test_a_value_is_never_a_template() -> None:
    assert render("{{ name }}", {"name": "{{ name }}{% for %}"}) == "{{ name }}{% for %}"


def test_the_longest_text_ends_early() -> None:
    source = "{% for item in items %}" + "{{ items }}" * 400 + "{% endfor %}"
    check_source(source, "text", _NAMES, _LISTS, html=False)
    start = time.process_time()
    with pytest.raises(TemplateError, match="characters"):
        render(source, {"items": Items(["x" * 255] * 50)})
    assert time.process_time() - start < 5


def test_the_costliest_silent_text_takes_little_time() -> None:
    condition = " or ".join(["items|join('" + "s" * 200 + "')|upper|lower == 'x'"] * 10)
    source = "{% for item in items %}" + f"{{% if {condition} %}}{{% endif %}}" * 10 + "{% endfor %}"
    check_source(source, "text", _NAMES, _LISTS, html=False)
    start = time.process_time()
    assert render(source, {"items": Items(["x" * 255] * 50)}) == ""
    assert time.process_time() - start < 5


def test_a_mistake_that_only_values_show_is_an_error() -> None:
    with pytest.raises(TemplateError):
        render("{% if name > 3 %}{% endif %}", {"name": "x"})
    with pytest.raises(TemplateError):
        render("{{ missing }}", {})
    with pytest.raises(TemplateError, match="characters"):
        render("x" * (MAX_OUTPUT + 1), {})


def test_numbers_are_shown_without_needless_decimals() -> None:
    assert render("{{ score }} {{ score|number }}", {"score": 1234567.0}) == "1234567 1,234,567"
    assert render("{{ score|number(0) }} {{ score|number(2) }}", {"score": 1234.5}) == "1,234 1,234.50"
