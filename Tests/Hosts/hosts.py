"""Network namespaces as three hosts on one switch, and the stages of a pipeline spread over them. Nothing leaves
them."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, new_folder, until  # noqa: E402

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
ADDRESSES = {"edge": "10.77.0.1", "middle": "10.77.0.2", "back": "10.77.0.3"}
PLACES = {
    "edge": ["ingress-gateway-0"],
    "middle": ["verifier-0", "normaliser-0", "normaliser-1"],
    "back": ["fanout-router-0"],
}
ROLES = {"edge": ["ingress"], "middle": ["verifier", "normaliser"], "back": ["router"]}
SOCKETS = {
    "ingress-gateway-0": {"out": "10.77.0.1:7100", "control": "10.77.0.1:7101"},
    "verifier-0": {"out": "10.77.0.2:7100"},
    "normaliser-0": {"out": "10.77.0.2:7101"},
    "normaliser-1": {"out": "10.77.0.2:7102"},
    "fanout-router-0": {},
}
DOOR_PORT, SINK_PORT = 8080, 9000
KEY_ID, SECRET = "k3ytest123abc", "test_stream_api_secret_not_real"


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

    def unplug(self, host: str) -> None:
        self._within("switch", "link", "set", host, "down")

    def plug(self, host: str) -> None:
        self._within("switch", "link", "set", host, "up")

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


class Hosts:
    """A pipeline on the hosts of a network, each with a folder that holds the same file, and the keys of its own roles.
    Used with `with`."""

    def __init__(self, network: Network, binaries: Path):
        self.network, self._binaries, self.folder = network, binaries, new_folder("h")
        self.public_keys: dict[str, str] = {}
        self._running = ExitStack()

    def __enter__(self):
        try:
            for host, roles in ROLES.items():
                (self.folder / host).mkdir(mode=0o700)
                for role in roles:
                    made = subprocess.run(
                        [self._binaries / "tributary", "keys", "generate", self.key(role)], check=True,
                        capture_output=True, text=True)  # fmt: skip
                    self.public_keys[role] = made.stdout.strip()
            for host, instances in PLACES.items():
                self.file(host).write_text(json.dumps(self.configuration()))
                for instance in instances:
                    self._start(host, instance)
            for host, instances in PLACES.items():
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
        return self.folder / next(host for host, roles in ROLES.items() if role in roles) / f"{role}.key"

    def configuration(self) -> dict:
        return {
            "topology": {role: {"public_key": key, "secret_key": f"file:{role}.key"}
                         for role, key in self.public_keys.items()}
            | {"instances": [{"name": name} | sockets for name, sockets in SOCKETS.items()]},
            "ingress": {"listen": f"{HOST}:{DOOR_PORT}"},
            "router": {"egress_allow": [f"{HOST}/8"]},
            "sources": [{"name": "stream", "provider": "stream", "secrets": [{"id": KEY_ID, "value": "env:SECRET"}]}],
            "subscriptions": [{"name": "sink", "url": f"http://{HOST}:{SINK_PORT}/", "order": "key",
                               "signing": {"scheme": "none"}}],
        }

    def _start(self, host: str, instance: str) -> None:
        log = os.open(self.folder / host / f"{instance}.log", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        self._running.callback(os.close, log)
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.network.namespace(host), self._binaries / instance.rpartition("-")[0],
             "--config", self.file(host), "--instance", instance],
            env=os.environ | {"SECRET": SECRET}, stdout=log, stderr=log)  # fmt: skip
        self._running.callback(process.wait)
        self._running.callback(process.kill)

    def wait_for(self, host: str, instance: str) -> None:
        """Until it is ready: until it is linked to what it needs."""

        def is_ready() -> bool:
            with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
                connection.connect(str(self.folder / host / "run" / f"{instance}.admin"))
                connection.sendall(b"GET /readyz HTTP/1.0\r\nHost: a\r\n\r\n")
                return b" 200 " in connection.recv(4096)
            return False

        until(is_ready, f"{instance} on {host}; its log is {self.folder / host / instance}.log", 60.0)

    def log(self, host: str, instance: str) -> str:
        return (self.folder / host / f"{instance}.log").read_text()


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
