"""The listening sockets that the supervisor holds, so that connections wait while a stage restarts."""

import socket

from commandline import UNAVAILABLE, Failure

BACKLOG = 4096


def open_listener(address: str = "127.0.0.1:0", beside_ours: bool = False) -> socket.socket:
    """A listening socket with SO_REUSEPORT, so that a later supervisor can bind beside it; where no address is given,
    one that nobody knows.

    `address`: 127.0.0.1:8080 or [::1]:8080, as `tributary` has checked it. `beside_ours`: a stage taken over still
    listens on it. Otherwise the port must be free: the kernel would let two pipelines share it and give each half of
    the webhooks.
    """
    host, _, port = address.rpartition(":")
    try:
        family, *_, target = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        if not beside_ours:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(target)
        listener = socket.create_server(target, family=family, backlog=BACKLOG, reuse_port=True,
                                        dualstack_ipv6=family == socket.AF_INET6)
    except (OSError, ValueError) as error:
        raise Failure(
            f"cannot listen on {address} ({getattr(error, 'strerror', None) or error}); stop whoever uses it "
            f"(ss -ltnp shows who) or change 'listen' in the configuration.", UNAVAILABLE) from error
    listener.setblocking(False)
    return listener


def name_of(listener: socket.socket) -> str:
    """The address as bound: where the configuration says port 0, the one that the kernel chose."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
