"""The signature of calls to Alibaba Cloud (ACS3-HMAC-SHA256, "V3 request structure and signature")."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote

_ALGORITHM = "ACS3-HMAC-SHA256"


def canonical_query(parameters: Mapping[str, str]) -> str:
    """Return the query of a URL as it is signed and sent: sorted, and encoded by RFC 3986."""
    return "&".join(f"{_encoded(name)}={_encoded(parameters[name])}" for name in sorted(parameters))


def authorization(key_id: str, secret: str, *, query: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the header Authorization of a POST to the path "/" with a canonical query.

    `headers` are those to sign, with lower-case names: `host` and all that start with `x-acs-`.
    """
    names = sorted(headers)
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    signed_names = ";".join(names)
    canonical = "\n".join(("POST", "/", query, canonical_headers, signed_names, sha256(body).hexdigest()))
    to_sign = f"{_ALGORITHM}\n{sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), to_sign.encode(), "sha256").hexdigest()
    return f"{_ALGORITHM} Credential={key_id},SignedHeaders={signed_names},Signature={signature}"


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
