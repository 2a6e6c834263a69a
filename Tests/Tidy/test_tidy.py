"""Reads the sources and holds them to the house rules."""

import re
import subprocess
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOP_LEVEL = {"Package.swift", "Services", "Shared", "Tests", "compose", "scripts", "README.md", "LICENSE"}
MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 70
BANNED = {"message", "item", "data", "info", "manager", "helper", "util", "utils", "common", "handler"}
# The standard's own words: CloudEvents `data`, the run and data directories of the configuration, swift-log's and
# SwiftNIO's protocols.
ALLOWED_NAMES = {
    "data",
    "dataDir",
    "data_dir",
    "makeDataDirectory",
    "log_message",
    "add_signal_handler",
    "handlerAdded",
    "handlerRemoved",
}
MODULES_WITHOUT_FOUNDATION = ["Wire", "Primitives", "JSON", "ZeroMQ", "Bus", "Events", "Providers", "StageMetrics"]
DATA_PATH = [
    "Shared/Wire",
    "Shared/Primitives",
    "Shared/JSON",
    "Shared/ZeroMQ",
    "Shared/Bus",
    "Shared/Events",
    "Shared/Providers",
    "Shared/Journal",
    "Shared/EventLog",
    "Services/IngressGateway",
    "Services/Verifier",
    "Services/Normaliser",
    "Services/FanoutRouter",
]
WALL_CLOCK = {
    "Shared/StageMetrics/Clock.swift": "is it",
    "Shared/StageProcess/LogLines.swift": "the time of a line",
    "Shared/StageProcess/ReloadableConfiguration.swift": "when a configuration was loaded",
    "Shared/Bus/Worker/StageRunner.swift": "stamps of a stage",
    "Services/IngressGateway/FrontDoor/Connection.swift": "received-at",
    "Services/IngressGateway/FrontDoor/EnvelopeBuilder.swift": "received-at",
    "Services/IngressGateway/IngressMetrics.swift": "an age that is shown, against received-at",
    "Services/IngressGateway/Journaling/JournalThread.swift": "received-at of a record that the disk has damaged",
    "Shared/HTTPFront/HTTPDate.swift": "the field Date",
    "Services/Verifier/VerifierWork.swift": "which keys counted, against received-at",
    "Services/Normaliser/NormaliserWork.swift": "which sources counted, against received-at",
    "Services/FanoutRouter/Intake/LogWriter.swift": "the router's stamp",
    "Services/FanoutRouter/Delivery/RetryAfter.swift": "a date that a subscriber names",
    "Services/FanoutRouter/Lanes/Lane.swift": "times of attempts and dead letters, as they are saved and shown",
    "Services/FanoutRouter/Lanes/LaneHub.swift": "against which the log's times are read, once at the start",
    "Services/FanoutRouter/Replay/ReplayRunner.swift": "times of jobs",
    "Services/FanoutRouter/API": "times that operators' acts are stored with, and what they are shown",
    "Services/Tributary": "commands: they show times, and sign with them",
    "Services/BusTap": "a command",
}
"""Where the wall clock is read: only to write a time down or to show it. Waiting and ages go by the others."""
SECRETS_ARE_READ_IN = (
    "Shared/Configuration/",  # what a reference is
    "Shared/ServerCertificates/",  # the key of a listener's own certificate
    "Shared/StageProcess/",  # hands a stage those that its part of the configuration names
)
SLEEPING_TESTS = {
    "Tests/StageProcessTests/StalledThreadTests.swift": "between two looks",
    "Tests/IngressGatewayTests/IngressFixtures.swift": "between two looks",
    "Tests/BusTests/PipelineOverSocketsTests.swift": "between two looks",
    "Tests/EndToEnd/Harness/Waiting.swift": "between two looks, and where a test is about something lasting",
    "Tests/ZeroMQTests/LibzmqFactsTests.swift": "that nothing comes has no condition; a fact about libzmq's own times",
    "Tests/ZeroMQTests/LibzmqTrapsTests.swift": "the same",
    "Tests/FanoutRouterTests/LaneChangeTests.swift": "lets deliveries begin; nothing is asserted of it",
    "Tests/FanoutRouterTests/Subscriber.swift": "between two looks",
    "Tests/FanoutRouterTests/StoreFixture.swift": "between two looks",
}
SLEEPING_SCRIPTS = {
    "scripts/launcher.py": "between two looks",
    "scripts/supervision/service.py": "between two looks",
    "scripts/benchmark/proxies.py": "between two looks",
    "scripts/benchmark/bench.py": "the time in which the stages are idle",
    "scripts/benchmark/flood.py": "the rate of a sender",
    "scripts/demonstration/__main__.py": "until Ctrl-C",
    "Tests/Listeners/test_listeners.py": "the span in which processor time is counted",
}
"""Where something sleeps, and why that is not a wait for something that could be asked for."""
DECLARATION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:package|private|fileprivate|internal|static|final|mutating|override|nonisolated"
    r"(?:\(unsafe\))?|convenience|required|lazy|indirect|weak|unowned)\s+(?:\(set\)\s+)?)*"
    r"(func|struct|class|enum|protocol|typealias|var|let|actor)\s+(`[^`]+`|\w+)"
)


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository that people write: all but generated Swift."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file() and not line.endswith(".pb.swift")
    ]


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", name)]


