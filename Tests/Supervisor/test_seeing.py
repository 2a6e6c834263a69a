"""What operators see: status, top, logs, metrics, help."""

import ast
import errno
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from helptext import wrapped  # noqa: E402
from pipeline import PATIENCE_SECONDS, SUPERVISOR, until  # noqa: E402
from supervision import logfiles  # noqa: E402
from supervision.service import log_line  # noqa: E402
from test_supervisor import SupervisorCase  # noqa: E402

ESCAPE = "\x1b"


class Logs(unittest.TestCase):
    def test_log_lines_of_the_supervisor_have_the_form_of_the_stages(self):
        at = datetime(2026, 3, 1, 12, 0, 0, 5, UTC)
        self.assertEqual(log_line('warning: a "b"', at), "time=2026-03-01T12:00:00.000005Z level=warning "
                         'stage=supervisor instance=supervisor text="a \\"b\\""')
        self.assertIn('level=notice stage=supervisor instance=supervisor text="x: y"', log_line("x: y", at))

        self.assertEqual(logfiles.sentence(log_line('error: a "b"', at)), 'a "b"')
        self.assertEqual(logfiles.sentence('time=x level=error text="a b" code=7'), "a b")
        self.assertEqual(logfiles.sentence("time=x level=notice stage=verifier text=stopped"), "stopped")
        for plain in ("verifier-0: plain", 'time=x text="cut', '"quoted'):
            self.assertEqual(logfiles.sentence(plain), plain)

    def test_no_waiting_depends_on_the_wall_clock(self):
        """The calls that read it, in every module: they stamp what is shown, and nothing else."""
        found = set()
        for path in sorted((SUPERVISOR.parent / "supervision").glob("*.py")):
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    calls = {ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)}
                    found |= {f"{path.stem}.{function.name}: {call}" for call in calls
                              if re.fullmatch(r"(time\.(time|time_ns|localtime|gmtime|strftime|ctime)|"
                                              r"(datetime\.)*(now|utcnow|today))", call)}
        self.assertEqual(found, {"service.say: datetime.now"})


class Rotation(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("a.log", "b.log"):
            (self.folder / name).write_bytes(b"0123456789")
        limit = mock.patch.object(logfiles, "LARGEST_LOG_BYTES", 5)
        limit.start()
        self.addCleanup(limit.stop)

    def sizes(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self.folder.iterdir()}

    def test_a_full_disk_holds_up_neither_the_other_logs_nor_the_next_rotation(self):
        said, copy = [], shutil.copyfile

        def full_for_a(source, target):
            copy(source, target)
            if source.name == "a.log":
                raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch("shutil.copyfile", full_for_a):
            logfiles.rotate(self.folder, said.append)
        self.assertEqual(self.sizes(), {"a.log": 10, "b.log": 0, "b.log.1": 10})
        self.assertEqual(len(said), 1)
        self.assertIn("a.log is over 0 MiB and could not be rotated (No space left on device)", said[0])
        logfiles.rotate(self.folder, said.append)
        self.assertEqual(self.sizes(), {"a.log": 0, "a.log.1": 10, "b.log": 0, "b.log.1": 10})
        self.assertEqual(len(said), 1)

    def test_the_end_of_a_log_is_that_of_one_run(self):
        path = self.folder / "a.log"
        path.write_text("former\n")
        start = logfiles.size(path)
        self.assertEqual(logfiles.tail(path, 5, start), [])
        with path.open("a") as log:
            log.write("present\n")
        self.assertEqual(logfiles.tail(path, 5, start), ["present"])
        self.assertEqual(logfiles.tail(path, 5), ["former", "present"])
        path.write_text("new\n")
        self.assertEqual(logfiles.tail(path, 5, start), ["new"], "it was rotated meanwhile")
        self.assertEqual(logfiles.size(self.folder / "none.log"), 0)


class NothingRuns(SupervisorCase):
    def test_what_only_looks_says_so_and_ends_with_3(self):
        for command in (["top", "--once"], ["top"], ["metrics"], ["logs"], ["logs", "-f"], ["top", "--json"]):
            ended = self.pipeline.command(*command)
            self.assertEqual((ended.returncode, ended.stdout), (3, ""), command)
            self.assertRegex(ended.stderr,
                             r"\A(supervisor|tributary): nothing runs; '.* up -d' starts the pipeline\.\n\Z")

    def test_stages_that_were_started_by_hand_are_found_by_their_sockets(self):
        pipeline = self.pipeline
        (pipeline.folder / "run").mkdir(mode=0o700)
        stage = subprocess.Popen([pipeline.binaries / "verifier", "--config", pipeline.file,
                                  "--instance", "verifier-3"], stdout=subprocess.DEVNULL)
        self.addCleanup(stage.wait)
        self.addCleanup(stage.kill)
        until(lambda: pipeline.command("status").stdout, "it serves")
        ended = pipeline.command("status")
        self.assertRegex(ended.stdout, rf"(?m)^verifier-3 +{stage.pid} +ready ")
        self.assertEqual(ended.stderr.splitlines(), [
            "tributary: started by hand, so no supervisor restarts or stops it: verifier-3",
            "tributary: no supervisor runs."])
        self.assertEqual(ended.returncode, 3)
        self.assertIn('instance="verifier-3"', pipeline.good("metrics"))
        ended = pipeline.command("down")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"verifier-3 was started by hand and goes on; 'kill {stage.pid}' ends it.", ended.stderr)


