"""Reads the sources and holds them to the house rules."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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
PROTOCOL_TERMS = {
    "Shared/WebSocket": {"data", "message"},
    "Services/FanoutRouter/ControlAPI/Push": {"message"},
    "Services/Tributary/Listen": {"message"},
    "Services/IngressConnector": {"message"},
    "Tests/IngressConnectorTests": {"message"},
}
"""Terms of the protocol that a folder speaks (RFC 6455, SQS), which elsewhere say nothing."""
FOUNDATION = {
    "Shared/EventLog": "GRDB's columns",
    "Shared/JournalTakeOver": "the same, of journals of versions before",
    "Services/IngressGateway": "JSON of operators' requests",
    "Services/Tributary": "commands: files and processes",
}
"""The modules that may import Foundation, each with what for; all others do without."""
FOUNDATION_JSON = {"ReprocessIntake.swift": "operators' requests, not webhooks"}
OUTGOING = {
    "Acceptor.swift": "none: it takes what a listening socket has accepted",
    "SubscriberConnector.swift": "the router's deliveries",
    "DestinationProbe.swift": "tributary doctor, to see whether a destination can be reached",
    "LinkFindings.swift": "tributary doctor, to see whether stages on other hosts can be reached",
    "ControlClient.swift": "commands, to a router elsewhere",
    "SQSClient.swift": "from a queue of SQS, for who receives from there",
    "NATSConnection.swift": "the router's deliveries to NATS, to an address that it has checked",
    "HTTPFailure.swift": "the same: what failed",
    "UnixSocket.swift": "commands, to the supervisor of this host",
    "WebSocketClient.swift": "commands, to a router's stream; the connector, to a Fishjam server",
}
"""Where a connection to the outside is opened: for the router's deliveries, the connector and the commands."""
SECRETS = {
    "Services/Verifier": "the providers'",
    "Services/FanoutRouter": "the subscribers' and the API's",
    "Services/IngressConnector": "those of what it fetches from",
    "Services/Tributary": "a command acts as verifier and router do",
    "Shared/ServerCertificates": "keys of listeners",
    "Shared/Configuration": "how a reference is resolved, and `check --secrets`",
    "Shared/StageProcess": "what a stage's own part names, and marks of what changed",
}
"""Where a reference to a secret may be resolved."""
WALL_CLOCK = {
    "Services/IngressConnector": "received-at, when a server was last heard, the time that a request's signature names",
    "Shared/WebhookIntake": "the age of the oldest, and when a damaged one was replaced",
    "Shared/StageMetrics/Clock.swift": "is it",
    "Shared/StageProcess/LogLines.swift": "the time of a line",
    "Shared/StageProcess/ReloadableConfiguration.swift": "when a configuration was loaded",
    "Shared/Bus/Worker/StageRunner.swift": "stamps of a stage",
    "Shared/Bus/Links/TapPublisher.swift": "when a batch passed",
    "Services/IngressGateway/FrontDoor/Connection.swift": "received-at",
    "Services/IngressGateway/FrontDoor/EnvelopeBuilder.swift": "received-at",
    "Shared/HTTPFront/HTTPDate.swift": "the field Date",
    "Services/Verifier/VerifierWork.swift": "which keys counted, against received-at",
    "Services/Normaliser/NormaliserWork.swift": "which sources counted, against received-at",
    "Services/FanoutRouter/EventDelivery/Intake/LogWriter.swift": "the router's stamp",
    "Services/FanoutRouter/EventDelivery/Destinations/HTTP/RetryAfter.swift": "a date that a subscriber names",
    "Services/FanoutRouter/EventDelivery/Lanes/Lane.swift": "times of attempts and dead letters",
    "Services/FanoutRouter/EventDelivery/Lanes/LaneHub.swift": "the log's times are read against it at the start",
    "Services/FanoutRouter/EventDelivery/Replay/ReplayRunner.swift": "times of jobs",
    "Services/FanoutRouter/EventDelivery/Conditions": "times of the gateway's own events, days left of certificates",
    "Services/FanoutRouter/ControlAPI": "times that operators' acts are stored with, and what they are shown",
    "Services/Tributary": "commands: they show times, and sign with them",
    "Services/BusTap": "a command",
}
"""Where the wall clock is read: only to write a time down or to show it. Waiting and ages go by the others."""
PRIVATE_NAMES = re.compile(
    r"(?:[a-z0-9]|\b)(Desk|Workshop|Workplace|Wiring|Shelf|Bench|Handover|Correspondent|Figures|Manner|OwnThread|Tenants)"
    r"(?![a-z])"
)
"""Words of our own for what has a standard term, such as Store, Dependencies, Fixture, Delegate, Metrics, Options."""
SLEEPING = {
    "Tests/StageProcessTests/StalledThreadTests.swift": "between two looks",
    "Tests/IngressGatewayTests/IngressFixtures.swift": "between two looks",
    "Tests/BusTests/PipelineOverSocketsTests.swift": "between two looks",
    "Tests/EndToEnd/Harness/Waiting.swift": "between two looks, and where a test is about something lasting",
    "Tests/ZeroMQTests/LibzmqFactsTests.swift": "that nothing comes has no condition; facts about libzmq's own times",
    "Tests/ZeroMQTests/LibzmqTrapsTests.swift": "the same",
    "Tests/FanoutRouterTests/LaneChangeTests.swift": "lets deliveries begin; nothing is asserted of it",
    "Tests/FanoutRouterTests/Subscriber.swift": "between two looks",
    "Tests/FanoutRouterTests/StoreFixture.swift": "between two looks",
    "Tests/Hosts/test_hosts.py": "how long a partition lasts",
    "Tests/Hosts/test_routers.py": "the same",
    "Tests/Listeners/test_listeners.py": "the span in which processor time is counted",
    "Tests/Supervisor/test_under_load.py": "how long a process is stopped, and how long it runs",
    "scripts/launcher.py": "between two looks",
    "scripts/supervision/service.py": "between two looks",
    "scripts/benchmark/bench.py": "the time in which the stages are idle",
    "scripts/benchmark/flood.py": "the rate of a sender",
    "scripts/benchmark/operate.py": "the time in which figures are taken",
    "scripts/benchmark/senders.py": "the rate of a sender",
}
"""Where something sleeps, and why that is no wait for something that could be asked for."""
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
            terms = (said for folder, said in PROTOCOL_TERMS.items() if str(path.relative_to(ROOT)).startswith(folder))
            banned = BANNED - set().union(*terms)
            if set(words(path.stem)) & banned:
                bad.append(str(path.relative_to(ROOT)))
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = DECLARATION.match(line)
                if not found or found.group(2).startswith("`") or found.group(2) in ALLOWED_NAMES:
                    continue
                if set(words(found.group(2))) & banned and not found.group(2).endswith("ChannelHandler"):
                    bad.append(f"{path.relative_to(ROOT)}:{number} {found.group(2)}")
        self.assertEqual(bad, [])

    def test_a_standard_term_is_not_given_a_private_name(self):
        bad = []
        for path in tracked("Services/*.swift", "Shared/*.swift", "Tests/*.swift"):
            found = [found.group(2) for line in path.read_text().splitlines() if (found := DECLARATION.match(line))]
            bad += [
                f"{path}: {name}" for name in [path.stem, *found] if PRIVATE_NAMES.search(name[0].upper() + name[1:])
            ]
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

    def test_a_c_library_is_imported_only_by_the_one_module_that_is_its_face(self):
        faces = {"CNATS": "NATS", "CZeroMQ": "ZeroMQ", "COpenSSL": "Crypto", "CSimdJSON": "SimdJSON", "CZlib": "Gzip"}
        for path, imported in {**self.imports("Shared"), **self.imports("Services")}.items():
            for library, face in faces.items():
                if face not in path.parts:
                    self.assertNotIn(library, imported, path)

    def test_what_is_known_of_providers_is_data_and_only_normalisation_reads_payloads(self):
        for path, imported in self.imports("Shared/Providers").items():
            if "Normalisation" not in path.parts:
                code = {"LibCrypto", "Gzip", "SimdJSON", "Verification", "Normalisation"}
                self.assertEqual(imported & code, set(), path)

    def test_what_is_known_of_one_kind_of_destination_lies_in_its_folder(self):
        own = re.compile(
            r"\b(HTTPDestination|FileDestination|ConnectionPool|DeliveryHead|JSONLinesFile|SQSDestination"
            r"|NATSDestination|NATSLink)\b"
        )
        bad = [
            str(path.relative_to(ROOT))
            for path in tracked("Services/*.swift")
            if "/Destinations/" not in str(path) and own.search(path.read_text())
        ]
        self.assertEqual(bad, [])

    def test_only_the_clients_that_are_modules_import_async_http_client(self):
        for path, imported in {**self.imports("Shared"), **self.imports("Services")}.items():
            if not {"ControlClient", "SQSClient"} & set(path.parts):
                self.assertNotIn("AsyncHTTPClient", imported, path)

    def test_the_bus_knows_envelopes_and_not_webhooks(self):
        for path, imported in self.imports("Shared/Bus").items():
            self.assertEqual(
                imported & {"PipelineConfiguration", "Events", "Providers", "StageProcess", "Journal", "EventLog"},
                set(),
                path,
            )

    def sources(self, known: dict[str, str], pattern: str) -> set[str]:
        """The files of all modules, commands too, whose code says such a thing, but for known folders and names."""
        return {
            str(path.relative_to(ROOT))
            for path in tracked("Shared/*.swift", "Services/*.swift")
            if not any(path.name == each or str(path.relative_to(ROOT)).startswith(each + "/") for each in known)
            and any(
                re.search(pattern, line) for line in path.read_text().splitlines() if not line.lstrip().startswith("//")
            )
        }

    def test_all_modules_but_those_that_are_named_do_without_foundation(self):
        self.assertEqual(self.sources(FOUNDATION, r"^(?:\w+ )?import Foundation"), set())

    def test_foundations_json_reads_operators_requests_and_nothing_else(self):
        self.assertEqual(self.sources(FOUNDATION_JSON, r"\bJSON(Serialization|Encoder|Decoder)\b"), set())

    def test_only_who_owns_secrets_resolves_them(self):
        self.assertEqual(self.sources(SECRETS, r"\b(environment|reference|SecretArgument)\.resolve\("), set())
        for path in tracked("Services/Verifier/*.swift"):
            self.assertNotIn("subscriptions", path.read_text(), path)
        for path in tracked("Services/FanoutRouter/*.swift"):
            self.assertNotRegex(path.read_text(), r"sources.*secrets", path)

    def test_only_the_router_and_the_commands_open_connections_to_the_outside(self):
        opening = (
            r"\bClientBootstrap\b|natsConnection_Connect\(|\bHTTPClient\b|NIOPipeBootstrap|DatagramBootstrap"
            r"|\bconnect\(descriptor"
        )
        self.assertEqual(self.sources(OUTGOING, opening), set())


