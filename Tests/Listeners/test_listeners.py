"""Listeners of real stages under more connections than they have descriptors or patience for."""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from launcher import HOST, PATIENCE_SECONDS, binaries, free_port, until  # noqa: E402
from supervision.process import stat_fields  # noqa: E402

EXECUTABLES = ("ingress-gateway", "fanout-router")
OTHER_HOST = "127.0.0.2"
WEBHOOK = b"POST /in/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
OPENAPI = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


def is_closed(client: socket.socket) -> bool:
    """Whether the other side has closed the connection of a client that was sent nothing."""
    client.setblocking(False)
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


class Stage:
    """One stage by itself in a temporary folder."""

    def __init__(self, name: str, most_files: int | None = None):
        self.name, self.port = name, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="listeners-", dir="/tmp"))
        file = self.folder / "tributary.yaml"
        ports = {each: self.port if each == name else free_port() for each in EXECUTABLES}
        file.write_text(f"""
run_dir: {self.folder}/run
data_dir: {self.folder}/data
ingress: {{ listen: "{HOST}:{ports["ingress-gateway"]}", header_deadline: 10m }}
router: {{ listen: "{HOST}:{ports["fanout-router"]}", api_tokens: ["env:API_TOKEN"] }}
sources:
  - {{ name: stream, provider: stream, secrets: [{{ id: k3ytest123abc, value: "env:STREAM_SECRET" }}] }}
""")
        self.log = self.folder / "log"

        def limit():
            if most_files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [binaries() / name, "--config", file], stdout=log, stderr=log, preexec_fn=limit,
                env=os.environ | {"API_TOKEN": "a" * 32, "STREAM_SECRET": "s" * 32})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def health(self) -> bool:
        """Whether the admin socket says that all is well."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(PATIENCE_SECONDS)
            try:
                admin.connect(str(self.folder / "run" / f"{self.name}-0.admin"))
                admin.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return admin.recv(1000).startswith(b"HTTP/1.1 200 ")
            except (FileNotFoundError, ConnectionError):
                return False

    def connect(self, source: str = HOST) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=PATIENCE_SECONDS, source_address=(source, 0))

    def ask(self, request: bytes, source: str = HOST) -> int:
        """The status of the answer; 0 where there is none."""
        try:
            with self.connect(source) as client:
                client.sendall(request)
                answer = client.recv(1000)
                return int(answer[9:12]) if answer else 0
        except ConnectionError:
            return 0

    def processor_seconds(self) -> float:
        fields = stat_fields(self.process.pid)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, seconds: float = 2) -> float:
        """The part of one processor that it uses."""
        began, used = time.monotonic(), self.processor_seconds()
        time.sleep(seconds)
        return (self.processor_seconds() - used) / (time.monotonic() - began)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@unittest.skipUnless(binaries(), "no build of the stages")
class Listeners(unittest.TestCase):
    def started(self, name: str, most_files: int | None = None) -> Stage:
        stage = self.enterContext(Stage(name, most_files))
        until(stage.health, f"{name} to be up")
        until(lambda: stage.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), f"{name} to listen")
        return stage

    def idle(self, stage: Stage, count: int) -> list[socket.socket]:
        """Connections that say nothing."""
        return [self.enterContext(stage.connect()) for _ in range(count)]

    def test_a_client_with_5000_idle_connections_costs_the_others_nothing(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 6000:
            self.skipTest(f"{hard} open files are too few for 5 000 clients")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 6000), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        stage = self.started("ingress-gateway")
        self.idle(stage, 5000)
        self.assertEqual(stage.ask(WEBHOOK, OTHER_HOST), 202)
        self.assertIn(stage.ask(WEBHOOK), (0, 503))
        self.assertTrue(stage.health())
        self.assertLess(stage.load(), 0.05)

    def test_without_descriptors_a_listener_neither_spins_nor_hides_it(self):
        for name, request, good in (("ingress-gateway", WEBHOOK, 202), ("fanout-router", OPENAPI, 200)):
            with self.subTest(name):
                stage = self.started(name)
                most = stage.open_files() + 20
                resource.prlimit(stage.process.pid, resource.RLIMIT_NOFILE, (most, most))
                clients = self.idle(stage, 100)
                until(lambda stage=stage: "cannot accept connections" in stage.log.read_text(), "the log to say so")
                until(lambda clients=clients: sum(map(is_closed, clients)) > 50, "those without room to be closed")
                self.assertLess(stage.load(), 0.2)
                self.assertTrue(stage.health())
                self.assertLessEqual(stage.log.read_text().count("cannot accept connections"), 2)
                for client in clients:
                    client.close()
                until(lambda stage=stage, request=request, good=good: stage.ask(request) == good, "service again")

    def test_the_limit_of_open_files_bounds_the_connections_and_keeps_room_for_the_rest(self):
        stage = self.started("ingress-gateway", most_files=200)
        notice = "ingress.max_connections is 4096, but this process may have 200 files open"
        self.assertIn(notice, stage.log.read_text())
        self.idle(stage, 100)
        self.assertIn(stage.ask(WEBHOOK, OTHER_HOST), (0, 503))
        self.assertTrue(stage.health())
        self.assertNotIn("cannot accept connections", stage.log.read_text())

    def test_a_limit_that_nothing_works_with_is_said_at_once(self):
        stage = self.enterContext(Stage("ingress-gateway", most_files=50))
        self.assertEqual(stage.process.wait(timeout=PATIENCE_SECONDS), 78)
        self.assertIn("ulimit -Hn", stage.log.read_text())


if __name__ == "__main__":
    unittest.main()
