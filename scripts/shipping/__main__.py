"""The command line of scripts/package."""

import argparse
import sys
from pathlib import Path

from commandline import run
from executables import ROOT, build
from helptext import Formatter

from .deb import make


def main() -> int:
    parser = argparse.ArgumentParser("package", description="Makes a package of what is shipped.",
                                     formatter_class=Formatter)
    parser.add_argument("kind", choices=["deb"], help="a package for Debian 12")
    parser.add_argument("--binaries", type=Path, metavar="DIR", help="ready executables; else they are built")
    parser.add_argument("--output", type=Path, metavar="DIR", default=ROOT / ".build" / "package")
    parser.add_argument("--compression", choices=["xz", "gzip", "none"], default="xz")
    options = parser.parse_args()
    if not options.binaries:
        build("--release")
    print(make(options.binaries or ROOT / ".build" / "release", options.output, options.compression))
    return 0


sys.exit(run("package", main))
