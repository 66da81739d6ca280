"""Anything else, by Apprise: notifications to the operator's own URLs (needs `msgcenter[apprise]`)."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from msgcenter.channels.config import Config, Field, Provider, Values
from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.channels.http_gateway import DOWN_MS, reason, wrong
from msgcenter.channels.plain import cut, plain_text, plain_title
from msgcenter.domain.language import Phrase
from msgcenter.domain.refusal import malformed
from msgcenter.outbound.network import Network

_TIMEOUT = 60.0
_THREADS = 4
_MAX_URLS = 20
_TITLE, _TEXT = 250, 4_000
"""Limits in characters; Apprise cuts further for services that allow less."""


class AppriseConfig(Config, frozen=True, kw_only=True):
    """URLs of services as Apprise knows them, separated by spaces. Everything is sent to each of them."""

    urls: str

    def label(self) -> str:
        """Return the kinds of services. Everything else of such a URL may be secret."""
        return ", ".join(f"{urlsplit(url).scheme}://…" for url in self.urls.split())

    def open(self, network: Network) -> Gateway:  # noqa: ARG002 - Apprise has connections of its own
        """Return the gateway. It calls the hosts that operators have named, whatever their addresses."""
        return AppriseGateway(self)


FIELDS = (
    Field(
        "urls",
        Phrase("服务网址", "URLs of services"),
        Phrase("Apprise格式,以空格分隔", "as Apprise knows them, separated by spaces"),
        is_secret=True,
    ),
)


def configure(fields: Mapping[str, str]) -> AppriseConfig:
    """Return the configuration. Refuses with FIELD_MALFORMED if Apprise is missing, or does not know a URL."""
    urls = Values(FIELDS, fields).text("urls").split()
    apprise = _apprise()
    if apprise is None:
        raise malformed("urls", "须先安装 msgcenter[apprise]", "need msgcenter[apprise] to be installed")
    if len(urls) > _MAX_URLS or not all(apprise.Apprise.instantiate(url) for url in urls):
        raise malformed(
            "urls",
            f"须为最多{_MAX_URLS}个Apprise网址,以空格分隔",
            f"must be at most {_MAX_URLS} URLs that Apprise knows, separated by spaces",
        )
    return AppriseConfig(urls=" ".join(urls))


def load() -> None:
    """Load Apprise with all services that it knows."""
    apprise = _apprise()
    if apprise is not None:
        apprise.Apprise.instantiate("json://localhost")


PROVIDER = Provider("apprise", "apprise", Phrase("Apprise", "Apprise"), FIELDS, 1, configure, load)


def _apprise() -> Any:
    """Return the module, None if it is not installed. It is large, so it is imported when it is needed."""
    return import_module("apprise") if find_spec("apprise") else None


class AppriseGateway:
    """Sends in threads of its own, because Apprise waits for its services."""

    def __init__(self, config: AppriseConfig) -> None:
        self._urls = config.urls.split()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="apprise")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, parcel: Parcel) -> Outcome:
        """Notify all services. Apprise says only whether all of them have accepted."""
        note = parcel.note
        text = f"{plain_text(note)}\n{note.link}".strip()
        title, body = cut(plain_title(note), _TITLE), cut(text, _TEXT)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await loop.run_in_executor(self._threads, self._notify, title, body)
        except TimeoutError:
            return Outcome("later", f"no answer within {_TIMEOUT:g} seconds", pause_ms=DOWN_MS)

    def _notify(self, title: str, body: str) -> Outcome:
        apprise = _apprise()
        if apprise is None:
            return wrong("msgcenter[apprise] is not installed")
        services = apprise.Apprise()
        for url in self._urls:
            services.add(url)
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:
            is_sent = services.notify(title=title, body=body or title)
            text = log.getvalue()
        if is_sent:
            return Outcome("accepted")
        return Outcome("later", reason(text or "a service has not accepted it"), pause_ms=DOWN_MS)