def swift_functions(lines: list[str]):
    """Yields name, first line and length of each function with a body, found by its braces."""
    for start, line in enumerate(lines):
        found = re.match(r"^(\s*)(?:[@\w() ]+\s)?(?:func\s+(`[^`]+`|[\w+\-*/=<>!&|^~]+)|init\b)", line)
        if not found:
            continue
        indent = found.group(1)
        for end in range(start, len(lines)):
            if lines[end].startswith(indent + "}") and end > start:
                yield found.group(2) or "init", start + 1, end - start + 1
                break
            if (
                end > start
                and lines[end].strip()
                and not lines[end].startswith(indent + " ")
                and not lines[end].startswith((indent + ")", indent + "-", indent + "{"))
            ):
                break


class Tidy(unittest.TestCase):
    maxDiff = None

    def test_the_top_level_is_exactly_what_the_layout_says(self):
        names = {path.relative_to(ROOT).parts[0] for path in tracked()}
        self.assertEqual({name for name in names if not name.startswith(".")} - TOP_LEVEL, set())

    def test_no_file_is_longer_than_400_lines(self):
        scripts = [path for path in tracked("scripts") if path.suffix in {"", ".py"}]
        long = [
            f"{path.relative_to(ROOT)}: {count}"
            for path in tracked("*.swift", "*.py", "*.c", "*.cpp", "*.hpp") + scripts
            if (count := len(path.read_text().splitlines())) > MOST_FILE_LINES
        ]
        self.assertEqual(long, [])

    def test_no_function_is_longer_than_70_lines(self):
        long = []
        for path in tracked("*.swift"):
            for name, line, length in swift_functions(path.read_text().splitlines()):
                if length > MOST_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{line} {name}: {length}")
        self.assertEqual(long, [])

    def test_names_use_the_words_of_the_field(self):
        bad = []
        for path in tracked("Services/*.swift", "Shared/*.swift", "Tests/*.swift"):
            if set(words(path.stem)) & BANNED:
                bad.append(str(path.relative_to(ROOT)))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = DECLARATION.match(line)
                if not found or found.group(2).startswith("`") or found.group(2) in ALLOWED_NAMES:
                    continue
                if set(words(found.group(2))) & BANNED and not found.group(2).endswith("ChannelHandler"):
                    bad.append(f"{path.relative_to(ROOT)}:{number} {found.group(2)}")
        self.assertEqual(bad, [])

    def test_nothing_is_public(self):
        bad = [
            f"{path.relative_to(ROOT)}:{number}"
            for path in tracked("Services/*.swift", "Shared/*.swift")
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if re.match(r"\s*(public|open)\s+(func|struct|class|enum|protocol|var|let|init|final)", line)
        ]
        self.assertEqual(bad, [])

    def test_no_path_of_a_developers_machine_and_no_unfinished_place(self):
        machine = ["/" + "work/", "/" + "root/", "/" + "home/", "bash_" + "jobs"]
        unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "not " + "implemented"]
        bad = []
        for path in tracked():
            if "Samples" in path.parts or path.suffix in {".bin", ".gz"}:
                continue
            text = path.read_text(errors="replace")
            bad += [f"{path.relative_to(ROOT)}: {word}" for word in machine + unfinished if word in text]
        self.assertEqual(bad, [])


