"""Reads Package.swift and the built binaries, and holds each executable to the modules and libraries that it links."""

import json
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STAGE = {
    "AdminServer", "Bus", "CChecksum", "CPlatform", "CZeroMQ", "Events", "Executable", "HTTPFront", "JSON",
    "PipelineConfiguration", "Primitives", "Providers", "StageMetrics", "StageProcess", "Threads",
    "VerificationSchemes", "Wire", "ZeroMQ",
}  # fmt: skip
CRYPTO = {"COpenSSL", "LibCrypto"}
READING = {"CSimdJSON", "SimdJSON"}
GZIP = {"CZlib", "Gzip"}
BROKERS = {"AWS", "CNATS", "NATS"}
COMMIT_LOG = {"CDirectIO", "CommitLog"}
JOURNAL = COMMIT_LOG | {"Journal", "JournalTakeOver", "WebhookIntake"}
MODULES = {
    "IngressGateway": STAGE | JOURNAL | {"ServerCertificates"},
    "IngressConnector": STAGE | CRYPTO | JOURNAL | {"AWS", "SQSClient", "WebSocket"},
    "Verifier": STAGE | CRYPTO | READING | GZIP | {"Verification"},
    "Normaliser": STAGE | CRYPTO | READING | GZIP | {"Normalisation"},
    "FanoutRouter": STAGE | CRYPTO | READING | GZIP | BROKERS | COMMIT_LOG
    | {
        "ControlAPI", "ControlClient", "DeliverySigning", "Egress", "EventDelivery", "EventLog", "ServerCertificates",
        "Verification", "WebSocket",
    },
    "BusTap": STAGE - {"AdminServer", "HTTPFront", "StageProcess"} | {"TapPrinting"},
    "Tributary": STAGE - {"AdminServer", "Bus", "HTTPFront", "StageProcess"}
    | CRYPTO | READING | GZIP | COMMIT_LOG
    | {
        "ControlClient", "DeliverySigning", "Egress", "EventLog", "Normalisation", "ServerCertificates", "Verification",
        "WebSocket",
    },
}  # fmt: skip
"""All modules of this repository in each executable, through whatever they come."""

SOURCES = {".swift", ".c", ".cpp", ".h", ".hpp", ".modulemap"}

LIBRARIES = {
    "ingress-gateway": {"libzmq", "libsqlite3"},
    "ingress-connector": {"libcrypto", "libz", "libzmq", "libsqlite3"},
    "verifier": {"libcrypto", "libsimdjson", "libz", "libzmq"},
    "normaliser": {"libcrypto", "libsimdjson", "libz", "libzmq"},
    "fanout-router": {"libcrypto", "libnats", "libsimdjson", "libz", "libzmq", "libsqlite3"},
    "bus-tap": {"libzmq"},
    "tributary": {"libcrypto", "libsimdjson", "libsqlite3", "libz", "libzmq"},
}
"""The shared libraries beside Swift's and the C library's that the linker was told to link (DT_NEEDED)."""
TOLD = set().union(*LIBRARIES.values()) | {"libssl", "libprotobuf", "libyaml"}


def dependencies() -> dict[str, set[str]]:
    """The targets of this repository, each with the names that its list of dependencies holds."""
    text = (ROOT / "Package.swift").read_text()
    found = {}
    for name, listed in re.findall(r'\b(?:shared|service)\(\s*"(\w+)"(?:,\s*\[(.*?)\])?', text, re.S):
        found[name] = set(re.findall(r'"(\w+)"', listed))
    for name, listed in re.findall(
        r'\.(?:target|systemLibrary)\(\s*name: "(\w+)"(?:,\s*dependencies: \[(.*?)\])?', text, re.S
    ):
        found[name] = set(re.findall(r'"(\w+)"', listed))
    return {name: listed & found.keys() for name, listed in found.items()}


FOLDERS = {
    "ControlAPI": "Services/FanoutRouter/ControlAPI",
    "EventDelivery": "Services/FanoutRouter/EventDelivery",
    "LibCrypto": "Shared/Crypto",
    "Normalisation": "Shared/Providers/Normalisation",
    "PipelineConfiguration": "Shared/Configuration",
    "TapPrinting": "Services/BusTap/Printing",
    "VerificationSchemes": "Shared/Verification/Schemes",
}
APART = {
    "BusTap": {"Printing"},
    "FanoutRouter": {"ControlAPI", "EventDelivery"},
    "Providers": {"Normalisation"},
    "Verification": {"Schemes"},
}


def sources(name: str) -> list[Path]:
    """The files of a target, without those of a target in a folder within it."""
    folders = [ROOT / FOLDERS.get(name, f"{top}/{name}") for top in ("Shared", "Services", "Tests")]
    files = next(folder for folder in folders if folder.is_dir()).rglob("*.swift")
    apart = APART.get(name, set())
    return [path for path in files if not apart & set(path.parts)]


class Modules(unittest.TestCase):
    maxDiff = None

    def linked(self, name: str, targets: dict[str, set[str]]) -> set[str]:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for dependency in targets[waiting.pop()] - found:
                found.add(dependency)
                waiting.append(dependency)
        return found

    def test_each_executable_links_only_the_modules_that_it_needs(self):
        targets = dependencies()
        for name, modules in MODULES.items():
            self.assertEqual(self.linked(name, targets), modules, name)

    def test_a_module_imports_only_what_its_target_names(self):
        targets = dependencies()
        for name, named in targets.items():
            for path in sources(name):
                imported = set(re.findall(r"^(?:package |internal )?import (?:\w+ )?(\w+)", path.read_text(), re.M))
                self.assertEqual(imported & targets.keys() - named, set(), path)

    def test_a_file_that_is_no_source_is_a_resource_or_excluded(self):
        dumped = subprocess.run(
            ["swift", "package", "--package-path", ROOT, "dump-package"], capture_output=True, text=True, check=True
        )
        for target in json.loads(dumped.stdout)["targets"]:
            folder = ROOT / target.get("path", "")
            told = {folder / path for path in [*target["exclude"], *(each["path"] for each in target["resources"])]}
            for path in folder.rglob("*.*") if target["type"] != "system" else []:
                if path.suffix in SOURCES or "__pycache__" in path.parts or told & {path, *path.parents}:
                    continue
                self.fail(f"SwiftPM would warn of {path}: exclude it in {target['name']}")

    def test_each_binary_links_only_the_libraries_that_it_needs(self):
        built = [name for name in LIBRARIES if (ROOT / ".build/debug" / name).is_file()]
        if len(built) < len(LIBRARIES):
            self.skipTest("the debug binaries are not built")
        for name in built:
            listed = subprocess.run(
                ["readelf", "--dynamic", "--wide", ROOT / ".build/debug" / name],
                capture_output=True,
                text=True,
                check=True,
            )
            needed = set(re.findall(r"\(NEEDED\)[^[]*\[([\w+-]+)\.so", listed.stdout))
            self.assertEqual(needed & TOLD, LIBRARIES[name], name)


if __name__ == "__main__":
    unittest.main()
