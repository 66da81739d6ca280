"""Static files: their hashed names, caching and compression."""

import gzip
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from msgcenter.inbox.files import inbox_files
from msgcenter.portal.assets import portal_assets
from msgcenter.web.compressed import accepts_gzip, compressed
from msgcenter.web.files import StaticFiles

KEEP = "public, max-age=31536000, immutable"
KEEP_A_WHILE = "public, max-age=300, stale-while-revalidate=86400"
SCRIPT = b"export const answer = 42;\n" * 100


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    """Three sources, one of which has a bundle."""
    sources, bundles = tmp_path / "static", tmp_path / "bundle"
    sources.mkdir()
    bundles.mkdir()
    for name in ("page.js", "part.js", "icon.svg", "page.html"):
        (sources / name).write_bytes(SCRIPT if name.endswith(".js") else b"<svg/>")
    (bundles / "page.min.js").write_bytes(b"bundle;" * 100)
    return StaticFiles(sources, bundles)


def ask(files: StaticFiles, name: str, **headers: str) -> Response | None:
    """Request a file."""
    raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return files.response(name, Request({"type": "http", "method": "GET", "headers": raw}), {"x-more": "1"})


def got(files: StaticFiles, name: str, **headers: str) -> Response:
    """Request a file that exists."""
    response = ask(files, name, **headers)
    assert response is not None
    return response


def test_a_name_with_the_hash_is_kept_for_a_year(files: StaticFiles) -> None:
    name = files.hashed("page.js")
    assert name.startswith("page-")
    answer = got(files, name)
    assert (answer.status_code, answer.body) == (200, b"bundle;" * 100)
    assert answer.headers["cache-control"] == KEEP
    assert answer.headers["x-more"] == "1"
    assert got(files, files.hashed("part.js")).headers["cache-control"] == KEEP


def test_a_hash_of_another_version_gets_this_version_and_is_not_kept(files: StaticFiles) -> None:
    answer = got(files, "page-0123456789abcdef.js")
    assert (answer.body, answer.headers["cache-control"]) == (b"bundle;" * 100, "no-cache")
    assert ask(files, "nothing-0123456789abcdef.js") is None
    assert ask(files, "page-0123456789abcdef.css") is None


def test_names_without_a_hash_still_work(files: StaticFiles) -> None:
    assert got(files, "page.js").body == b"bundle;" * 100
    assert got(files, "page.js").headers["cache-control"] == KEEP_A_WHILE
    assert got(files, "icon.svg").headers["cache-control"] == KEEP_A_WHILE
    module = got(files, "part.js")
    assert (module.body, module.headers["cache-control"]) == (SCRIPT, "no-cache")
    assert ask(files, "page.min.js") is None
    assert ask(files, "page.html") is None


def test_files_are_compressed_for_clients_that_accept_it(files: StaticFiles) -> None:
    plain, packed = got(files, "part.js"), got(files, "part.js", accept_encoding="br, gzip")
    assert gzip.decompress(packed.body) == plain.body == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != packed.headers["etag"]
    tiny = got(files, "icon.svg", accept_encoding="gzip")
    assert (tiny.body, tiny.headers.get("content-encoding"), tiny.headers.get("vary")) == (b"<svg/>", None, None)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_browser_that_has_a_file_does_not_get_it_again(files: StaticFiles, encoding: str) -> None:
    first = got(files, "part.js", accept_encoding=encoding)
    again = got(files, "part.js", accept_encoding=encoding, if_none_match=first.headers["etag"])
    assert (again.status_code, again.body) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    assert got(files, "part.js", if_none_match='"another"').status_code == 200


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP", True),
        ("gzip;q=0.5", True),
        ("br, *", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("gzip;q=x", False),
        ("gzipped", False),
    ],
)
def test_accept_encoding_is_read_with_its_weights(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_files_that_do_not_shrink_are_not_compressed() -> None:
    assert compressed(b"abc").gzipped is None
    assert compressed(b"abc" * 100).gzipped is not None


def test_a_first_visit_is_small() -> None:
    page = ["page.js", "page.css", "favicon.svg"]
    sizes = {name: len(got(inbox_files(), name, accept_encoding="gzip").body) for name in [*page, "msg-inbox.js"]}
    assert sum(sizes[name] for name in page) < 35_500, sizes
    assert sizes["msg-inbox.js"] < 33_500, sizes
    assert len(got(portal_assets(), "portal.css", accept_encoding="gzip").body) < 7_000
