"""Every sentence of the README that says only, never, one, all or the like names the test that holds it."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ABSOLUTE = re.compile(r"\b(only|never|one|all|every|everywhere|everybody|nothing|exactly|none|whatever)\b", re.I)
NO_PROMISES = ("## ", "| ")
HELD = {
    "It takes in the webhooks of video providers": (
        "EndToEnd/ProviderTests.swift", "the samples of all five providers arrive"),
    "What it has answered with 2xx is on disk": (
        "EndToEnd/KillTests.swift", "ten thousand webhooks survive the death of a stage every half second"),
    "`scripts/demo` then shows": ("Supervisor/test_demonstration.py", "test_a_journey_is_told"),
    "`Services/IngressGateway/FrontDoor` reads the request": (
        "EndToEnd", "whatever JSON comes arrives byte for byte"),
    "`Shared/WebhookIntake/JournalThread.swift` gives it": (
        "JournalTests", "every commit is on the disk before it is answered"),
    "`Services/FanoutRouter/EventDelivery/Intake/LogWriter.swift` puts": (
        "EventLogTests", "watermarks, identity and positions survive a restart"),
    "`Services/FanoutRouter/EventDelivery/Lanes/Lane.swift`, one per": (
        "EndToEnd", "a router that is killed again and again keeps subscriptions"),
    "- **Deploy one stage**": ("Supervisor/test_supervisor.py", "test_restart_replaces_one_after_the_other"),
    "Providers notice nothing": ("Supervisor/test_supervisor.py", "test_connections_wait_while_the_ingress_is_away"),
    "New instances find the bus": ("EndToEnd", "scaling the normalisers up and down loses nothing"),
    "**Nothing accepted is lost**": ("EndToEnd", "ten thousand webhooks survive the death of a stage"),
    "**Order:**": ("EndToEnd", "twenty thousand webhooks through four normalisers keep the order of acceptance"),
    "Deliveries of one subscription run in parallel": (
        "FanoutRouterTests", "one event of a key is under way, the others follow in order"),
    "**One slow or dead subscriber": (
        "FanoutRouterTests", "a dead subscriber costs the others nothing and is hardly asked"),
    "**Bounded everywhere:**": ("EndToEnd", "random bytes on every socket kill no process and take no memory"),
    "**Bad input never kills a stage.**": (
        "EndToEnd", "a webhook that crashes the normaliser is quarantined and holds nobody up"),
    "With several routers": ("EndToEnd", "a dead router holds up its own sources and no others"),
}
"""The beginning of the sentence, and where below Tests which words name its test."""


def sentences(text: str) -> list[str]:
    """Without code blocks; the entries of lists are paragraphs."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    paragraphs = re.split(r"\n\s*\n|\n(?=\s*(?:[-*#|]|\d+\.)\s)", text)
    ends = r"(?<=[.:;!?])\s+(?=[A-Z`*\d\[])"
    return [re.sub(r"^\d+\. ", "", each) for part in paragraphs for each in re.split(ends, " ".join(part.split()))]


class Promises(unittest.TestCase):
    def test_every_absolute_sentence_of_the_readme_has_a_test_that_holds_it(self):
        found = [each for each in sentences((ROOT / "README.md").read_text())
                 if ABSOLUTE.search(each) and not each.startswith(NO_PROMISES)]
        self.assertEqual([each for each in found if not each.startswith(tuple(HELD))], [],
                         "name its test in HELD, or say less")
        self.assertEqual([each for each in HELD if not any(said.startswith(each) for said in found)], [],
                         "the README says this no more")

    def test_every_test_that_is_named_exists(self):
        for sentence, (place, words) in HELD.items():
            path = ROOT / "Tests" / place
            files = [path] if path.is_file() else [*path.rglob("*.swift"), *path.rglob("*.py")]
            self.assertTrue(any(words in file.read_text() for file in files), f"{sentence}: {place} has no {words}")


if __name__ == "__main__":
    unittest.main()
