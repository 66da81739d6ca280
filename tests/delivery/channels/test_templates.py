"""Messages of templates: each person gets the channel's text in their own language and time zone."""

from typing import Any

from msgcenter.actions.channels.templates import Templates
from msgcenter.database.database import Database
from msgcenter.domain.audience import Receivers
from msgcenter.domain.channels.template import TemplateCall, content_of
from msgcenter.domain.content import Text
from msgcenter.domain.person import COMMAND
from tests.channel_scene import CODE, ChannelScene, address_of, channel_scene
from tests.smtp_sink import SmtpSink, smtp_sink

MOMENT = 1_796_108_400_000  # 2026-12-01T07:00Z
CONTENT: dict[str, Any] = {
    "variables": [{"name": "title"}, {"name": "due", "kind": "date"}],
    "parts": {
        "zh": {
            "inbox": {"kind": "text", "content": "{{ title }}，{{ due }}"},
            "email": {"subject": "通知：{{ title }}", "html": '<p>{{ title }}</p><a href="{{ link }}">打开</a>'},
        },
        "en": {"inbox": {"kind": "text", "content": "{{ title }} at {{ due|time }}"}},
    },
}


async def _mails(scene: ChannelScene, sink: SmtpSink, message_id: int) -> dict[str, tuple[str, str]]:
    """Return the subject and the text of each mail, by user."""
    await scene.plan(message_id)
    await scene.plan_all()
    await scene.send_all()
    return {mail.to.partition("@")[0]: (str(mail.message["Subject"]), mail.text) for mail in sink.mails}


async def _send(scene: ChannelScene, *users: str) -> int:
    await Templates(scene.database).save(CODE, "meeting", "Meeting", content_of(CONTENT), by=COMMAND)
    call = TemplateCall("meeting", {"title": "家长会 <1>", "due": MOMENT})
    return await scene.sending.send(scene.app, call, Receivers.of(users))


async def test_a_mail_is_in_the_language_and_zone_of_its_reader(database: Database) -> None:
    with smtp_sink() as sink:
        async with channel_scene(database) as scene:
            await scene.add_gateway(sink.port)
            await scene.add_contacts(["ann", "bo", "cai"])
            await scene.prefer("ann", language="en", time_zone="Europe/Berlin")
            await scene.prefer("bo", language="en")
            mails = await _mails(scene, sink, await _send(scene, "ann", "bo", "cai"))
    assert mails["ann"][0] == "家长会 <1> at 08:00"
    assert mails["bo"][0] == "家长会 <1> at 15:00"
    subject, text = mails["cai"]
    assert subject == "通知：家长会 <1>"
    assert text.splitlines()[0] == "家长会 <1>"
    assert "打开 (https://msg.example.org/" in text


async def test_a_message_that_was_updated_says_its_new_content(database: Database) -> None:
    with smtp_sink() as sink:
        async with channel_scene(database) as scene:
            await scene.add_gateway(sink.port)
            await scene.add_contacts(["ann"])
            message_id = await _send(scene, "ann")
            await scene.sent.update(scene.app, message_id, Text("Cancelled"), reset_read=False, by=COMMAND)
            mails = await _mails(scene, sink, message_id)
    assert mails["ann"][0] == "Cancelled"


async def test_an_archived_template_still_says_what_its_messages_say(database: Database) -> None:
    with smtp_sink() as sink:
        async with channel_scene(database) as scene:
            await scene.add_gateway(sink.port)
            await scene.add_contacts(["ann"])
            message_id = await _send(scene, "ann")
            await Templates(database).archive(CODE, "meeting", archived=True, by=COMMAND)
            mails = await _mails(scene, sink, message_id)
    assert mails["ann"][0] == "通知：家长会 <1>"
    assert sink.by_recipient == {address_of("ann"): 1}
