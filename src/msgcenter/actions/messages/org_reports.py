"""Reports of a message to organisations: how many have read it, organisation by organisation."""

from typing import NamedTuple

from msgcenter.actions.messages.receipt_counts import ReceiptCounts
from msgcenter.database.database import Connection, Database
from msgcenter.domain.audience import is_org_audience
from msgcenter.domain.message import Message
from msgcenter.domain.refusal import Reason, Refusal, contradiction
from msgcenter.store.directory import report_orgs
from msgcenter.store.directory.audiences import find_audience
from msgcenter.store.directory.report_orgs import ReportOrg
from msgcenter.store.mailboxes.receipts import ReceiptTotals

_NOBODY = ReceiptTotals(0, 0, 0)


class OrgCounts(NamedTuple):
    """The counts of a message in an organisation with all below it, each user once."""

    org: ReportOrg
    counts: ReceiptTotals


async def org_of_message(connection: Connection, message: Message, org_id: str) -> ReportOrg:
    """Return an organisation for a report of a message.

    Refuses with FIELDS_CONTRADICT unless the message is to organisations, or with ORGANISATION_UNKNOWN.
    """
    if not is_org_audience(message.topic_number):
        raise contradiction("msgId/orgId", "消息不是发给组织的", "the message is not to organisations")
    org = await report_orgs.find_org(connection, message.platform, org_id)
    if org is None:
        raise Refusal(Reason.ORGANISATION_UNKNOWN, org_ids=org_id, result={"invalidOrgId": [org_id]})
    return org


async def org_counts(
    database: Database, counts: ReceiptCounts, message: Message, org_id: str | None
) -> list[OrgCounts]:
    """Return the counts of a message in the organisations that it was addressed to (`org_id` None).

    Of an organisation: in those just below it when the message was sent, or in itself if there were none. They are in
    the order of their ids. Refuses with FIELDS_CONTRADICT unless the message is to organisations, or with
    ORGANISATION_UNKNOWN.
    """
    if not is_org_audience(message.topic_number):
        raise contradiction("msgId/groupBy", "消息不是发给组织的", "the message is not to organisations")
    async with database.connection() as connection:
        if org_id is None:
            numbers = list((await find_audience(connection, message.topic_number)).org_numbers)
        else:
            org = await org_of_message(connection, message, org_id)
            numbers = await report_orgs.children_at(connection, message, org.number) or [org.number]
        orgs = await report_orgs.find_orgs(connection, numbers)
    by_number = await counts.of_organisations(message, sorted(numbers))
    return [OrgCounts(org, by_number.get(org.number, _NOBODY)) for org in orgs]
