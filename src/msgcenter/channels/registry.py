"""All channels: which providers each one has, and how a gateway is configured and opened."""

import asyncio
from collections.abc import Mapping

from msgcenter.channels import apprise_urls, dingtalk, feishu, push, sms_aliyun, sms_http, sms_tencent, smtp, wecom
from msgcenter.channels.config import Config, Provider
from msgcenter.channels.face import Gateway
from msgcenter.domain.channels.codes import CHANNELS, Channel
from msgcenter.domain.refusal import malformed
from msgcenter.outbound.network import Network

_PROVIDERS = (
    smtp.PROVIDER,
    sms_aliyun.PROVIDER,
    sms_tencent.PROVIDER,
    sms_http.PROVIDER,
    wecom.PROVIDER,
    dingtalk.PROVIDER,
    feishu.PROVIDER,
    push.PROVIDER,
    apprise_urls.PROVIDER,
)

PROVIDERS: dict[Channel, dict[str, Provider]] = {
    channel: {provider.code: provider for provider in _PROVIDERS if provider.channel == channel} for channel in CHANNELS
}
"""The providers of each channel by their codes, the usual one first."""


def provider_of(channel: str, code: str) -> Provider:
    """Return a provider; "" is the channel's usual one. Refuses with FIELD_MALFORMED (`channel` or `provider`)."""
    providers = next((known for name, known in PROVIDERS.items() if name == channel), {})
    if not providers:
        listed = ", ".join(name for name, known in PROVIDERS.items() if known)
        raise malformed("channel", f"只能取 {listed}", f"must be one of {listed}")
    provider = providers.get(code or next(iter(providers)))
    if provider is None:
        listed = ", ".join(providers)
        raise malformed("provider", f"只能取 {listed}", f"must be one of {listed}")
    return provider


async def load(provider: Provider) -> None:
    """Load what a provider needs, in a thread. Apprise takes seconds of CPU the first time in a process.

    Call it before `parse_config` where nothing else may wait so long: neither other calls nor a transaction.
    """
    await asyncio.to_thread(provider.load)


def parse_config(channel: str, provider: str, fields: Mapping[str, str]) -> Config:
    """Return the configuration that has these values of fields; what it lacks, such as keys, is made.

    `fields_of` returns the values to store; they make the same configuration again. Refuses with FIELD_MISSING or
    FIELD_MALFORMED and the name of the field, also `channel` and `provider`.
    """
    return provider_of(channel, provider).configure(fields)


def label_of(config: Config) -> str:
    """Return what operators see of a configuration, in one line without secrets."""
    return config.label()


def open_gateway(config: Config, network: Network) -> Gateway:
    """Return the gateway of a configuration; use it with `async with`. It connects when it sends."""
    return config.open(network)
