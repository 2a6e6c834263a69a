"""The Debian package: a tree as it will lie on the disk, then dpkg-deb."""

import gzip
import os
import re
import subprocess
import tempfile
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from commandline import UNAVAILABLE, Failure
from executables import EXECUTABLES, ROOT

from .manual import page

COMPOSE = ROOT / "compose"
SCRIPTS = Path(__file__).resolve().parent / "debian"
COMMANDS = ("tributary", "bus-tap")
"""What people run; the rest is started by systemd."""
PROGRAMS = "usr/libexec/tributary"
SHELLS = {"bash": "usr/share/bash-completion/completions/{}", "zsh": "usr/share/zsh/vendor-completions/_{}",
          "fish": "usr/share/fish/vendor_completions.d/{}.fish"}
MAINTAINER = "The authors of Tributary <noreply@tributary.dev>"


class Tree:
    """The files of the package below one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.chmod(0o755)

    def _place(self, path: str) -> Path:
        place = self.folder / path
        for parent in reversed(place.relative_to(self.folder).parents):
            (self.folder / parent).mkdir(exist_ok=True)
            (self.folder / parent).chmod(0o755)
        return place

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> Path:
        place = self._place(path)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        place.chmod(mode)
        return place

    def copy(self, source: Path, path: str, mode: int = 0o644) -> Path:
        return self.write(path, source.read_bytes(), mode)

    def compress(self, path: str, content: str | bytes) -> None:
        self.write(path, gzip.compress(content if isinstance(content, bytes) else content.encode(), 9, mtime=0))

    def link(self, path: str, target: str) -> None:
        self._place(path).symlink_to(target)


def output_of(*command: str | Path, **more) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, **more)
    if ended.returncode != 0:
        raise Failure(f"'{Path(command[0]).name}' ended with {ended.returncode}: {ended.stderr.strip()}", UNAVAILABLE)
    return ended.stdout


def foreign_libraries(programs: list[Path]) -> set[Path]:
    """Libraries that no Debian package brings: Swift's, where these executables do not have it inside."""
    found = {Path(each) for program in programs for each in re.findall(r"=> (/\S+)", output_of("ldd", program))}
    return {each for each in found if not each.is_relative_to("/usr") and not each.is_relative_to("/lib")}


def dependencies(programs: Path) -> str:
    """The packages of the libraries that the executables are linked with, with the versions that they need."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "debian").mkdir()
        (Path(folder) / "debian" / "control").write_text("Source: tributary\n\nPackage: tributary\nArchitecture: any\n")
        told = output_of("dpkg-shlibdeps", "-O", "--ignore-missing-info", f"-l{programs}",
                         *(f"-e{programs / each}" for each in (*EXECUTABLES, "bus-tap")), cwd=folder)
    return told.partition("shlibs:Depends=")[2].strip()


def make(binaries: Path, output: Path, compression: str) -> Path:
    """The package's path. `binaries`: the executables, stripped here."""
    programs = [binaries / each for each in (*EXECUTABLES, "bus-tap")]
    missing = [each.name for each in programs if not os.access(each, os.X_OK)]
    if missing:
        raise Failure(f"{binaries} has no {', '.join(missing)}; 'scripts/package deb' without --binaries builds them.")
    version = output_of(binaries / "tributary", "--version").strip()
    architecture = output_of("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder))
        for each in [*programs, *sorted(foreign_libraries(programs))]:
            output_of("strip", "--strip-unneeded",
                      tree.copy(each, f"{PROGRAMS}/{each.name}", 0o644 if ".so" in each.name else 0o755))
        add_commands(tree, programs, version)
        add_configuration(tree)
        add_documents(tree, version)
        size = sum(each.lstat().st_size for each in tree.folder.rglob("*")) // 1024
        add_control(tree, f"{version}-1", architecture, dependencies(tree.folder / PROGRAMS), size)
        output.mkdir(parents=True, exist_ok=True)
        made = output / f"tributary_{version}-1_{architecture}.deb"
        output_of("dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", folder, made)
    return made


def add_commands(tree: Tree, programs: list[Path], version: str) -> None:
    for program in programs:
        section = 1 if program.name in COMMANDS else 8
        tree.compress(f"usr/share/man/man{section}/{program.name}.{section}.gz", page(program, section, version))
        if section == 1:
            tree.link(f"usr/bin/{program.name}", f"../libexec/tributary/{program.name}")
            for shell, path in SHELLS.items():
                script = output_of(program, "--generate-completion-script", shell)
                tree.write(path.format(program.name), script.removeprefix("#!/bin/bash\n"))


def add_configuration(tree: Tree) -> None:
    units = COMPOSE / "systemd"
    for unit in sorted(each for kind in ("service", "socket", "target") for each in units.glob(f"*.{kind}")):
        tree.copy(unit, f"lib/systemd/system/{unit.name}")
    for part in (units / "tributary-.service.d").iterdir():
        tree.copy(part, f"lib/systemd/system/tributary-.service.d/{part.name}")
    tree.copy(units / "tributary.sysusers", "usr/lib/sysusers.d/tributary.conf")
    tree.copy(units / "tributary.tmpfiles", "usr/lib/tmpfiles.d/tributary.conf")
    tree.copy(units / "tributary.yaml", "etc/tributary/tributary.yaml")


def add_documents(tree: Tree, version: str) -> None:
    documents = "usr/share/doc/tributary"
    tree.copy(SCRIPTS / "copyright", f"{documents}/copyright")
    tree.compress(f"{documents}/CONFIGURATION.md.gz", (COMPOSE / "CONFIGURATION.md").read_bytes())
    tree.compress(f"{documents}/README.md.gz", (COMPOSE / "README.md").read_bytes())
    tree.copy(COMPOSE / "tributary.schema.json", f"{documents}/tributary.schema.json")
    tree.copy(COMPOSE / "prometheus" / "prometheus.yml", f"{documents}/examples/prometheus.yml")
    tree.copy(COMPOSE / "prometheus" / "tributary.rules.yml", f"{documents}/examples/tributary.rules.yml")
    tree.copy(COMPOSE / "grafana" / "tributary.json", f"{documents}/examples/grafana.json")
    tree.compress(f"{documents}/changelog.gz", (ROOT / ".github" / "CHANGELOG.md").read_bytes())
    at = datetime.fromtimestamp((ROOT / ".github" / "CHANGELOG.md").stat().st_mtime, UTC)
    tree.compress(f"{documents}/changelog.Debian.gz", f"tributary ({version}-1) unstable; urgency=medium\n\n"
                  "  * Made of the sources of this version; see changelog.gz.\n\n"
                  f" -- {MAINTAINER}  {format_datetime(at)}\n")
    tree.copy(SCRIPTS / "lintian-overrides", "usr/share/lintian/overrides/tributary")


def add_control(tree: Tree, version: str, architecture: str, depends: str, kibibytes: int) -> None:
    tree.write("DEBIAN/control", f"""Package: tributary
Version: {version}
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {kibibytes}
Depends: {depends}, ca-certificates, systemd
Section: net
Priority: optional
Description: event gateway for the webhooks of real-time video providers
 Tributary takes in the webhooks of video providers, verifies their signatures,
 turns them into one vocabulary of CloudEvents and delivers these, signed and
 retried, to everybody who subscribed. What it has answered with 2xx is on disk,
 keeps its order and is not lost, whatever process dies.
""")
    tree.write("DEBIAN/conffiles", "/etc/tributary/tributary.yaml\n")
    for each in ("postinst", "prerm", "postrm"):
        tree.copy(SCRIPTS / each, f"DEBIAN/{each}", 0o755)
