"""The Debian package of scripts/package, made of this build: judged by lintian, installed, used and purged on a copy of
this machine's system that a real systemd boots."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from executables import EXECUTABLES  # noqa: E402
from launcher import PATIENCE_SECONDS, ROOT, binaries  # noqa: E402


def run(*command: str | Path, **more) -> str:
    ended = subprocess.run(command, text=True, capture_output=True, **more)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="package-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        told = run(ROOT / "scripts" / "package", "deb", "--binaries", binaries(), "--output", cls.folder,
                   "--compression", "none")
        cls.deb = Path(told.splitlines()[-1])
        cls.tree = cls.folder / "tree"
        cls.tree.mkdir()
        run("dpkg-deb", "--control", cls.deb, cls.tree / "DEBIAN")
        # All but the programs, which are large.
        run("bash", "-c", f"set -o pipefail; dpkg-deb --fsys-tarfile {cls.deb} | "
                          f"tar -C {cls.tree} -x --exclude './usr/libexec/tributary/*'")

    def test_it_holds_programs_pages_completions_units_and_configuration(self):
        files = {line.split()[5] for line in run("dpkg-deb", "--contents", self.deb).splitlines()}
        programs = {*EXECUTABLES, "bus-tap"}
        commands = {"tributary", "bus-tap"}
        wanted = {f"./usr/libexec/tributary/{each}" for each in programs}
        wanted |= {f"./usr/share/man/man{1 if each in commands else 8}/{each}.{1 if each in commands else 8}.gz"
                   for each in programs}
        for each in commands:
            wanted |= {f"./usr/bin/{each}", f"./usr/share/bash-completion/completions/{each}",
                       f"./usr/share/zsh/vendor-completions/_{each}",
                       f"./usr/share/fish/vendor_completions.d/{each}.fish"}
        units = ROOT / "compose" / "systemd"
        wanted |= {f"./lib/systemd/system/{each.name}" for kind in ("service", "socket", "target")
                   for each in units.glob(f"*.{kind}")}
        wanted |= {"./etc/tributary/tributary.yaml", "./usr/lib/sysusers.d/tributary.conf",
                   "./usr/lib/tmpfiles.d/tributary.conf"}
        self.assertEqual(wanted - files, set())

    def test_pages_are_good_roff_and_completions_good_scripts(self):
        for page in self.tree.glob("usr/share/man/*/*"):
            with self.subTest(page.name):
                ended = subprocess.run(["man", "--warnings=all", "-l", page], text=True, capture_output=True,
                                       env=os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "200", "MANPAGER": "cat"})
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        for script in self.tree.glob("usr/share/bash-completion/completions/*"):
            run("bash", "-n", script)

    @unittest.skipUnless(shutil.which("lintian"), "skipped: there is no lintian here")
    def test_lintian_finds_nothing_to_say(self):
        """But about the executables, which are others in a release: here small ones stand for them."""
        for each in (*EXECUTABLES, "bus-tap"):
            shutil.copy("/usr/bin/true", self.tree / "usr" / "libexec" / "tributary" / each)
        small = self.folder / "small.deb"
        run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", self.tree, small)
        ended = subprocess.run(["lintian", "--allow-root", "--no-cfg", "--fail-on", "warning", small], text=True,
                               capture_output=True)
        told = [line for line in ended.stdout.splitlines() if line.startswith(("E:", "W:"))]
        self.assertEqual((told, ended.returncode), ([], 0), ended.stderr)

    @unittest.skipUnless(shutil.which("systemd-nspawn") and os.geteuid() == 0,
                         "skipped: a container needs root and systemd-nspawn")
    def test_it_installs_runs_is_upgraded_under_load_without_loss_and_purged(self):
        out, units, system = (self.folder / each for each in ("out", "units", "system"))
        for each in (out, units, system):
            each.mkdir()
        (units / "judge.service").write_text(
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/run/judge/life-of-a-package\n"
            "ExecStopPost=/bin/systemctl poweroff --force\n")
        (units / "judge.target").write_text(
            "[Unit]\nRequires=sysinit.target judge.service\nAfter=sysinit.target\n")
        # This machine's system, seen through a layer that forgets: nothing of it is changed.
        script = f"""mount --make-rprivate / && mount --bind / {system} && exec systemd-nspawn --quiet \
            --directory={system} --volatile=overlay --boot --register=no --keep-unit --private-network \
            --bind-ro={units}:/run/systemd/system --bind={out}:/out --bind-ro={self.folder}:/run/deb \
            --bind-ro={Path(__file__).parent}:/run/judge systemd.unit=judge.target"""
        boot = subprocess.run(["unshare", "--mount", "bash", "-c", script], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_SECONDS)
        if not any(out.iterdir()):
            self.skipTest(f"skipped: no container boots here: {(boot.stdout + boot.stderr)[-300:]}")
        log = (out / "log").read_text()
        for step in ("installed", "running", "answered 202", "answered 202 after the upgrade", "purged"):
            with self.subTest(step):
                self.assertIn(f"\n{step}\n", log)
        found = re.search(r"\n(\d+) refused, (\d+) accepted, (\d+) in the log\n", log)
        self.assertTrue(found, log)
        refused, accepted, logged = map(int, found.groups())
        self.assertEqual((refused, logged), (0, accepted), log)
        self.assertGreater(accepted, 20)


if __name__ == "__main__":
    unittest.main()
