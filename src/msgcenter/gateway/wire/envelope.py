"""The envelope of every answer: retCode, retDesc, and then the call's own keys."""

from msgspec import Struct
from msgspec.json import encode

from msgcenter.domain.language import Language, Phrase
from msgcenter.domain.refusal import SUCCESS, SUCCESS_CODE, Reason, Refusal
from msgcenter.gateway.wire.dialect import USUAL, Dialect, Spoken, in_lower_case

_LANGUAGES: tuple[Language, Language] = ("zh", "en")
_OUTAGES = {Reason.DATABASE_UNAVAILABLE, Reason.SHUTTING_DOWN, Reason.TOO_MANY_CONNECTIONS}
_PLAIN_SUCCESS = {
    language: encode({"retCode": SUCCESS_CODE, "retDesc": SUCCESS.in_language(language)}) for language in _LANGUAGES
}


def success(language: Language, result: Struct | None = None, text: Phrase = SUCCESS) -> bytes:
    """Return the envelope of a success with the result's keys after its own two."""
    if text is SUCCESS:
        head = _PLAIN_SUCCESS[language]
    else:
        head = encode({"retCode": SUCCESS_CODE, "retDesc": text.in_language(language)})
    return head if result is None else head[:-1] + b"," + encode(result)[1:]


def failure(language: Language, refusal: Refusal, spoken: Spoken = USUAL) -> bytes:
    """Return the envelope of a refusal in the client's dialect."""
    code, text = refusal.reason.ret_code, refusal.describe(language)
    if spoken.lower_case_names:
        text = in_lower_case(text)
    if spoken.dialect is Dialect.LOWER_CASE:
        return encode({"retCode": code, "retDesc": text, "result": code, "desc": text})
    return encode({"retCode": code, "retDesc": text, **refusal.result})


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal: 200, as clients expect, or 503 if the server itself cannot work."""
    return 503 if refusal.reason in _OUTAGES else 200
