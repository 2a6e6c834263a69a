"""What the README promises has a test of that name or close to it, and what it names is there."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
STRONG = re.compile(r"\b(only|never|nothing|all|exactly|always|everywhere|nobody|one fsync|one transaction)\b", re.I)
"""Words that make a sentence of prose an invariant."""
HELD_BY = {
    "2xx means on disk": [
        ("EndToEnd/KillTests.swift", "the ingress accepts while everything behind it is down"),
        ("EndToEnd/DiskTests.swift", "an ingress with a full disk answers 503 and goes on when there is space"),
        ("EndToEnd/JournalCutTests.swift", "a journal whose last unanswered commit was torn starts"),
        ("JournalTests/SQLiteJournalTests.swift", "every commit is synced")],
    "its bytes are never re-encoded": [
        ("IngressGatewayTests/DamagedRecordsTests.swift", "sound records are passed on as the very same bytes")],
    "one fsync for all": [
        ("IngressGatewayTests/PartsTests.swift", "small batches grow together while the journal is busy")],
    "kept the provider waiting for at most 250 ms": [
        ("BusTests/CreditTests.swift", "each webhook is answered exactly once: with its verdict, or when the time is")],
    "byte for byte, but for credentials": [
        ("NormaliserTests/NormaliserStageTests.swift", "secrets are redacted and everything else stays byte for byte"),
        ("EndToEnd/ProviderTests.swift", "whatever JSON comes arrives byte for byte, and what is none is refused")],
    "in one transaction with the journal's *watermark*": [
        ("EventLogTests/SQLiteEventLogTests.swift", "a log cut anywhere in its last commit loses that commit as"),
        ("EventLogTests/ContractTests.swift", "watermarks, identity and positions survive a restart")],
    "Providers notice nothing": [
        ("Supervisor/test_supervisor.py", "test_connections_wait_while_the_ingress_is_away"),
        ("EndToEnd/KillTests.swift", "ten thousand webhooks survive the death of a stage every half second")],
    "a leaving one passes on what it holds": [
        ("EndToEnd/SupervisorTests.swift", "scaling the normalisers up and down loses nothing")],
    "Nothing accepted is lost": [
        ("EndToEnd/KillTests.swift", "ten thousand webhooks survive the death of a stage every half second"),
        ("EndToEnd/ClockTests.swift", "a wall clock that jumps by minutes, hours or days delays, loses and expires")],
    "exactly once from the journal into the event log": [
        ("BusTests/ReorderTests.swift", "the watermark is the whole memory: what is at or below it is a duplicate")],
    "events of one source enter the log in the order": [
        ("EndToEnd/OrderTests.swift", "twenty thousand webhooks through four normalisers keep the order of")],
    "One slow or dead subscriber costs the others nothing": [
        ("FanoutRouterTests/LaneTests.swift", "a dead subscriber costs the others nothing and is hardly asked")],
    "Bounded everywhere": [
        ("EndToEnd/BadInputTests.swift", "random bytes on every socket kill no process and take no memory"),
        ("EventLogTests/QuarantineTests.swift", "the whole is bounded by giving every budget an equal part"),
        ("HTTPFrontTests/RequestParserTests.swift", "heads are bounded before they are complete")],
    "Bad input never kills a stage": [
        ("EndToEnd/BadInputTests.swift", "bad requests get the right answer and code"),
        ("WireTests/HostileBytesTests.swift", "random bytes are refused and harm nothing"),
        ("EndToEnd/PoisonTests.swift", "a webhook that crashes the normaliser is quarantined and holds nobody up")],
}
"""Words of the README, and the tests that hold the sentence: file below Tests, and how its name begins."""


def sentences() -> list[str]:
    """The README's prose, without code and tables."""
    text = re.sub(r"```.*?```", "", README.read_text(), flags=re.S)
    text = re.sub(r"^[|#].*$", "", text, flags=re.M)
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n|\n(?=\d+\. |- )", text)]
    return [sentence for each in paragraphs for sentence in re.split(r"(?<=[.!?;:]) +(?=\S)", each) if sentence]


class Promises(unittest.TestCase):
    maxDiff = None

    def test_every_sentence_of_the_readme_that_says_only_never_or_all_is_held_by_a_test(self):
        unheld = [
            sentence for sentence in sentences() if STRONG.search(sentence) and
            not any(words.rstrip(".") in sentence for words in HELD_BY)]
        self.assertEqual(unheld, [])

    def test_what_is_said_to_be_held_stands_in_the_readme_and_its_tests_are_there(self):
        prose = " ".join(README.read_text().split())
        for words, tests in HELD_BY.items():
            self.assertIn(words, prose)
            for file, name in tests:
                declared = re.escape(name) if name.startswith("test_") else r"func `" + re.escape(name)
                self.assertRegex((ROOT / "Tests" / file).read_text(), declared)

    def test_every_file_and_folder_that_the_readme_names_is_there(self):
        named = re.findall(r"[`(]((?:Services|Shared|Tests|scripts|compose|\.github)/[\w./-]+)[`)]", README.read_text())
        self.assertGreater(len(named), 10)
        self.assertEqual([path for path in named if not (ROOT / path).exists()], [])


if __name__ == "__main__":
    unittest.main()
