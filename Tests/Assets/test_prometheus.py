"""compose/prometheus and compose/grafana, against promtool and a real Prometheus that scrapes a running pipeline."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "scripts"), str(Path(__file__).resolve().parent)]

from launcher import HOST, PATIENCE_SECONDS, ROOT, free_port, until  # noqa: E402
from running import Running  # noqa: E402

PROMETHEUS = ROOT / "compose" / "prometheus"
DASHBOARD = ROOT / "compose" / "grafana" / "tributary.json"
RULES_TEST = Path(__file__).with_name("tributary.rules.test.yml")
FEW_SECONDS = 60.0
METRIC = re.compile(r"\b(?:tributary|process)_[a-z_]+\b")


def rule_lines() -> list[str]:
    return [line for line in (PROMETHEUS / "tributary.rules.yml").read_text().splitlines()
            if not line.lstrip().startswith("#")]


def dashboard_expressions() -> list[str]:
    tree = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in tree["panels"] for target in panel.get("targets", ())]


@unittest.skipUnless(shutil.which("promtool"), "skipped: there is no promtool here")
class Rules(unittest.TestCase):
    def promtool(self, *arguments: str | Path):
        ended = subprocess.run(["promtool", *arguments], text=True, capture_output=True)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_promtool_takes_configuration_and_rules(self):
        self.promtool("check", "config", PROMETHEUS / "prometheus.yml")

    def test_every_alert_fires_for_what_it_names_and_for_nothing_else(self):
        self.promtool("test", "rules", RULES_TEST)

    def test_no_alert_is_without_a_test(self):
        alerts = set(re.findall(r"alert: (\w+)", "\n".join(rule_lines())))
        self.assertEqual(set(re.findall(r'alertname="(\w+)"', RULES_TEST.read_text())), alerts)


class Scraped(unittest.TestCase):
    """Needs no Prometheus for the names, and one for the rest."""

    @classmethod
    def setUpClass(cls):
        cls.pipeline = cls.enterClassContext(Running())
        cls.pipeline.make_everything_show()

    def test_alerts_and_dashboard_name_only_metrics_that_a_running_pipeline_has(self):
        wanted = set(METRIC.findall("\n".join(rule_lines() + dashboard_expressions())))
        self.assertGreater(len(wanted), 30)
        with self.subTest("waiting"):  # for what comes with the first rejection
            until(lambda: wanted <= self.pipeline.names(), "all of the metrics", FEW_SECONDS, pause_seconds=0.1)
        self.assertEqual(wanted - self.pipeline.names(), set())

    def test_the_ports_that_are_scraped_are_those_of_the_installed_configuration(self):
        installed = (ROOT / "compose" / "systemd" / "tributary.yaml").read_text()
        listening = set(re.findall(r'metrics_listen: "([0-9.:]+)"', installed))
        scraped = set(re.findall(r'"(127[0-9.:]+)"', (PROMETHEUS / "prometheus.yml").read_text()))
        self.assertEqual(scraped - listening, {"127.0.0.1:9401"})  # the second normaliser
        self.assertEqual(listening - scraped, set())

    def test_every_expression_of_the_dashboard_returns_data_and_every_rule_can_be_evaluated(self):
        if not shutil.which("prometheus"):
            self.skipTest("skipped: there is no prometheus here")
        folder = Path(tempfile.mkdtemp(prefix="prometheus-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(PROMETHEUS / "tributary.rules.yml", folder)
        targets = json.dumps([f"{HOST}:{port}" for port in self.pipeline.ports.values()])
        text = (PROMETHEUS / "prometheus.yml").read_text().partition("    static_configs:")[0]
        (folder / "prometheus.yml").write_text(
            text.replace("15s", "1s") + f"    static_configs: [{{ targets: {targets} }}]\n")
        port = free_port()
        log = (folder / "log").open("wb")
        self.addCleanup(log.close)
        server = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={HOST}:{port}"], stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

        def ask(path: str, **query: str):
            try:
                with urllib.request.urlopen(f"http://{HOST}:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}",
                                            timeout=PATIENCE_SECONDS) as answer:
                    return json.load(answer)["data"]
            except OSError:
                return None

        def has_data(expression: str) -> bool:
            answer = ask("query", query=expression.replace("$__rate_interval", "5m"))
            return bool(answer and answer["result"])

        waiting = dashboard_expressions()

        def all_have_data() -> bool:
            self.pipeline.make_everything_show()
            waiting[:] = [each for each in waiting if not has_data(each)]
            return not waiting

        try:
            until(all_have_data, "data for every expression", PATIENCE_SECONDS, pause_seconds=0.3)
        except Exception as error:
            raise AssertionError(f"no data for {waiting}; {(folder / 'log').read_text()[-1000:]}") from error
        health = {target["scrapeUrl"]: target["health"] for target in ask("targets")["activeTargets"]}
        self.assertEqual(set(health.values()), {"up"}, health)

        def rules() -> list[dict]:
            return [rule for group in ask("rules")["groups"] for rule in group["rules"]]

        until(lambda: all(rule["health"] != "unknown" for rule in rules()), "every rule was evaluated")
        self.assertEqual({rule["name"]: rule.get("lastError") for rule in rules() if rule["health"] != "ok"}, {})


if __name__ == "__main__":
    unittest.main()
