"""The units of compose/systemd: judged by systemd-analyze, and booted by a real systemd in a container of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from executables import STAGES  # noqa: E402
from launcher import PATIENCE_SECONDS, ROOT, binaries  # noqa: E402

UNITS = ROOT / "compose" / "systemd"
INSTALLED = "/usr/libexec/tributary"
INSIDE = "/opt/tributary"
"""Where the executables are in the container, whose /usr is this machine's and not to be written."""
MOST_EXPOSED = 2.0
CREDENTIAL = "token-of-the-app"
RUNNING = ("tributary-ingress-gateway", "tributary-verifier@0", "tributary-normaliser@0", "tributary-normaliser@1",
           "tributary-fanout-router@0", "tributary-verifier@1", "tributary-fanout-router@1")

APP = 'provider: generic, path_token: "file:/run/secrets/verifier_app", mapping: { type: /type, id: /id }'
CONFIGURATION = f"""
run_dir: /run/tributary
data_dir: /var/lib/tributary
ingress: {{ listen: "127.0.0.1:8080" }}
verifier: {{ instances: 2 }}
normaliser: {{ instances: 2 }}
router: {{ instances: 2 }}
sources:
  - {{ name: app, {APP}, router: 0 }}
  - {{ name: second, {APP}, router: 1 }}
"""

JUDGE = """
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/run/judge/questions
ExecStopPost=/bin/systemctl poweroff --force
"""
TARGET = """
[Unit]
Requires=sysinit.target judge.service
After=sysinit.target
"""
# So that nobody waits as long as in production; notices come every second.
IMPATIENT = "[Service]\nWatchdogSec=5\n"


def units() -> list[Path]:
    return sorted(each for kind in ("service", "socket", "target") for each in UNITS.glob(f"*.{kind}"))


def lay_units(folder: Path, executables: Path | str) -> None:
    """The units as they are, but for where the executables of this build are."""
    for each in units():
        (folder / each.name).write_text(each.read_text().replace(INSTALLED, str(executables)))
    shutil.copytree(UNITS / "tributary-.service.d", folder / "tributary-.service.d")


