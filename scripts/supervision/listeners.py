"""The listening sockets that the supervisor holds, so that connections wait while a stage restarts."""

import socket

from .failure import UNAVAILABLE, Failure

BACKLOG = 4096


def _bound(address: str, shares_port: bool) -> socket.socket:
    """`address`: 127.0.0.1:8080 or [::1]:8080, as `tributary` has checked it."""
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, target = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares_port:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(target)
    except BaseException:
        opened.close()
        raise
    return opened


def open_listener(address: str, beside_ours: bool) -> socket.socket:
    """A listening socket with SO_REUSEPORT, so that a later supervisor can bind beside it.

    `beside_ours`: a stage taken over still listens on it. Otherwise the port must be free: the kernel would let
    two pipelines share it and give each half of the webhooks.
    """
    try:
        if not beside_ours:
            _bound(address, shares_port=False).close()
        listener = _bound(address, shares_port=True)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return listener
    except OSError as error:
        raise Failure(
            f"cannot listen on {address} ({error.strerror or error}); stop whoever uses it "
            f"(ss -ltnp shows who) or change 'listen' in the configuration.", UNAVAILABLE) from error


def open_private_listener() -> socket.socket:
    """A socket that nobody knows, for an ingress that is to empty its journal and accept nothing more."""
    return open_listener("127.0.0.1:0", beside_ours=False)


def name_of(listener: socket.socket) -> str:
    """The address as bound: where the configuration says port 0, the one that the kernel chose."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
