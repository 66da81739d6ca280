"""A valid request for every call of the app API, built from the table of calls so that new calls are included."""

import msgspec
from msgspec import Struct

from msgcenter.domain.api_reference import spoken
from msgcenter.gateway.api_calls import ENDPOINTS
from msgcenter.gateway.endpoint import AnyEndpoint
from msgcenter.gateway.reference.call_texts import TEXTS
from tests.gateway.calls import HEAD, LINK, PLACES, Json

_OPTIONAL: Json = {
    **{"platformCode": "420100", "isRead": 0, "cursor": "1", "pageSize": 1, "startTime": 0, "endTime": 1, "ttl": 60},
    **{"approval": False, "link": LINK, "oa": {**HEAD, "body": {"form": [{}]}}, **PLACES, "resetRead": True},
    **{"state": "failed", "paused": False, "groupBy": "org", "orgId": "school-7"},
}
"""Values for optional fields that the reference's samples leave out."""


def fields_of(struct: type[Struct]) -> list[str]:
    """Return the names of a struct's fields on the wire."""
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _sample_of(endpoint: AnyEndpoint) -> Json:
    sample: Json = spoken(TEXTS[endpoint.name].samples[0].request, "en")
    # A host that does not exist: a test must not register a webhook on a real host.
    return {**sample, "url": "https://hook.invalid/x"} if "url" in sample else sample


SAMPLES: dict[str, Json] = {endpoint.path: _sample_of(endpoint) for endpoint in ENDPOINTS}
"""Return the requests of the reference by path."""
FULL_SAMPLES: dict[str, Json] = {
    endpoint.path: {
        **{name: value for name, value in _OPTIONAL.items() if name in fields_of(endpoint.request)},
        **SAMPLES[endpoint.path],
    }
    for endpoint in ENDPOINTS
}
"""Return requests by path, with most of their optional fields."""
FIELDS: dict[str, list[str]] = {endpoint.path: fields_of(endpoint.request) for endpoint in ENDPOINTS}
"""The fields of each call, by path."""
