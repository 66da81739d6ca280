"""Mails in a browser, as a mail program shows them: at two widths, light and dark."""

import pytest
from playwright.sync_api import Browser, expect

from msgcenter.channels.mail_body import mail_body
from msgcenter.domain.channels.note import Note
from tests.channels.mail_notes import LONG_WORD, card_note, digest_note, link_note, template_note, text_note
from tests.e2e.accessibility import CONTRAST, NOT_MINOR, SERIOUS, violations
from tests.e2e.conftest import fake_web

NOTES = {
    "text": text_note(),
    "link": link_note("en"),
    "card": card_note("en"),
    "card with a light head": card_note(colour="FFFFE08A"),
    "long words": text_note("en", text=LONG_WORD, title=LONG_WORD, sender=LONG_WORD[:64]),
    "digest": digest_note(),
    "template": template_note(),
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES.keys())
def test_a_mail_fits_the_screen_and_is_readable(chromium: Browser, note: Note) -> None:
    for width in (360, 1_200):
        for scheme in ("light", "dark"):
            context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            fake_web(context)
            page = context.new_page()
            page.set_content(mail_body(note).html)
            too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert too_wide == 0, f"{width} px: {too_wide} px too wide"
            assert violations(page, CONTRAST, impacts=NOT_MINOR) == []
            card = page.locator(".card").bounding_box()
            assert card is not None
            assert card["width"] <= 600
            context.close()


def test_a_mail_names_its_parts_and_leads_to_the_message(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(mail_body(card_note("en")).html)
    assert violations(page, impacts=SERIOUS) == []
    expect(page.get_by_role("heading", name="Ms Wang asks for a day off")).to_be_visible()
    expect(page.get_by_role("link", name="Open")).to_have_attribute("href", card_note().link)
    expect(page.get_by_role("link", name="Stop these mails")).to_be_visible()
    page.close()
