"""The call under `/eduopen/message/`."""

from msgcenter.actions.messages.sending import Sending
from msgcenter.domain.audience import Audience, Organisations, Receivers
from msgcenter.domain.message import SEND_APP_MSG
from msgcenter.domain.refusal import Reason, Refusal
from msgcenter.gateway.calls.messages import idempotency_key
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.answers import Sent
from msgcenter.gateway.wire.app_message import SendAppMsg, app_body_of, expiry_of, in_family_words
from msgcenter.gateway.wire.fields import text_of, value_or_none

_ROLE = "@"


async def send_app_msg(sending: Sending, caller: Caller, request: SendAppMsg) -> Sent:
    """Send a message to one user, or to everyone with a role in an organisation."""
    try:
        message_id = await sending.send(
            caller.app,
            app_body_of(request),
            _audience(request),
            platform_code=text_of(request.platform_code),
            request_id=idempotency_key(request.request_id, caller),
            expires_at=expiry_of(request.deadline, sending.zone),
            sender_name=value_or_none(request.publisher_name),
            call=SEND_APP_MSG,
        )
    except Refusal as refusal:
        raise in_family_words(refusal) from None
    return Sent(str(message_id))


def _audience(request: SendAppMsg) -> Audience:
    """Return whom `sendeeId` names: a user, or a role in the organisation and in those below it."""
    sendee, org_id = str(request.sendee_id), text_of(request.sendee_org_id)
    if not sendee.startswith(_ROLE):
        return Receivers.of([sendee])
    if org_id is None:
        raise Refusal(Reason.FIELD_MISSING, field="sendeeOrgId")
    return Organisations.of([org_id], [sendee.removeprefix(_ROLE)])
