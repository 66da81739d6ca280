"""The demo's mail catcher: a real mail server, and the page that shows what came."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import aiosmtplib
import httpx
import pytest
from starlette.applications import Starlette

from msgcenter.cli.demo.mail.catcher import MailCatcher, catching_mails
from msgcenter.cli.demo.mail.pages import mail_routes

_HOSTILE = '<p>点击<script>document.title = "taken"</script></p>'


@pytest.fixture
def catcher() -> MailCatcher:
    return MailCatcher()


@pytest.fixture
async def pages(catcher: MailCatcher) -> AsyncIterator[httpx.AsyncClient]:
    application = Starlette(routes=mail_routes(catcher, ZoneInfo("Asia/Shanghai")))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://demo") as client:
        yield client


async def send(port: int, *subjects: str, html: str = _HOSTILE) -> None:
    for subject in subjects:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "school@example.com", "parent-wang@example.com", subject
        mail.set_content("家长会改到周五。")
        mail.add_alternative(html, subtype="html")
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=port)


async def test_mails_are_kept_newest_first(catcher: MailCatcher) -> None:
    with catching_mails(catcher) as port:
        await send(port, "第一封", "第二封")
    assert [mail.subject for mail in catcher.newest_first()] == ["第二封", "第一封"]
    assert catcher.newest_first()[0].recipients == ("parent-wang@example.com",)
    assert catcher.newest_first()[0].part("plain").strip() == "家长会改到周五。"


async def test_only_the_latest_mails_are_kept_and_numbers_go_on(catcher: MailCatcher) -> None:
    with catching_mails(catcher) as port:
        await send(port, *map(str, range(203)), html="<p></p>")
    assert catcher.count == 203
    assert len(catcher.newest_first()) == 200
    assert catcher.find(3) is None
    assert catcher.newest_first()[-1].number == 4


async def test_the_page_shows_a_mail(catcher: MailCatcher, pages: httpx.AsyncClient) -> None:
    empty = await pages.get("/dev/mail", headers={"accept-language": "en"})
    assert "No mails yet" in empty.text
    with catching_mails(catcher) as port:
        await send(port, "<b>家长会</b>", "运动会")
    page = (await pages.get("/dev/mail/1")).text
    assert "&lt;b&gt;家长会" in page
    assert "<b>家长会" not in page
    assert (await pages.get("/dev/mail/count")).json() == {"count": 2}
    assert "运动会" in (await pages.get("/dev/mail")).text


async def test_a_mail_is_shown_without_its_scripts(catcher: MailCatcher, pages: httpx.AsyncClient) -> None:
    with catching_mails(catcher) as port:
        await send(port, "危险")
    shown = await pages.get("/dev/mail/1/html")
    assert _HOSTILE in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert (await pages.get("/dev/mail/1/source")).headers["content-type"].startswith("text/plain")


async def test_a_mail_that_is_gone_leads_to_the_list(pages: httpx.AsyncClient) -> None:
    assert (await pages.get("/dev/mail/7")).status_code == 303
    assert (await pages.get("/dev/mail/7/html")).status_code == 404
