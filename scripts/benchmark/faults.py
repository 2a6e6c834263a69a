"""A subscriber that fails in a way of one's choice, and a healthy one on the same port."""

import contextlib
import socket
import struct
import threading
from pathlib import Path

from .proxies import HOST, Nginx

LINGER_OFF = struct.pack("ii", 1, 0)
"""Closing then resets the connection instead of ending it."""
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Faulty:
    """Listens and misbehaves, from entering the context to leaving it: `hang`, `error` or `reset`."""

    def __init__(self, port: int, fault: str):
        self._fault = fault
        self._listener = socket.create_server((HOST, port), backlog=512)
        self._open: list[socket.socket] = []

    def __enter__(self) -> "Faulty":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            self._reset(connection)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._fault == "reset":
                    self._reset(connection)
                    continue
                self._open.append(connection)
                if self._fault == "error":
                    threading.Thread(target=self._answer, args=[connection], daemon=True).start()

    @staticmethod
    def _reset(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
            connection.close()

    @staticmethod
    def _answer(connection: socket.socket) -> None:
        """500 to whatever comes; one answer for every request that was read whole or in part."""
        with contextlib.suppress(OSError):
            while connection.recv(262_144):
                connection.sendall(ERROR)


class Patient:
    """A subscriber on one port: healthy (nginx) unless it is told to fail."""

    def __init__(self, name: str, port: int, folder: Path):
        self.port = port
        (folder / name).mkdir()
        self._make = lambda: Nginx("sink", port, folder / name, {"SINK_PORT": port})
        self._healthy: Nginx | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def heal(self) -> None:
        self._healthy = self._make()
        self._healthy.start()

    @contextlib.contextmanager
    def failing(self, fault: str):
        """`hang`, `error`, `reset`, or `refuse`; it is not healed afterwards."""
        self.stop()
        if fault == "refuse":
            yield
            return
        with Faulty(self.port, fault):
            yield

    def stop(self) -> None:
        if self._healthy is not None:
            self._healthy.stop()
            self._healthy = None
