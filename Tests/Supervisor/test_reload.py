"""`scripts/supervisor reload` with fake stages: what is signalled, restarted, started and said, and in which order."""

import json
import os
import signal
import unittest

from pipeline import until
from test_supervisor import ALL, SupervisorCase

ORDER = ["fanout-router-0", "normaliser-0", "normaliser-1", "verifier-0", "ingress-gateway-0"]


def change(text: str, effect: str, *stages: str) -> dict:
    return {"text": text, "effect": effect, "stages": list(stages), "meaning": f"{effect} {', '.join(stages)}"}


class Reloading(SupervisorCase):
    def setUp(self):
        super().setUp()
        self.pipeline.good("up", "-d")

    def reload(self, *changes: dict) -> dict:
        """Writes the changes into the file, reloads, and answers the JSON."""
        self.pipeline.tree["changes"] = changes
        self.pipeline.write()
        return json.loads(self.pipeline.command("reload", "--json").stdout)

    def outcomes(self, answer: dict) -> dict[str, str]:
        return {row["instance"]: row["outcome"] for row in answer["instances"]}

    def test_what_counts_in_place_is_taken_downstream_first_and_nothing_restarts(self):
        before = dict(self.pipeline.living())
        self.pipeline.tree["changes"] = [change("source b added", "in_place", "verifier", "normaliser")]
        self.pipeline.write()
        said = self.pipeline.good("reload")
        self.assertIn("changed: source b added (in_place verifier, normaliser)\n", said)
        self.assertIn("1 change; instances: 5 in place.", said)
        self.assertEqual(dict(self.pipeline.living()), before)
        self.assertEqual([line["instance"] for line in self.pipeline.diary("hangup")], ORDER)

    def test_a_stage_of_connectors_starts_with_the_first_of_them_and_stays_for_its_journal(self):
        self.pipeline.tree["connectors"] = [{"name": "queue"}]
        answer = self.reload(change("connector queue added", "in_place", "ingress-connector", "verifier"))
        self.assertEqual(self.outcomes(answer)["ingress-connector-0"], "started")
        (self.pipeline.folder / "data" / "ingress-connector-0").mkdir(parents=True, exist_ok=True)
        self.pipeline.tree["connectors"] = []
        answer = self.reload(change("connector queue removed", "in_place", "ingress-connector", "verifier"))
        self.assertEqual(self.outcomes(answer)["ingress-connector-0"], "in place")

    def test_connectors_are_divided_anew_when_all_that_ran_them_have_stopped(self):
        self.pipeline.tree["connectors"] = [{"name": "queue"}]
        self.reload(change("connector queue added", "in_place", "ingress-connector", "verifier"))
        self.pipeline.tree["connector"] = {"instances": 2}
        answer = self.reload(change("connector.instances: 1 → 2", "instances", "ingress-connector"))
        self.assertEqual({name: outcome for name, outcome in self.outcomes(answer).items() if "connector" in name},
                         {"ingress-connector-0": "started", "ingress-connector-1": "started"})
        stopped, = self.pipeline.diary("stop")
        self.assertEqual(stopped["instance"], "ingress-connector-0")
        starts = [line for line in self.pipeline.diary("start") if "connector" in line["instance"]]
        self.assertEqual([line["at"] > stopped["at"] for line in starts], [False, True, True])

    def test_an_invalid_file_touches_nothing_and_shows_its_errors(self):
        self.pipeline.tree["wrong"] = "sources: expected a list"
        self.pipeline.write()
        ended = self.pipeline.command("reload")
        self.assertEqual(ended.returncode, 78)
        self.assertIn("pipeline.json:1: sources: expected a list", ended.stderr)
        del self.pipeline.tree["wrong"]
        self.pipeline.tree["unfit"] = "it is a file"
        self.pipeline.write()
        ended = self.pipeline.command("reload")
        self.assertEqual((ended.returncode, ended.stderr), (78, "tributary: data_dir: it is a file\n"))
        self.assertEqual(self.pipeline.diary("hangup"), [])

    def test_what_needs_a_restart_is_replaced_one_after_the_other_and_the_rest_is_not(self):
        before = dict(self.pipeline.living())
        answer = self.reload(change("normaliser.metrics_listen: none → 127.0.0.1:1", "restart", "normaliser"))
        after = dict(self.pipeline.living())
        self.assertEqual({name for name in ALL if before[name] != after[name]}, {"normaliser-0", "normaliser-1"})
        self.assertTrue(answer["ok"])
        self.assertEqual(self.outcomes(answer), dict.fromkeys(ALL, "in place") | {
            "normaliser-0": "restarted", "normaliser-1": "restarted"})
        stops, starts = self.pipeline.diary("stop"), self.pipeline.diary("start")[len(ALL):]
        self.assertLess(starts[0]["at"], stops[1]["at"])

    def test_a_variable_that_is_new_to_a_stage_restarts_it_with_the_callers_value(self):
        self.pipeline.environment |= {"STREAM_SECRET": "rotated", "NEW_SECRET": "n"}
        self.pipeline.tree["environment"]["fanout-router"].append("NEW_SECRET")
        answer = self.reload()
        self.assertEqual({name for name, outcome in self.outcomes(answer).items() if outcome == "restarted"},
                         {"verifier-0", "fanout-router-0"})
        seen = {line["instance"]: line["environment"] for line in self.pipeline.diary("start")}
        self.assertEqual(seen["verifier-0"]["STREAM_SECRET"], "rotated")
        self.assertEqual(seen["fanout-router-0"]["NEW_SECRET"], "n")
        self.assertNotIn("rotated", json.dumps(answer))
        self.assertEqual(set(self.outcomes(self.reload()).values()), {"in place"})

    def test_a_missing_variable_is_named_and_touches_nothing(self):
        self.pipeline.tree["environment"]["verifier"].append("MISSING_SECRET")
        self.pipeline.write()
        ended = self.pipeline.command("reload")
        self.assertEqual(ended.returncode, 78)
        self.assertIn("MISSING_SECRET not set; ", ended.stderr)
        self.assertIn("for verifier. Nothing was reloaded", ended.stderr)
        self.assertEqual(self.pipeline.diary("hangup"), [])

    def test_other_numbers_of_instances_are_started_and_stopped(self):
        self.pipeline.tree["normaliser"]["instances"] = 1
        self.pipeline.tree["verifier"]["instances"] = 3
        answer = self.reload(change("normaliser.instances: 2 → 1", "instances", "normaliser"),
                             change("verifier.instances: 1 → 3", "instances", "verifier"))
        self.assertEqual(self.outcomes(answer) | {}, {
            "fanout-router-0": "in place", "normaliser-0": "in place", "normaliser-1": "stopped",
            "verifier-0": "in place", "verifier-1": "started", "verifier-2": "started",
            "ingress-gateway-0": "in place"})
        self.assert_one_each(["fanout-router-0", "ingress-gateway-0", "normaliser-0", "verifier-0", "verifier-1",
                              "verifier-2"])

    def test_a_stage_that_refuses_is_said_and_those_before_it_are_left_alone(self):
        self.pipeline.steer("normaliser-1", "refuses")
        answer = self.reload()
        self.assertFalse(answer["ok"])
        self.assertEqual(self.outcomes(answer), {
            "fanout-router-0": "in place", "normaliser-0": "in place", "normaliser-1": "failed",
            "verifier-0": "not reached", "ingress-gateway-0": "not reached"})
        self.assertEqual(self.pipeline.command("reload").returncode, 1)
        self.pipeline.steer("normaliser-1", "refuses", None)
        self.assertIn("5 in place", self.pipeline.good("reload"))

    def test_a_stage_that_cannot_say_what_it_runs_by_is_restarted(self):
        self.pipeline.steer("verifier-0", "old")
        answer = self.reload()
        self.assertEqual(self.outcomes(answer)["verifier-0"], "restarted")
        self.assertEqual(self.pipeline.diary("start")[-1]["instance"], "verifier-0")

    def test_another_listen_address_takes_a_new_socket(self):
        self.pipeline.tree["ingress"]["listen"] = "[::1]:0"
        answer = self.reload(change("ingress.listen: a → b", "restart", "ingress-gateway"))
        self.assertEqual(self.outcomes(answer)["ingress-gateway-0"], "restarted")
        self.assertTrue(self.pipeline.status()["listen"]["ingress-gateway"].startswith("[::1]:"))

    def test_hangup_of_the_supervisor_means_the_same(self):
        os.kill(self.pipeline.status()["supervisor"]["pid"], signal.SIGHUP)
        until(lambda: [line["instance"] for line in self.pipeline.diary("hangup")] == ORDER, "every stage was told")

    def test_a_supervisor_that_takes_over_says_that_the_file_has_changed_and_compares_with_what_runs(self):
        copy = self.pipeline.folder / "run" / "accepted.yaml"
        former = copy.read_bytes()
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        self.pipeline.kill_supervisor()
        self.pipeline.tree["changes"] = [change("source b added", "in_place", "verifier")]
        self.pipeline.write()
        self.assertIn("differs from what runs", self.pipeline.command("up", "-d").stderr)
        self.assertEqual(copy.read_bytes(), former)
        self.assertIn("1 change", self.pipeline.good("reload"))
        self.assertEqual(copy.read_text(), f"# accepted from {self.pipeline.file}\n{self.pipeline.file.read_text()}")


if __name__ == "__main__":
    unittest.main()
