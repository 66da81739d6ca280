"""The calls under `/msgCenter/user/`."""

from msgcenter.actions.mailboxes.user_tokens import UserTokens
from msgcenter.gateway.endpoint import Caller
from msgcenter.gateway.wire.answers import UserTokenAnswer
from msgcenter.gateway.wire.fields import text_of, value_or_none
from msgcenter.gateway.wire.requests import GetUserToken


async def get_user_token(user_tokens: UserTokens, caller: Caller, request: GetUserToken) -> UserTokenAnswer:
    """Issue a token with which a user's browser opens the inbox."""
    issued = await user_tokens.issue(
        caller.app,
        str(request.publisher_id),
        platform_code=text_of(request.platform_code),
        ttl=value_or_none(request.ttl),
    )
    return UserTokenAnswer(issued.token, str(issued.expires_at))
