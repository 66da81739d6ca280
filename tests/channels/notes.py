"""Notes for tests of channels."""

from typing import Any

import msgspec

from msgcenter.channels.face import Gateway, Outcome, Parcel
from msgcenter.domain.channels.note import Note

NOTE = Note(
    message_id=1_234_567_890_123,
    kind="oa",
    language="zh",
    title="放假通知",
    text="国庆节放假七天。\n请注意安全。",
    fields=(("时间", "10月1日–7日"), ("地点", "全校")),
    app_name="教务",
    sender="第一中学",
    sent_at=1_790_000_000_000,
    link="https://msg.example/inbox#link=abc&x=1",
    unsubscribe_url="https://msg.example/inbox/unsubscribe?t=xyz",
    unread=3,
)


def note(**changes: Any) -> Note:
    """Return the note with changes."""
    return msgspec.structs.replace(NOTE, **changes)


def parcel(address: str, key: str = "p1:m1:0", **changes: Any) -> Parcel:
    """Return a parcel with the note and its changes."""
    return Parcel(key, address, note(**changes))


async def send(gateway: Gateway, *parcels: Parcel) -> list[Outcome]:
    """Send parcels through a gateway that is opened for them."""
    async with gateway:
        return [await gateway.send(each) for each in parcels]
