"""Standard Webhooks, the receiver's side: https://github.com/standard-webhooks/standard-webhooks (spec/)."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

TOLERANCE_SECONDS = 300


class SignatureWrong(Exception):
    """Why a delivery is not to be trusted, in words."""


def key_of(secret: str) -> bytes:
    """The key in `whsec_…` (base64)."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise SignatureWrong("the secret is not base64 after whsec_") from error


def verify(headers: Mapping[str, str], body: bytes, secrets: list[str], now: float | None = None) -> None:
    """Returns when one of the signatures was made with one of the secrets, lately; raises otherwise."""
    name, stamp, offered = (headers.get(f"webhook-{part}") or "" for part in ("id", "timestamp", "signature"))
    if not (name and stamp.isdecimal() and offered):
        raise SignatureWrong("webhook-id, webhook-timestamp or webhook-signature is missing")
    if abs((time.time() if now is None else now) - int(stamp)) > TOLERANCE_SECONDS:
        raise SignatureWrong(f"webhook-timestamp is more than {TOLERANCE_SECONDS} s off")
    signed = f"{name}.{stamp}.".encode() + body
    for secret in secrets:
        expected = "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()
        if any(hmac.compare_digest(expected.encode(), each.encode()) for each in offered.split()):
            return
    raise SignatureWrong("no signature matches")
