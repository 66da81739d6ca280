"""Which pages of the portal are compressed: those that are the same for everyone."""

import pytest

from tests.portal.conftest import Visitor


@pytest.mark.parametrize("path", ["/portal/docs", "/portal/docs/sendMsg", "/portal/docs/codes", "/portal"])
def test_public_pages_are_compressed(visitor: Visitor, path: str) -> None:
    packed = visitor.http.get(path, headers={"accept-encoding": "gzip"})
    plain = visitor.http.get(path, headers={"accept-encoding": "identity"})
    assert (packed.status_code, packed.headers["content-encoding"]) == (200, "gzip")
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


def test_pages_with_a_form_token_are_not_compressed(visitor: Visitor) -> None:
    for path in ("/login", "/docs"):  # the first answer sets the cookie of the token
        page = visitor.get(path)
        assert "gzip" in page.request.headers["accept-encoding"]
        assert 'name="csrf"' in page.text
        assert "content-encoding" not in page.headers


def test_pages_of_a_person_are_not_compressed(developer: Visitor) -> None:
    for path in ("/docs", "/apps"):
        page = developer.get(path)
        assert page.status_code == 200
        assert "content-encoding" not in page.headers