class Clocks(unittest.TestCase):
    def sources(self):
        for path in tracked("Shared/*.swift", "Services/*.swift"):
            yield (
                str(path.relative_to(ROOT)),
                "".join(
                    line for line in path.read_text().splitlines(keepends=True) if not line.lstrip().startswith("//")
                ),
            )

    def test_the_wall_clock_is_read_only_where_a_time_is_written_down_or_shown(self):
        reading = re.compile(r"\bwallNanoseconds\(\)|\btime\(nil\)|\bDate\(\)|\bgettimeofday\(|CLOCK_REALTIME")
        bad = [
            name
            for name, text in self.sources()
            if reading.search(text) and not any(name == known or name.startswith(known + "/") for known in WALL_CLOCK)
        ]
        self.assertEqual(bad, [])

    def test_nothing_waits_by_the_wall_clock(self):
        # Dispatch's semaphores and groups, and NIO's and Foundation's conditions, end their waits by it on Linux.
        waiting = re.compile(
            r"\.wait\(timeout:|\.wait\(wallTimeout|wallDeadline|DispatchWallTime|timedwait|\.wait\(until"
            r"|Thread\.sleep|sleep\(until"
        )
        bad = [f"{name}: {found.group()}" for name, text in self.sources() for found in waiting.finditer(text)]
        self.assertEqual(bad, [])


class Imports(unittest.TestCase):
    def imports(self, folder: str) -> dict[Path, set[str]]:
        return {
            path: set(re.findall(r"^(?:@testable |package |internal )?import (?:\w+ )?(\w+)", path.read_text(), re.M))
            for path in tracked(f"{folder}/*.swift")
        }

    def test_no_service_imports_another(self):
        services = {path.name for path in (ROOT / "Services").iterdir()}
        for path, imported in self.imports("Services").items():
            self.assertEqual(imported & services, set(), path)
        for path, imported in self.imports("Shared").items():
            self.assertEqual(imported & services, set(), path)

    def test_only_the_module_zeromq_imports_libzmq(self):
        for path, imported in {**self.imports("Shared"), **self.imports("Services")}.items():
            if "ZeroMQ" not in path.parts:
                self.assertNotIn("CZeroMQ", imported, path)

    def test_only_the_control_apis_listener_imports_its_server_library(self):
        for path, imported in {**self.imports("Shared"), **self.imports("Services")}.items():
            if path.parts[-2:-1] != ("Server",):
                self.assertEqual({name for name in imported if name.startswith("Hummingbird")}, set(), path)

    def test_only_the_module_control_client_imports_async_http_client(self):
        for path, imported in {**self.imports("Shared"), **self.imports("Services")}.items():
            if "ControlClient" not in path.parts:
                self.assertNotIn("AsyncHTTPClient", imported, path)

    def test_the_bus_knows_envelopes_and_not_webhooks(self):
        for path, imported in self.imports("Shared/Bus").items():
            self.assertEqual(
                imported & {"PipelineConfiguration", "Events", "Providers", "StageProcess", "Journal", "EventLog"},
                set(),
                path,
            )

    def test_the_modules_of_the_data_path_do_without_foundation(self):
        for module in MODULES_WITHOUT_FOUNDATION:
            for path, imported in self.imports(f"Shared/{module}").items():
                self.assertEqual(imported & {"Foundation", "FoundationEssentials"}, set(), path)

    def test_foundations_json_stays_out_of_the_data_path(self):
        for folder in DATA_PATH:
            for path in tracked(f"{folder}/*.swift"):
                if "Admin" in path.parts or path.name == "ReprocessIntake.swift":  # operators' requests, not webhooks
                    continue
                self.assertNotRegex(path.read_text(), r"\bJSON(Serialization|Encoder|Decoder)\b", path)

    def test_only_verifier_and_router_resolve_secrets_among_the_stages(self):
        allowed = ("Services/Verifier/", "Services/FanoutRouter/", "Services/Tributary/", *SECRETS_ARE_READ_IN)
        for path in tracked("Services/*.swift", "Shared/*.swift"):
            if not str(path.relative_to(ROOT)).startswith(allowed):
                self.assertNotRegex(path.read_text(), r"\.resolve\(|SecretReference", path)
        for path in tracked("Services/Verifier/*.swift"):
            self.assertNotIn("subscriptions", path.read_text(), path)
        for path in tracked("Services/FanoutRouter/*.swift"):
            self.assertNotRegex(path.read_text(), r"sources.*secrets", path)

    def test_only_the_router_and_what_commands_speak_with_open_connections_to_the_outside(self):
        allowed = {"Services/FanoutRouter/Delivery", "Shared/ControlClient"}
        found = {
            str(path.parent.relative_to(ROOT))
            for path in tracked("Services/*.swift", "Shared/*.swift")
            if re.search(r"ClientBootstrap|\bHTTPClient[.(]|\bURLSession\b", path.read_text())
        }
        self.assertEqual(found - allowed, set())

    def test_only_commands_link_what_speaks_to_the_outside_on_their_behalf(self):
        for path, imported in self.imports("Services").items():
            if "Tributary" not in path.parts:
                self.assertNotIn("ControlClient", imported, path)

    def test_commands_do_not_touch_the_bus(self):
        for path, imported in self.imports("Services/Tributary").items():
            self.assertEqual(imported & {"Bus", "ZeroMQ", "CZeroMQ", "Journal", "EventLog"}, set(), path)


