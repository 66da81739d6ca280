"""The Markdown pages: links lead somewhere, and translations have the same structure as their originals."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "bench/**/*.md", "sdk/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if not {"node_modules", ".venv"} & set(path.parts)
)
TRANSLATIONS = [
    (ROOT / "README.md", ROOT / "README.zh-CN.md"),
    (ROOT / "docs/protocol.md", ROOT / "docs/protocol.zh-CN.md"),
]
_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")


def prose(page: Path) -> str:
    """Return a page without its code blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def headings(page: Path) -> list[tuple[int, str]]:
    """Return the level and text of each heading."""
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) (.+)$", prose(page), re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _, text in headings(page)}


def samples(page: Path) -> list[str]:
    """Return the code blocks of a page."""
    return _FENCE.findall(page.read_text("utf-8"))


def tables(page: Path) -> list[list[list[str]]]:
    """Return each table as rows of cells."""
    blocks = re.findall(r"(?:^\|.*\|$\n?)+", prose(page), re.MULTILINE)
    return [[re.split(r"(?<!\\) \| ", row.strip()[1:-1]) for row in block.splitlines()] for block in blocks]


def links(page: Path) -> Iterator[str]:
    """Return the targets of links and images that are not URLs."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", prose(page))):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(("original", "translation"), TRANSLATIONS, ids=lambda page: page.name)
def test_translation_has_the_same_headings_samples_and_tables(original: Path, translation: Path) -> None:
    assert [level for level, _ in headings(original)] == [level for level, _ in headings(translation)]
    assert samples(original) == samples(translation)
    pairs = list(zip(tables(original), tables(translation), strict=True))
    for table, translated in pairs:
        assert [len(row) for row in table] == [len(row) for row in translated]
        for row, translated_row in zip(table, translated, strict=True):
            assert sorted(_CODE.findall(row[0])) == sorted(_CODE.findall(translated_row[0]))


@pytest.mark.parametrize(("original", "translation"), TRANSLATIONS, ids=lambda page: page.name)
def test_translation_keeps_names_and_numbers_of_every_table_cell(original: Path, translation: Path) -> None:
    for table, translated in zip(tables(original), tables(translation), strict=True):
        for row, translated_row in zip(table, translated, strict=True):
            for cell, translated_cell in zip(row, translated_row, strict=True):
                assert set(_CODE.findall(cell)) == set(_CODE.findall(translated_cell)), (cell, translated_cell)
                assert sorted(re.findall(r"\d+(?:,\d+)*", cell)) == sorted(
                    re.findall(r"\d+(?:,\d+)*", translated_cell)
                ), cell


@pytest.mark.parametrize(("original", "translation"), TRANSLATIONS, ids=lambda page: page.name)
def test_translations_link_to_each_other_at_the_top(original: Path, translation: Path) -> None:
    assert f"]({translation.name})" in "".join(original.read_text("utf-8").splitlines(keepends=True)[:4])
    assert f"]({original.name})" in "".join(translation.read_text("utf-8").splitlines(keepends=True)[:4])
