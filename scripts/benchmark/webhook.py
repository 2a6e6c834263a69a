"""The webhook that the load consists of: one of Stream's, about 0.9 kB, signed as Stream signs."""

import hashlib
import hmac
import json

API_KEY = "k3ytest123abc"
PATH = "/in/stream"

_USER = {
    "id": "john", "name": "John Doe", "image": "https://getstream.io/random_svg/?id=john", "custom": {},
    "language": "en", "role": "user", "teams": ["town-hall", "moderators"],
    "created_at": "2026-10-05T14:49:14.142187951Z", "updated_at": "2026-10-05T14:49:12.471772Z", "banned": False,
    "online": True, "blocked_user_ids": [], "shadow_banned": False, "invisible": False,
    "devices": [{"id": "device-5f1b3a52-9f7f-4a63-8b1c-19a2b6f4f111", "push_provider": "firebase",
                 "push_provider_name": "firebase-production", "user_id": "john", "disabled": False,
                 "created_at": "2026-10-05T14:48:02.110Z"}],
}
_SESSION = "aff08503-92ae-4f8c-a4d0-7da90a85b3cc"
DIFFERENT_BYTES = len(_SESSION)
BODY = json.dumps({
    "type": "call.session_participant_joined", "created_at": "2026-10-05T14:49:14.142195051Z",
    "call_cid": "livestream:town-hall-42", "session_id": "0c8c7bec-ecee-4ab6-90e1-1a5989a3e7e4",
    "participant": {"user": _USER, "user_session_id": _SESSION, "role": "user",
                    "joined_at": "2026-10-05T14:49:14.142179098Z"},
}, separators=(",", ":")).encode()


BODY_PARTS = tuple(BODY.split(_SESSION.encode()))
"""What is around the 36 characters in which the webhooks of a load differ."""

CALL_PARTS = tuple(json.dumps({
    "type": "custom.event", "call_cid": "livestream:town-hall-42", "created_at": "2026-10-05T14:49:14.142195051Z",
    "custom": {"number": _SESSION}, "user": _USER}, separators=(",", ":")).encode().split(_SESSION.encode()))
"""The same of an event whose subject is the call itself."""


def body(number: str) -> bytes:
    """A webhook of its own; what Stream signed once counts once, whatever the id in the head says."""
    return number[-36:].rjust(36, "0").encode().join(BODY_PARTS)


def fields(secret: str, host: str, content: bytes) -> dict[str, str]:
    """The header fields of a request, except for the webhook's id: X-SIGNATURE covers the body alone."""
    return _fields(host) | {"X-SIGNATURE": hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}


def _fields(host: str, length: int = len(BODY)) -> dict[str, str]:
    return {
        "Host": host, "Content-Type": "application/json", "Content-Length": str(length),
        "User-Agent": "GetStream-Webhook/1.0", "X-API-KEY": API_KEY, "X-WEBHOOK-ATTEMPT": "1",
    }


def head(host: str, length: int) -> bytes:
    """The request's head as it is sent, up to where the fields with id and signature and the empty line follow."""
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in _fields(host, length).items())]
    return "".join(f"{line}\r\n" for line in lines).encode()
