"""The signature of calls to Tencent Cloud (TC3-HMAC-SHA256, "signature method v3")."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

_ALGORITHM = "TC3-HMAC-SHA256"


def authorization(
    key_id: str, secret: str, *, service: str, timestamp: int, headers: Mapping[str, str], body: bytes
) -> str:
    """Return the header Authorization of a POST to the path "/" at a time in seconds.

    `headers` are those to sign, with lower-case names and values: `content-type`, `host` and perhaps more.
    """
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    names = sorted(headers)
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    signed_names = ";".join(names)
    canonical = "\n".join(("POST", "/", "", canonical_headers, signed_names, sha256(body).hexdigest()))
    scope = f"{date}/{service}/tc3_request"
    to_sign = "\n".join((_ALGORITHM, str(timestamp), scope, sha256(canonical.encode()).hexdigest()))
    key = f"TC3{secret}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    return f"{_ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={signed_names}, Signature={signature}"
