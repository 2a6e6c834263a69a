"""The fuzz program: its package, its build, and what it knows of itself."""

import json
import os
import subprocess
from pathlib import Path

from commandline import UNAVAILABLE, Failure

LINKED = ("Shared", "Services", "Tests")


class Program:
    """All fuzz targets in one executable, which is built in a package of its own: .build/fuzz."""

    def __init__(self, root: Path):
        self._root = root
        self._package = root / ".build" / "fuzz"
        self._executable = self._package / ".build" / "debug" / "fuzz"

    def build(self) -> None:
        """SwiftPM shows the progress; without a change it takes a few seconds."""
        self._package.mkdir(parents=True, exist_ok=True)
        for name in LINKED:
            link = self._package / name
            if not link.is_symlink():
                link.symlink_to(Path("../..") / name)
        manifest = self._root / "Tests" / "Fuzz" / "Package.swift"
        staged = self._package / "Package.swift"
        if not staged.exists() or staged.read_bytes() != manifest.read_bytes():
            staged.write_bytes(manifest.read_bytes())
        command = ["swift", "build", "--package-path", str(self._package), "--product", "fuzz",
                   "--disable-index-store"]
        environment = os.environ | {"TRIBUTARY_LIBFUZZER": str(library())}
        if subprocess.run(command, env=environment).returncode != 0:
            raise Failure("the fuzz program could not be built; the compiler's words stand above.", UNAVAILABLE)

    def targets(self) -> list[str]:
        return subprocess.run([self._executable], check=True, capture_output=True, text=True).stdout.split()

    def write_seeds(self, target: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        environment = self._environment(target) | {"TRIBUTARY_FUZZ_SEEDS": str(folder)}
        subprocess.run([self._executable], env=environment, check=True)

    def run(self, target: str, arguments: list[str]) -> subprocess.CompletedProcess:
        """One run of libFuzzer; its words are in `stderr`."""
        return subprocess.run([self._executable, *arguments], env=self._environment(target), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace")

    def _environment(self, target: str) -> dict[str, str]:
        # Swift's own account of a crash takes many seconds and covers libFuzzer's. The sanitizer takes objects for
        # leaked that Swift refers to with tagged pointers.
        return os.environ | {"TRIBUTARY_FUZZ_TARGET": target, "SWIFT_BACKTRACE": "enable=no",
                             "ASAN_OPTIONS": "detect_leaks=0"}


def library() -> Path:
    """libFuzzer without its `main`, in the toolchain that `swift` is of."""
    told = subprocess.run(["swiftc", "-print-target-info"], check=True, capture_output=True, text=True).stdout
    resources = Path(json.loads(told)["paths"]["runtimeResourcePath"])
    found = sorted(resources.parent.glob(f"clang/*/lib/linux/libclang_rt.fuzzer_no_main-{os.uname().machine}.a"))
    if not found:
        raise Failure(f"there is no libFuzzer beside {resources}: the toolchains of swift.org have one, so install one "
                      "of those (swiftly install latest).", UNAVAILABLE)
    return found[-1]