@unittest.skipUnless(shutil.which("systemd-analyze"), "skipped: there is no systemd-analyze here")
class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="units-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        lay_units(cls.folder, binaries())

    def analyze(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(["systemd-analyze", *arguments], text=True, capture_output=True, cwd=self.folder,
                              env=os.environ | {"SYSTEMD_UNIT_PATH": f"{self.folder}:", "SYSTEMD_COLORS": "0"})

    def test_systemd_finds_nothing_to_say_about_any_unit(self):
        ended = self.analyze("verify", "--man=no", *(f"./{each.name}" for each in units()))
        self.assertEqual((ended.returncode, ended.stdout + ended.stderr), (0, ""))

    def test_no_service_is_exposed_more_than_little(self):
        for each in UNITS.glob("*.service"):
            with self.subTest(each.name):
                ended = self.analyze("security", "--offline=yes", f"./{each.name}")
                level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", ended.stdout)
                self.assertIsNotNone(level, ended.stderr)
                self.assertLessEqual(float(level[1]), MOST_EXPOSED)

    def test_every_stage_has_a_unit_and_a_user_of_its_own(self):
        users = set(re.findall(r"^u (\S+)", (UNITS / "tributary.sysusers").read_text(), re.MULTILINE))
        found = {}
        for each in UNITS.glob("*.service"):
            text = each.read_text()
            found[re.search(rf"^ExecStart={INSTALLED}/(\S+)", text, re.MULTILINE)[1]] = \
                re.search(r"^User=(\S+)", text, re.MULTILINE)[1]
        self.assertEqual(set(found), set(STAGES))
        self.assertEqual(set(found.values()), users)
        self.assertEqual(len(users), len(found))

    def test_the_installed_configuration_has_no_errors(self):
        ended = subprocess.run([binaries() / "tributary", "check", "--config", UNITS / "tributary.yaml"], text=True,
                               capture_output=True)
        self.assertIn("has no errors", ended.stdout, ended.stdout + ended.stderr)


@unittest.skipUnless(shutil.which("systemd-nspawn") and os.geteuid() == 0,
                     "skipped: a container needs root and systemd-nspawn")
class Booted(unittest.TestCase):
    """One boot of this machine's /usr, with everything else empty and no network; the tests read what came of it."""

    @classmethod
    def setUpClass(cls):
        folder = Path(tempfile.mkdtemp(prefix="boot-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, folder)
        inside, cls.out = folder / "units", folder / "out"
        cls.out.mkdir()
        inside.mkdir()
        lay_units(inside, INSIDE)
        (inside / "systemd-firstboot.service").symlink_to("/dev/null")
        (folder / "preset").write_text("disable *\n")
        (inside / "judge.service").write_text(JUDGE)
        (inside / "judge.target").write_text(TARGET)
        impatient = inside / "tributary-normaliser@0.service.d" / "20-impatient.conf"
        impatient.parent.mkdir()
        impatient.write_text(IMPATIENT)
        judge = folder / "judge"
        judge.mkdir()
        shutil.copy(Path(__file__).with_name("questions"), judge)
        etc = folder / "etc"
        for stage, text in {"verifier": CREDENTIAL, "router": "another", "ingress": ""}.items():
            (etc / "credentials" / stage).mkdir(parents=True)
            if text:
                (etc / "credentials" / stage / "app").write_text(text)
        (etc / "tributary.yaml").write_text(CONFIGURATION)
        binds = {
            inside: "/run/systemd/system", judge: "/run/judge", etc: "/etc/tributary",
            binaries().resolve(): INSIDE, UNITS / "tributary.sysusers": "/run/sysusers.d/tributary.conf",
            folder / "preset": "/run/systemd/system-preset/00-none.preset",
            UNITS / "tributary.tmpfiles": "/run/tmpfiles.d/tributary.conf",
        } | {library: library for library in cls.elsewhere(binaries() / "fanout-router")}
        boot = subprocess.run(
            ["systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--boot", "--register=no", "--keep-unit",
             "--private-network", f"--bind={cls.out}:/out", *(f"--bind-ro={a}:{b}" for a, b in binds.items()),
             "systemd.unit=judge.target"], text=True, capture_output=True, stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS)
        if not any(cls.out.iterdir()):
            raise unittest.SkipTest(f"skipped: no container boots here: {(boot.stdout + boot.stderr)[-300:]}")

    @staticmethod
    def elsewhere(executable: Path) -> set[Path]:
        """The folders of the libraries that are not in /usr: those of the Swift toolchain."""
        listed = subprocess.run(["ldd", executable], text=True, capture_output=True, check=True).stdout
        folders = {Path(each).parent for each in re.findall(r"=> (/\S+)", listed)}
        return {each for each in folders if not each.is_relative_to("/usr") and not each.is_relative_to("/lib")}

    def read(self, name: str) -> str:
        return (self.out / name).read_text().strip()

    def journal(self) -> str:
        return (self.out / "journal").read_text()[-5000:]

    def test_every_stage_is_ready_as_a_user_of_its_own(self):
        for unit in RUNNING:
            with self.subTest(unit):
                shown = dict(line.split("=") for line in self.read(unit).splitlines())
                state = (shown["ActiveState"], shown["SubState"], shown["Type"])
                self.assertEqual(state, ("active", "running", "notify"), self.journal())
                self.assertRegex(shown["User"], "^tributary-")

    def test_webhooks_pass_the_stages_of_different_users(self):
        self.assertEqual(self.read("genuine"), "202", self.journal())
        self.assertIn("token_mismatch", self.read("quarantine"))
        ids = sorted(event["id"] for event in json.loads(self.read("events"))["events"])
        self.assertEqual(ids, ["1", "3"], self.journal())

    def test_a_second_router_has_the_webhooks_of_its_sources(self):
        self.assertEqual(self.read("second"), "202", self.journal())
        ids = [event["id"] for event in json.loads(self.read("events-of-1"))["events"]]
        self.assertEqual(ids, ["4"], self.journal())

    def test_a_stage_sees_its_own_credentials_only(self):
        self.assertEqual(self.read("tributary-verifier@0.secrets"), "verifier_app")
        self.assertEqual(self.read("tributary-fanout-router@0.secrets"), "router_app")
        for unit in ("tributary-ingress-gateway", "tributary-normaliser@0"):
            self.assertEqual(self.read(f"{unit}.secrets"), "")

    def test_folders_are_open_to_nobody_else(self):
        self.assertEqual(self.read("folders").splitlines(),
                         ["root:tributary 2770", "tributary-router:tributary 700"])

    def test_the_socket_takes_a_webhook_and_starts_the_ingress_that_was_stopped(self):
        self.assertEqual((self.read("while-stopped"), self.read("activated")), ("202", "active"), self.journal())

    def test_a_stage_that_hangs_is_replaced_by_the_watchdog(self):
        self.assertGreaterEqual(int(self.read("replaced")), 1, self.journal())
        self.assertIn("Watchdog timeout", (self.out / "journal").read_text())

    def test_everything_ends_in_good_order(self):
        self.assertEqual(set(self.read("ended").split()), {"inactive"}, self.journal())


if __name__ == "__main__":
    unittest.main()
