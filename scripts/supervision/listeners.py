"""The listening sockets that the supervisor holds, so that connections wait while a stage restarts."""

import socket

from .failure import CONFIGURATION, UNAVAILABLE, Failure

BACKLOG = 4096


def parse(address: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8080` or `[::1]:8080`."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise Failure(f'"{address}" is no address to listen on; write it like 127.0.0.1:8080 or [::1]:8080.',
                      CONFIGURATION)
    return host.strip("[]") or "0.0.0.0", int(port)


def _listening(host: str, port: int, shares_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG, reuse_port=shares_port,
                                dualstack_ipv6=family == socket.AF_INET6)


def open_listener(address: str, beside_ours: bool) -> socket.socket:
    """A listening socket with SO_REUSEPORT, so that a later supervisor can bind beside it.

    `beside_ours`: a stage taken over still listens on it. Otherwise the port must be free: the kernel would let
    two pipelines share it and give each half of the webhooks.
    """
    host, port = parse(address)
    try:
        if not beside_ours:
            _listening(host, port, shares_port=False).close()
        listener = _listening(host, port, shares_port=True)
        listener.setblocking(False)
        return listener
    except (OSError, ValueError) as error:  # the latter where there is no IPv6
        raise Failure(
            f"cannot listen on {address} ({getattr(error, 'strerror', None) or error}); stop whoever uses it "
            f"(ss -ltnp shows who) or change 'listen' in the configuration.", UNAVAILABLE) from error


def name_of(listener: socket.socket) -> str:
    """The address as bound: where the configuration says port 0, the one that the kernel chose."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
