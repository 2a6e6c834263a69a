"""Network namespaces as three hosts on one switch, the stages of a pipeline spread over them, and webhooks that pass
them. Nothing leaves them."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, binaries, new_folder, until  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ADDRESSES = {"edge": "10.77.0.1", "middle": "10.77.0.2", "back": "10.77.0.3"}
ROLES = {"ingress-gateway": "ingress", "verifier": "verifier", "normaliser": "normaliser", "fanout-router": "router"}
DOOR_PORT, SINK_PORT = 8080, 9000
KEY_ID, SECRET = "k3ytest123abc", "test_stream_api_secret_not_real"


@dataclass(frozen=True)
class Layout:
    """What runs on which host, and where it listens."""

    places: dict[str, list[str]]
    sockets: dict[str, dict[str, str]]
    """The entries of the topology."""
    sources: dict[str, dict] = field(default_factory=lambda: {"stream": {}})
    """Of each its keys beside those of every source."""
    routers: int = 1

    def hosts_of(self, role: str) -> list[str]:
        return [host for host, instances in self.places.items() if role in map(role_of, instances)]


def role_of(instance: str) -> str:
    return ROLES[instance.rpartition("-")[0]]


class Network:
    """Three namespaces, each with an interface `eth0` on a switch in a fourth one. Used with `with`."""

    def __init__(self):
        self._name = f"tributary-{os.getpid()}"

    def __enter__(self):
        try:
            self._ip("netns", "add", self.namespace("switch"))
            self._within("switch", "link", "add", "bridge", "type", "bridge")
            self._within("switch", "link", "set", "bridge", "up")
            for host, address in ADDRESSES.items():
                self._ip("netns", "add", self.namespace(host))
                self._within("switch", "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns",
                             self.namespace(host))
                self._within("switch", "link", "set", host, "master", "bridge", "up")
                self._within(host, "address", "add", f"{address}/24", "dev", "eth0")
                self._within(host, "link", "set", "eth0", "up")
                self._within(host, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for host in ("switch", *ADDRESSES):
            with suppress(OSError, subprocess.CalledProcessError):
                self._ip("netns", "delete", self.namespace(host))

    def namespace(self, host: str) -> str:
        return f"{self._name}-{host}"

    @contextmanager
    def cut_off(self, host: str):
        self._within("switch", "link", "set", host, "down")
        try:
            yield
        finally:
            self._within("switch", "link", "set", host, "up")

    def enter(self, host: str, *command: str | Path) -> list[str | Path]:
        """A command as it is run on that host."""
        return ["ip", "netns", "exec", self.namespace(host), *command]

    def call(self, host: str, function: Callable, *arguments):
        """Calls a function in a thread that is on that host; sockets that it makes stay there."""

        def there():
            with open(f"/var/run/netns/{self.namespace(host)}") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return function(*arguments)

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(there).result()

    def _within(self, host: str, *arguments: str) -> None:
        self._ip("-n", self.namespace(host), *arguments)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


def network_for() -> Network:
    """The network until the end of a test module, which is skipped where there can be none."""
    if binaries() is None:
        raise unittest.SkipTest("nothing is built; 'swift build' makes the executables, or TRIBUTARY_BIN names them")
    try:
        return unittest.enterModuleContext(Network())
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"") or str(error).encode()
        raise unittest.SkipTest(f"network namespaces are not permitted here: {reason.decode().strip()}") from error


class Hosts:
    """A pipeline on the hosts of a network, each with a folder that holds the same file, and the keys of its own roles.
    Used with `with`."""

    def __init__(self, network: Network, layout: Layout):
        self.network, self.layout, self.folder = network, layout, new_folder("h")
        self.public_keys: dict[str, str] = {}
        self.processes: dict[str, subprocess.Popen] = {}
        self._running = ExitStack()

    def __enter__(self):
        try:
            for host in self.layout.places:
                (self.folder / host).mkdir(mode=0o700)
            for role in ROLES.values():
                made = subprocess.run(
                    [binaries() / "tributary", "keys", "generate", self.key(role)], check=True, capture_output=True,
                    text=True)  # fmt: skip
                self.public_keys[role] = made.stdout.strip()
                for host in self.layout.hosts_of(role)[1:]:
                    shutil.copy(self.key(role), self.folder / host)
            for host, instances in self.layout.places.items():
                self.file(host).write_text(json.dumps(self.configuration()))
                for instance in instances:
                    self.start(host, instance)
            for host, instances in self.layout.places.items():
                for instance in instances:
                    self.wait_for(host, instance)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._running.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, host: str) -> Path:
        return self.folder / host / "tributary.yaml"

    def key(self, role: str) -> Path:
        """The file of its secret key."""
        return self.folder / self.layout.hosts_of(role)[0] / f"{role}.key"

    def configuration(self) -> dict:
        return {
            "topology": {role: {"public_key": key, "secret_key": f"file:{role}.key"}
                         for role, key in self.public_keys.items()}
            | {"instances": [{"name": name} | sockets for name, sockets in self.layout.sockets.items()]},
            "ingress": {"listen": f"{HOST}:{DOOR_PORT}"},
            "router": {"egress_allow": [f"{HOST}/8"], "instances": self.layout.routers},
            "sources": [{"name": name, "provider": "stream", "secrets": [{"id": KEY_ID, "value": "env:SECRET"}]} | more
                        for name, more in self.layout.sources.items()],
            "subscriptions": [{"name": "sink", "url": f"http://{HOST}:{SINK_PORT}/", "order": "key",
                               "signing": {"scheme": "none"}}],
        }

    def start(self, host: str, instance: str) -> None:
        log = os.open(self.folder / host / f"{instance}.log", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._running.callback(os.close, log)
        process = subprocess.Popen(
            self.network.enter(host, binaries() / instance.rpartition("-")[0], "--config", self.file(host),
                               "--instance", instance),
            env=os.environ | {"SECRET": SECRET}, stdout=log, stderr=log)  # fmt: skip
        self._running.callback(process.wait)
        self._running.callback(process.kill)
        self.processes[instance] = process

    def end(self, instance: str, signal: int) -> None:
        self.processes[instance].send_signal(signal)
        self.processes[instance].wait()

    def wait_for(self, host: str, instance: str) -> None:
        """Until it is ready: until it is linked to what it needs."""

        def is_ready() -> bool:
            with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
                connection.connect(str(self.folder / host / "run" / f"{instance}.admin"))
                connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: a\r\n\r\n")
                return b" 200 " in connection.recv(4096)
            return False

        until(is_ready, f"{instance} on {host}; its log is {self.folder / host / instance}.log", 60.0)

    def tributary(self, host: str, *arguments: str, on: str = "") -> subprocess.CompletedProcess:
        """A command with the file of a host, `on` this or another one."""
        return subprocess.run(
            self.network.enter(on or host, binaries() / "tributary", *arguments, "--config", self.file(host)),
            capture_output=True, text=True, timeout=PATIENCE_SECONDS)  # fmt: skip


class Capture:
    """All frames that pass the interface of a host, until its end. Used with `with`."""

    def __init__(self, network: Network, host: str):
        self._socket = network.call(host, socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self._socket.bind(("eth0", 0))
        self._socket.settimeout(0.1)
        self.frames: list[bytes] = []
        self._is_over = False
        self._thread = threading.Thread(target=self._record)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._is_over = True
        self._thread.join()
        self._socket.close()

    def _record(self) -> None:
        while not self._is_over:
            with suppress(TimeoutError):
                self.frames.append(self._socket.recv(1 << 17))

    def sees(self, words: bytes) -> bool:
        return any(words in frame for frame in self.frames)

    def stream_from(self, port: int) -> bytes:
        """What was sent over TCP from that port, in the order of its sequence numbers."""
        parts: dict[int, bytes] = {}
        for frame in self.frames:
            if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
                continue
            packet = frame[14:14 + int.from_bytes(frame[16:18])]
            segment = packet[(packet[0] & 15) * 4:]
            if int.from_bytes(segment[0:2]) == port:
                parts[int.from_bytes(segment[4:8])] = segment[(segment[12] >> 4) * 4:]
        return b"".join(parts[number] for number in sorted(parts))
