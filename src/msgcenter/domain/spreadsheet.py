"""CSV cells for spreadsheets: texts from users must not become formulas when the file is opened."""

import csv
import io
import unicodedata

from msgcenter.domain.visible import shows_nothing

BYTE_ORDER_MARK = "\ufeff"
"""The start of a CSV file. Without it, Excel does not read the file as UTF-8."""
_SIGNS = "=+-@"
_BEGINNINGS = "\t\r\n"


def csv_line(*cells: str) -> str:
    """Return a line of a CSV file (RFC 4180, with CRLF) in which no cell is a formula."""
    file = io.StringIO()
    csv.writer(file).writerow([as_text(cell) for cell in cells])
    return file.getvalue()


def as_text(cell: str) -> str:
    """Return a cell that a spreadsheet reads as text: with an apostrophe in front if it looks like a formula.

    A formula starts with one of `=+-@`, also in full width or another compatible form, after any invisible characters.
    """
    if cell[:1] and cell[0] in _BEGINNINGS:
        return f"'{cell}"
    for character in cell:
        if shows_nothing(character):
            continue
        return f"'{cell}" if unicodedata.normalize("NFKC", character)[0] in _SIGNS else cell
    return cell
