"""Cells for spreadsheets: what others wrote must not become a formula where the file is opened."""

import csv
import io
import unicodedata

from msgcenter.domain.visible import shows_nothing

_SIGNS = "=+-@"
_BEGINNINGS = "\t\r\n"


def csv_line(*cells: str) -> str:
    """Return a line of a CSV file (RFC 4180, with CRLF) in which no cell is a formula."""
    file = io.StringIO()
    csv.writer(file).writerow([as_text(cell) for cell in cells])
    return file.getvalue()


def as_text(cell: str) -> str:
    """Return a cell that a spreadsheet takes for text, with an apostrophe in front if it looked like a formula.

    A formula begins with one of `=+-@`, also in full width or another compatible form, and after characters that are
    not seen.
    """
    if cell[:1] and cell[0] in _BEGINNINGS:
        return f"'{cell}"
    for character in cell:
        if shows_nothing(character):
            continue
        return f"'{cell}" if unicodedata.normalize("NFKC", character)[0] in _SIGNS else cell
    return cell