class Fixtures(unittest.TestCase):
    def test_certificates_have_one_maker_in_each_language(self):
        found = {
            path.relative_to(ROOT).parts[:2]
            for path in tracked("Tests/*.swift", "Tests/*.py", "scripts/*.py")
            if path != Path(__file__)
            and re.search(r"\breq\b.*-x509|\bX509_sign\(|CertificateBuilder", path.read_text())
        }
        self.assertEqual(found, {("Tests", "TestCertificates"), ("Tests", "Assets")})

    def test_whole_pipelines_have_one_launcher_in_python(self):
        starting = re.compile(r"[\"']up[\"'], [\"']-d[\"']")
        found = {
            str(path.relative_to(ROOT))
            for path in tracked("Tests/*.py", "scripts/*.py")
            if starting.search(path.read_text()) and "Supervisor" not in path.parts
        }
        # The demo shows what the command prints.
        self.assertLessEqual(found, {"scripts/launcher.py", "scripts/demonstration/__main__.py"})

    def test_tests_and_scripts_wait_for_conditions_and_not_for_times(self):
        sleeping = re.compile(
            r"\busleep\(|\bTask\.sleep\(|\bclock\.sleep\(|\bThread\.sleep|nanosleep\(|\btime\.sleep\("
        )
        found = {
            str(path.relative_to(ROOT))
            for path in tracked("Tests/*.swift", "Tests/*.py", "scripts/*.py")
            if sleeping.search(path.read_text()) and path != Path(__file__)
        }
        self.assertEqual(found, set(SLEEPING))

    def test_what_is_random_in_tests_is_random_from_a_seed(self):
        # What is drawn for the name of a file or of a journal decides nothing.
        drawing = re.compile(
            r"^(?!.*(?:UInt32\.random|JournalID\.random)).*\b(?:\w+\.random\(in:(?!.*using:)|Bool\.random\(\)"
            r"|\.shuffled\(\)|\.randomElement\(\))|^\s*(?:import random|from random)\b",
            re.M,
        )
        bad = [
            f"{path.relative_to(ROOT)}: {found.group().strip()}"
            for path in tracked("Tests/*.swift", "Tests/*.py")
            for found in drawing.finditer(path.read_text())
        ]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main()