class Seeing(SupervisorCase):
    def test_status_says_why_a_stage_is_not_ready(self):
        self.pipeline.good("up", "-d")
        self.pipeline.steer("verifier-0", "unready")
        until(lambda: self.pipeline.rows()["verifier-0"]["state"] == "not-ready", "it is seen")
        self.assertEqual(self.pipeline.rows()["verifier-0"]["why"], "no router is linked")
        self.assertIsNone(self.pipeline.rows()["normaliser-0"]["why"])
        self.assertIn("verifier-0 is not-ready: no router is linked\n", self.pipeline.command("status").stdout)
        self.pipeline.steer("normaliser-0", "broken")
        self.pipeline.kill("normaliser-0")
        why = until(lambda: self.pipeline.rows()["normaliser-0"]["why"], "it does not come up")
        until(lambda: self.pipeline.rows()["normaliser-0"]["why"] ==
              "exited with 78, configuration: wrong on purpose", f"the reason is seen, not {why}")
        self.pipeline.kill_supervisor()
        self.assertEqual(self.pipeline.rows()["verifier-0"]["why"], "no router is linked")

    def test_top_is_a_screen_in_a_terminal_with_keys_and_plain_text_elsewhere(self):
        pipeline = self.pipeline
        pipeline.good("up", "-d")
        self.assertNotIn(ESCAPE, pipeline.good("top", "--once", "--interval", "0.01"))
        piped = subprocess.run(f"{SUPERVISOR} top --interval 0.01 --config {pipeline.file} | head -n 12", shell=True,
                               env=pipeline.environment, text=True, capture_output=True, timeout=PATIENCE_SECONDS)
        self.assertEqual((piped.stdout.count("INSTANCE"), piped.stderr), (2, ""))
        self.assertNotIn(ESCAPE, piped.stdout)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 6, 80, 0, 0))
        former = termios.tcgetattr(theirs)
        live = subprocess.Popen([SUPERVISOR, "top", "--interval", "3600", "--config", pipeline.file], stdin=theirs,
                                stdout=theirs, stderr=theirs, env=pipeline.environment | {"TERM": "xterm"})
        self.addCleanup(live.kill)
        shown = self.read_until(ours, "rows 1 to 3 of 5")
        self.assertNotRegex(re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", shown), r"[^\r\n]{81}")
        self.assertIn("INSTANCE", shown)
        os.write(ours, b"j")
        self.assertIn("verifier-0", self.read_until(ours, "rows 2 to 4 of 5"))
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 7, 80, 0, 0))
        self.read_until(ours, "ingress-gateway-0")
        os.write(ours, b"q")
        self.assertEqual(live.wait(PATIENCE_SECONDS), 0)
        self.assertIn(f"{ESCAPE}[?1049l", self.read_until(ours, "[?1049l"))
        self.assertEqual(termios.tcgetattr(theirs), former)
        os.close(ours)
        os.close(theirs)

    def read_until(self, terminal: int, words: str) -> str:
        text, deadline = "", time.monotonic() + PATIENCE_SECONDS
        while words not in text:
            self.assertTrue(select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], text)
            text += os.read(terminal, 65536).decode(errors="replace")
        return text

    def test_a_reader_who_leaves_changes_nothing_and_hears_nothing_false(self):
        pipeline = self.pipeline
        pipeline.good("up", "-d")
        before = dict(pipeline.living())
        reader, writer = os.pipe()
        os.close(reader)
        for command in (["reload"], ["restart", "verifier"], ["metrics"]):
            ended = subprocess.run([SUPERVISOR, *command, "--config", pipeline.file], env=pipeline.environment,
                                   stdout=writer, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS)
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        os.close(writer)
        self.assertNotEqual(dict(pipeline.living())["verifier-0"], before["verifier-0"])

    def test_the_limits_are_stated(self):
        self.assertIn("verifier 1 to 64", self.pipeline.run("scale", "--help").stdout)


class Help(unittest.TestCase):
    def test_every_script_explains_itself_within_80_columns_without_installing_anything(self):
        shown = {"supervisor": ["", "up", "scale", "top", "logs", "status"], "bench": ["", "stages", "fanout"],
                 "demo": [""], "subscriber": [""], "fuzz": [""]}
        environment = {"PATH": os.environ["PATH"], "COLUMNS": "80"}
        for script, commands in shown.items():
            for command in commands:
                said = subprocess.run([SUPERVISOR.with_name(script), *command.split(), "--help"], text=True,
                                      env=environment, capture_output=True)
                self.assertEqual((said.returncode, said.stderr), (0, ""))
                self.assertEqual([line for line in said.stdout.splitlines() if len(line) > 80], [])

    @unittest.skipUnless(shutil.which("dpkg-query"), "this is no Debian")
    def test_ready_executables_need_no_compiler(self):
        with tempfile.TemporaryDirectory() as folder:
            swift = Path(folder) / "swift"
            swift.write_text("#!/bin/sh\nexit 1\n")
            swift.chmod(0o755)
            environment = {"PATH": f"{folder}:/usr/bin:/bin", "TRIBUTARY_BIN": folder}
            ended = subprocess.run([SUPERVISOR.with_name("bootstrap")], env=environment, text=True, capture_output=True)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))
            del environment["TRIBUTARY_BIN"]
            ended = subprocess.run([SUPERVISOR.with_name("bootstrap")], env=environment, text=True, capture_output=True)
            self.assertEqual(ended.returncode, 69)

    def test_a_wide_line_goes_on_under_its_explanation(self):
        self.assertEqual(wrapped("  tool --flag   does a thing and another", 28),
                         "  tool --flag   does a thing\n                and another")
        self.assertEqual(wrapped("plain words go on at the margin", 20), "plain words go on at\nthe margin")
        self.assertEqual(wrapped("", 20), "")


if __name__ == "__main__":
    unittest.main()
