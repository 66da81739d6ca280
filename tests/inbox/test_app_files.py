"""The manifest and the service worker of the page, as a browser asks for them."""

import re

import httpx
import pytest

from tests.conftest import Server


@pytest.mark.parametrize(
    ("language", "query", "name"),
    [("zh-CN,zh", "", "消息中心"), ("en-GB", "", "Message centre"), ("en", "?lang=zh", "消息中心")],
)
def test_the_manifest_is_in_the_language_of_the_user(server: Server, language: str, query: str, name: str) -> None:
    url = f"{server.url}/inbox/manifest.webmanifest{query}"
    answer = httpx.get(url, headers={"accept-language": language}, trust_env=False)
    assert answer.headers["content-type"] == "application/manifest+json"
    assert answer.headers["vary"] == "Accept-Language"
    manifest = answer.json()
    assert manifest["name"] == name
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("../inbox", "../inbox", "standalone")


def test_the_icons_of_the_manifest_are_there_and_are_kept(server: Server) -> None:
    manifest = httpx.get(f"{server.url}/inbox/manifest.webmanifest", trust_env=False).json()
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        answer = httpx.get(f"{server.url}/inbox/{icon['src']}", trust_env=False)
        assert answer.headers["content-type"] == icon["type"]
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("base", ["", "/msg"])
def test_the_worker_may_control_the_page_under_every_base_path(server: Server, base: str) -> None:
    headers = {"x-forwarded-prefix": base} if base else {}
    answer = httpx.get(f"{server.url}/inbox/service-worker.js", headers=headers, trust_env=False)
    assert answer.headers["service-worker-allowed"] == f"{base}/inbox"
    assert answer.headers["content-security-policy"] == "default-src 'none'; connect-src 'self'"
    assert answer.headers["cache-control"] == "no-cache"
    assert re.match(r'self\.SHELL="[0-9a-f]{16}";\n', answer.text)


def test_the_page_allows_its_manifest_and_nothing_else_new(server: Server) -> None:
    policy = httpx.get(f"{server.url}/inbox", trust_env=False).headers["content-security-policy"]
    assert "manifest-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
