"""The names of channels and contact points."""

from collections.abc import Mapping

from msgcenter.domain.channels.codes import Channel, ContactKind
from msgcenter.domain.language import Phrase

_CONTACT_KINDS: Mapping[ContactKind, Phrase] = {
    "email": Phrase("邮箱", "E-mail"),
    "mobile": Phrase("手机", "Mobile"),
    "wecom": Phrase("企业微信", "WeCom"),
    "dingtalk": Phrase("钉钉", "DingTalk"),
    "feishu": Phrase("飞书", "Feishu"),
}
_CHANNELS: Mapping[Channel, Phrase] = {
    "email": Phrase("邮件", "E-mail"),
    "sms": Phrase("短信", "SMS"),
    "wecom": Phrase("企业微信", "WeCom"),
    "dingtalk": Phrase("钉钉", "DingTalk"),
    "feishu": Phrase("飞书", "Feishu"),
    "push": Phrase("浏览器推送", "Web push"),
    "apprise": Phrase("其他（Apprise）", "Other (Apprise)"),
}


def contact_kind_name(kind: ContactKind) -> Phrase:
    """Return the name of a kind of contact points."""
    return _CONTACT_KINDS[kind]


def channel_name(channel: Channel) -> Phrase:
    """Return the name of a channel."""
    return _CHANNELS[channel]
