"""The supervisor's control socket: what is asked there, by whom, and with which environment."""

import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from commandline import NO_PERMISSION, USAGE, Failure  # noqa: E402
from pipeline import PATIENCE_SECONDS, SUPERVISOR, until  # noqa: E402
from supervision import commands, service  # noqa: E402
from test_supervisor import SupervisorCase  # noqa: E402

SECRET = "sesame-open"


class Requests(unittest.IsolatedAsyncioTestCase):
    async def test_a_command_is_taken_whole_or_refused_without_showing_a_value(self):
        scale = {"command": "scale", "stage": "normaliser", "count": 3}
        supervisor = mock.Mock(scale=mock.AsyncMock())
        served = service.Service(supervisor)

        async def answer(line: bytes):
            return await served.obey(service.parse_request(line), print)

        self.assertEqual(service.parse_request(json.dumps(scale).encode()), scale | {"environment": {}})
        await answer(json.dumps(scale).encode())
        supervisor.scale.assert_awaited_once()
        for wrong in (b"", b"\n", b"\xff\xfe", b"[" * 50_000, b'{"a":' * 50_000, b"9" * 5000, b"[]", b"null", b"{}",
                      b'{"command": ["status"]}', b'{"command": "stop"}', b'{"command": "scale", "stage": "verifier"}',
                      *(json.dumps(scale | {"count": count}).encode() for count in (True, 1.5, "2", None, 1e400)),
                      b'{"command": "restart", "name": 5, "binary": null}',
                      b'{"command": "restart", "name": "router", "binary": 5}'):
            with self.assertRaises(Failure) as raised:
                await answer(wrong)
            self.assertEqual(raised.exception.exit_code, USAGE)
        supervisor.scale.assert_awaited_once()
        for environment in ([SECRET], {"A": 5}, {"A": SECRET + "\0"}, {"A=B": SECRET}, {"": SECRET}, {"A": "\ud800"}):
            with self.assertRaises(Failure) as raised:
                service.parse_request(json.dumps({"command": "reload", "environment": environment}).encode())
            self.assertNotIn(SECRET, raised.exception.sentence)


class Answering(unittest.IsolatedAsyncioTestCase):
    """The server alone, before something that fails in one command."""

    async def asyncSetUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / service.SOCKET_NAME
        run = mock.AsyncMock(side_effect=[{"instances": []}, ZeroDivisionError("a fault"), {"instances": []}])
        served = service.Service(mock.Mock())
        self.enterContext(mock.patch.object(served, "obey", run))
        self.server = await served.serve(service.bind(Path(folder.name)))
        self.addCleanup(self.server.close)

    async def ask(self, request: bytes) -> dict:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(self.path))
            try:
                writer.write(request)
                self.assertEqual(json.loads(await reader.readline()), {"said": ""})
                return json.loads(await reader.readline())
            finally:
                writer.transport.abort()

    async def test_every_request_is_answered_and_a_fault_ends_nothing(self):
        self.assertIn("JSON object", (await self.ask(b"[" * 50_000 + b"\n"))["failure"])
        self.assertIn("bytes at most", (await self.ask(b"x" * (2 * service.LONGEST_LINE_BYTES)))["failure"])
        self.assertEqual(await self.ask(b'{"command": "status"}\n'), {"result": {"instances": []}})
        with mock.patch("traceback.print_exc"):
            self.assertIn("supervisor.log", (await self.ask(b'{"command": "status"}\n'))["failure"])
        self.assertIn("result", await self.ask(b'{"command": "status"}\n'))

    async def test_what_says_nothing_is_told_so_and_there_are_only_so_many_of_it(self):
        with mock.patch.object(service, "REQUEST_SECONDS", 0.01):
            self.assertIn("bytes at most, within 0.01 s", (await self.ask(b"{"))["failure"])
        silent = [await asyncio.open_unix_connection(str(self.path)) for _ in range(service.MOST_CONNECTIONS)]
        self.assertIn("wait for an answer already", (await self.ask(b'{"command": "status"}\n'))["failure"])
        for _, writer in silent:
            writer.transport.abort()


