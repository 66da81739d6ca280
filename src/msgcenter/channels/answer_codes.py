"""What the documented codes of a gateway's answers mean."""

from typing import NamedTuple

from msgcenter.channels.face import Outcome
from msgcenter.channels.http_gateway import DOWN_MS, reason, wrong


class AnswerCodes(NamedTuple):
    """The codes of a gateway by what they mean; a message with any other code fails.

    - `token`: the access token has ended.
    - `busy`: the gateway is overloaded or asks for a pause.
    - `later`: this message can be sent later, for example because its receiver has had too many.
    - `address`: nobody can be reached at this address.
    - `setup`: an operator has to put something right; until then, no message is sent.
    """

    token: frozenset[object] = frozenset()
    busy: frozenset[object] = frozenset()
    later: frozenset[object] = frozenset()
    address: frozenset[object] = frozenset()
    setup: frozenset[object] = frozenset()

    def outcome(self, code: object, text: str) -> Outcome:
        """Return the outcome of a message that was refused with a code, except one of `token`."""
        because = reason(f"{code} {text}")
        if code in self.busy:
            return Outcome("later", because, pause_ms=DOWN_MS)
        if code in self.later:
            return Outcome("later", because)
        if code in self.setup:
            return wrong(because)
        return Outcome("never", because, is_bad_address=code in self.address)