class Fixtures(unittest.TestCase):
    def test_certificates_have_one_maker(self):
        found = {
            path.relative_to(ROOT).parts[:2]
            for path in tracked("Tests/*.swift", "Tests/*.py", "scripts/*.py")
            if re.search(r"\breq\b.*-x509|\bX509_sign\(|CertificateBuilder", path.read_text()) and path.parent != HERE
        }
        self.assertEqual(found, {("Tests", "TestCertificates")})

    def test_whole_pipelines_have_one_launcher_in_python(self):
        starting = re.compile(r"[\"']up[\"'], [\"']-d[\"']")
        found = {
            str(path.relative_to(ROOT))
            for path in tracked("Tests/*.py", "scripts/*.py")
            if starting.search(path.read_text()) and "Supervisor" not in path.parts
        }
        # The demo shows what the command prints.
        self.assertEqual(found, {"scripts/launcher.py", "scripts/demonstration/__main__.py"})


class Waiting(unittest.TestCase):
    def test_swift_tests_wait_for_conditions_and_not_for_times(self):
        sleeping = re.compile(r"\busleep\(|\bTask\.sleep|clock\.sleep\(|Thread\.sleep|nanosleep\(")
        found = {
            str(path.relative_to(ROOT)) for path in tracked("Tests/*.swift") if sleeping.search(path.read_text())
        }
        self.assertEqual(found - SLEEPING_TESTS.keys(), set())

    def test_scripts_and_their_tests_wait_for_conditions_and_not_for_times(self):
        found = {
            str(path.relative_to(ROOT))
            for path in tracked("Tests/*.py", "scripts/*.py")
            if re.search(r"\btime\.sleep\(", path.read_text()) and path != Path(__file__).resolve()
        }
        self.assertEqual(found - SLEEPING_SCRIPTS.keys(), set())

    def test_what_is_random_in_tests_is_random_from_a_seed(self):
        # What is drawn for the name of a file or of a journal decides nothing.
        drawing = re.compile(
            r"^(?!.*(?:UInt32\.random|JournalID\.random)).*\b(?:\w+\.random\(in:(?!.*using:)|Bool\.random\(\)"
            r"|\.shuffled\(\)|\.randomElement\(\))", re.M
        )
        bad = [
            f"{path.relative_to(ROOT)}: {found.group().strip()}"
            for path in tracked("Tests/*.swift")
            for found in drawing.finditer(path.read_text())
        ]
        bad += [
            str(path.relative_to(ROOT))
            for path in tracked("Tests/*.py")
            if re.search(r"^\s*(?:import random|from random)", path.read_text(), re.M)
        ]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main()