class Commands(unittest.TestCase):
    def test_what_we_may_not_use_is_no_permission(self):
        refused = PermissionError(errno.EACCES, "Permission denied")
        with mock.patch.object(commands, "Command", side_effect=refused), mock.patch("sys.stderr"), \
                mock.patch("sys.argv", ["supervisor", "down"]):
            self.assertEqual(commands.main(), NO_PERMISSION)


    def test_a_wrong_command_line_is_wrong_usage(self):
        for arguments in ([], ["start"], ["up", "--nope"], ["down", "now"], ["up", "--build", "fast"]):
            ended = subprocess.run([SUPERVISOR, *arguments], text=True, capture_output=True, timeout=PATIENCE_SECONDS)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr.count("\n")), (USAGE, "", 1), arguments)


class SomebodyElse(unittest.TestCase):
    BUILT = Path(__file__).resolve().parents[2] / ".build" / "debug" / "tributary"

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    @unittest.skipUnless(BUILT.exists(), "there is no build; swift build makes one")
    def test_a_run_directory_of_somebody_else_is_denied_and_not_taken_for_nothing_running(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            (folder / "run").mkdir(mode=0o700)
            (folder / "tributary.yaml").write_text("run_dir: run\n")
            tributary = shutil.copy(self.BUILT, folder)
            for command in (["status"], ["top", "--once"], ["metrics"], ["logs"], ["config", "--running"], ["stats"],
                            ["scale", "normaliser", "2"], ["reload"], ["down"]):
                ended = subprocess.run(
                    [tributary, *command, "--config", folder / "tributary.yaml"], user=65534, group=65534,
                    extra_groups=[], env={"PATH": os.environ["PATH"]}, text=True, capture_output=True, timeout=60)
                self.assertEqual(ended.returncode, NO_PERMISSION, command)
                self.assertIn("permission denied: user 65534 may not use", ended.stderr)
                self.assertRegex(ended.stderr, rf"run this as user \S+, to whom {folder}/run belongs")


class Environment(SupervisorCase):
    def test_up_beside_a_running_supervisor_goes_on_with_what_has_been_exported_since(self):
        pipeline = self.pipeline
        del pipeline.environment["STREAM_SECRET"]
        pipeline.steer("verifier-0", "needs", "STREAM_SECRET")
        ended = pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 78)
        self.assertIn(f"STREAM_SECRET not set; {pipeline.file} names it for verifier. Export it and run "
                      "'scripts/supervisor up -d' again.", ended.stderr)
        before = dict(pipeline.living())
        pipeline.environment |= {"STREAM_SECRET": SECRET, "UNRELATED": SECRET, "MY_APP_SECRET": "s2"}
        said = pipeline.good("up", "-d")
        self.assertIn("verifier-0 starts again with the STREAM_SECRET of this environment.\n", said)
        self.assertIn("5 instances ready", said)
        after = dict(pipeline.living())
        self.assertEqual({name for name in after if before.get(name) != after[name]}, {"verifier-0"})
        seen = {line["instance"]: line["environment"] for line in pipeline.diary("start")}
        self.assertEqual(seen["verifier-0"]["STREAM_SECRET"], SECRET)
        self.assertNotIn("UNRELATED", seen["verifier-0"])
        pipeline.kill("verifier-0")
        until(lambda: pipeline.rows()["verifier-0"]["state"] == "ready", "the supervisor itself knows it now")
        self.assertNotIn("starts again", pipeline.good("up", "-d"), "nothing is new")
        files = [path for path in (pipeline.folder / "run").rglob("*") if path.is_file()]
        self.assertEqual([path for path in files if SECRET in path.read_text(errors="replace")], [])


if __name__ == "__main__":
    unittest.main()
