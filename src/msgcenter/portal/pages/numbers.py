"""Whole numbers in forms."""

from msgcenter.domain.refusal import malformed
from msgcenter.portal.page_request import Form, whole_number


def form_number(form: Form, name: str, field: str = "") -> int:
    """Return the number in a field of a form. Refuses with FIELD_MALFORMED, naming `field` if it is given."""
    number = whole_number(form[name])
    if number is None:
        raise malformed(field or name, "须为0–2,147,483,647的整数", "must be a whole number from 0 to 2,147,483,647")
    return number
