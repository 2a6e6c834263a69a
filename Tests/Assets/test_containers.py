"""The image, the composition and the manifests of compose: judged by hadolint, the schema of Compose and those of
Kubernetes, and held against the stages and what these read. Nothing is started: that needs a container engine."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from executables import EXECUTABLES  # noqa: E402
from launcher import ROOT, binaries  # noqa: E402
from supervision.process import RUNTIME  # noqa: E402

COMPOSE = ROOT / "compose"
TOOLS = Path(sys.executable).parent
STARTED = {"ingress-gateway": "ingress", "verifier": "verifier", "normaliser": "normaliser", "fanout-router": "router"}
"""The stages that run without further configuration, and their keys there."""


def documents(folder: str) -> list[dict]:
    return [each for file in sorted((COMPOSE / folder).glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())]


def manifests() -> dict[str, dict]:
    """Of the pipeline in one pod."""
    return {each["kind"]: each for each in documents("kubernetes")}


def services(name: str = "docker-compose.yaml") -> dict[str, dict]:
    return yaml.safe_load((COMPOSE / name).read_text())["services"]


def stage_of(name: str) -> tuple[str, int]:
    """The executable and the number of a service or container."""
    executable, _, number = name.rpartition("-")
    return (executable, int(number)) if number.isdigit() else (name, 0)


class Judged(unittest.TestCase):
    def passes(self, *command: str | Path):
        ended = subprocess.run(command, text=True, capture_output=True)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def check(self, configuration: Path | str):
        """What `tributary check` says of it."""
        self.passes(binaries() / "tributary", "check", "--config", configuration)

    def configuration(self, configuration_map: dict) -> dict:
        """What stands in it, which has no errors."""
        text = configuration_map["data"]["tributary.yaml"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            self.check(file.name)
        return yaml.safe_load(text)

    def metrics_port(self, tree: dict, name: str) -> int:
        executable, number = stage_of(name)
        return int(tree[STARTED[executable]]["metrics_listen"].rpartition(":")[2]) + number

    def said(self, command: list[str], environment: dict) -> list[str]:
        """The words of what a container would execute in the end."""
        words = [each.replace("$$", "$") for each in command]
        words = {"CMD": words[1:], "CMD-SHELL": ["sh", "-c", *words[1:]]}.get(words[0], words)
        with tempfile.TemporaryDirectory() as folder:
            for program in ("curl", *STARTED):
                file = Path(folder) / program
                file.write_text('#!/bin/sh\necho "${0##*/} $*"\n')
                file.chmod(0o755)
            shown = {name: str(value) for name, value in environment.items()} | {"PATH": f"{folder}:/usr/bin:/bin"}
            return subprocess.run(words, env=shown, text=True, capture_output=True, check=True).stdout.split()


class Containers(Judged):
    def test_unit_and_image_start_stages_with_what_the_supervisor_gives_their_runtime(self):
        for file in ("systemd/tributary-.service.d/10-stage.conf", "Dockerfile"):
            for name, value in RUNTIME.items():
                self.assertRegex((COMPOSE / file).read_text(), rf"(?m)^(ENV |Environment=).*\b{name}={value}( |$)")

    def test_hadolint_finds_nothing_to_say_about_the_image(self):
        self.passes(TOOLS / "hadolint", COMPOSE / "Dockerfile")

    def test_the_image_has_every_program_and_runs_as_nobody_in_particular(self):
        text = (COMPOSE / "Dockerfile").read_text()
        for program in (*EXECUTABLES, "bus-tap"):
            self.assertIn(f" {program} ", text.replace("\\\n", " "))
        self.assertIn("\nUSER 10001:10001\n", text)

    def test_the_image_installs_the_libraries_that_bootstrap_installs_for_ready_programs(self):
        bootstrap = (ROOT / "scripts" / "bootstrap").read_text()
        libraries = {each for each in bootstrap.partition("packages=(libzmq5")[2].partition(")")[0].split()
                     if each.startswith("lib")} | {"libzmq5"}
        words = set((COMPOSE / "Dockerfile").read_text().split())
        self.assertEqual(libraries - words, set())

    def test_the_composition_is_one_by_the_schema(self):
        self.passes(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec",
                    COMPOSE / "docker-compose.yaml", COMPOSE / "docker-compose.routers.yaml")

    def test_the_composition_has_a_service_for_each_stage_and_asks_it_where_it_answers(self):
        tree = yaml.safe_load((COMPOSE / "container.yaml").read_text())
        self.assertEqual(set(services()), set(STARTED))
        for name, service in services().items():
            with self.subTest(name):
                environment = service.get("environment", {})
                self.assertEqual(self.said(service["command"], environment)[0], name)
                asked = self.said(service["healthcheck"]["test"], environment)[-1]
                self.assertTrue(asked.endswith(f":{self.metrics_port(tree, name)}/readyz"), asked)
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])

    def test_a_second_router_of_the_composition_has_every_stage_behind_the_ingress_under_its_number(self):
        tree = yaml.safe_load((COMPOSE / "container.yaml").read_text())
        added = services("docker-compose.routers.yaml")
        self.assertEqual({stage_of(name) for name in added}, {(each, 1) for each in set(STARTED) - {"ingress-gateway"}})
        for name, service in added.items():
            with self.subTest(name):
                former = services()[service["extends"]["service"]]
                self.assertEqual(service["extends"], {"file": "docker-compose.yaml", "service": stage_of(name)[0]})
                started = self.said(former["command"], service["environment"])
                self.assertRegex(started[-1], f"^{stage_of(name)[0]}-.*1$")
                asked = self.said(former["healthcheck"]["test"], service["environment"])[-1]
                self.assertTrue(asked.endswith(f":{self.metrics_port(tree, name)}/readyz"), asked)

    def test_the_configuration_of_the_composition_has_no_errors(self):
        self.check(COMPOSE / "container.yaml")

    def test_only_verifier_and_router_are_given_secrets(self):
        self.assertEqual({name: service["secrets"] for name, service in services().items() if "secrets" in service},
                         {"verifier": ["verifier_stream"], "fanout-router": ["router_my_app"]})
        containers = manifests()["StatefulSet"]["spec"]["template"]["spec"]["containers"]
        given = {each["name"]: [mount["name"] for mount in each["volumeMounts"] if "secrets" in mount["name"]]
                 for each in containers}
        self.assertEqual(given, {"ingress-gateway": [], "verifier": ["verifier-secrets"], "normaliser": [],
                                 "fanout-router": ["router-secrets"]})

    def test_kubernetes_takes_the_manifests(self):
        self.passes(TOOLS / "kubernetes-validate", "--strict", *sorted((COMPOSE / "kubernetes").rglob("*.yaml")))

    def test_the_pod_has_a_container_for_each_stage_probed_where_it_answers(self):
        found = manifests()
        tree = self.configuration(found["ConfigMap"])
        containers = found["StatefulSet"]["spec"]["template"]["spec"]["containers"]
        self.assertEqual({each["name"] for each in containers}, set(STARTED))
        scraped = {port["port"] for rule in found["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]}
        for each in containers:
            with self.subTest(each["name"]):
                self.assertEqual(each["command"], [each["name"]])
                port = self.metrics_port(tree, each["name"])
                self.assertIn(port, scraped)
                probes = {kind: each[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness", "startup")}
                self.assertEqual(probes, {"readiness": {"path": "/readyz", "port": port},
                                          "liveness": {"path": "/healthz", "port": port},
                                          "startup": {"path": "/readyz", "port": port}})

    def test_every_selector_means_the_pod(self):
        found = manifests()
        labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(found["Service"]["spec"]["selector"], labels)
        for spec in (found["StatefulSet"]["spec"]["selector"], found["PodDisruptionBudget"]["spec"]["selector"],
                     found["NetworkPolicy"]["spec"]["podSelector"]):
            self.assertEqual(spec, {"matchLabels": labels})


class PodsPerStage(Judged):
    """compose/kubernetes/stages."""

    def setUp(self):
        self.found = documents("kubernetes/stages")
        self.tree = self.configuration(next(each for each in self.found if each["kind"] == "ConfigMap"))
        self.sets = {each["metadata"]["name"]: each for each in self.kind("StatefulSet")}

    def kind(self, kind: str) -> list[dict]:
        return [each for each in self.found if each["kind"] == kind]

    def test_each_pod_is_called_like_an_instance_of_the_topology_and_probed_where_that_answers(self):
        scaler, = self.kind("HorizontalPodAutoscaler")
        instances = {each["name"]: each for each in self.tree["topology"]["instances"]}
        started = set()
        for name, made in self.sets.items():
            spec = made["spec"]["template"]["spec"]
            container, = spec["containers"]
            self.assertEqual(container["command"], [name, "--instance", "$(INSTANCE)"])
            self.assertEqual(container["env"][0]["valueFrom"], {"fieldRef": {"fieldPath": "metadata.name"}})
            for number in range(made["spec"].get("replicas", scaler["spec"]["maxReplicas"])):
                instance = instances[f"{name}-{number}"]
                started.add(instance["name"])
                listens = instance.get("metrics_listen") or self.tree[STARTED[name]]["metrics_listen"]
                probes = {container[f"{kind}Probe"]["httpGet"]["port"] for kind in ("readiness", "liveness", "startup")}
                self.assertEqual(probes, {int(listens.rpartition(":")[2])}, instance)
                for socket in ("out", "control"):
                    if socket in instance:
                        self.assertEqual(instance[socket].partition(":")[0],
                                         f"{instance['name']}.{made['spec']['serviceName']}")
        self.assertEqual(set(self.sets), set(STARTED))
        self.assertEqual(started, set(instances))

    def test_each_stage_is_given_its_own_secrets_only(self):
        for name, made in self.sets.items():
            role = STARTED[name]
            given = {each["secret"]["secretName"] for each in made["spec"]["template"]["spec"]["volumes"]
                     if "secret" in each}
            own = {f"tributary-{role}"} if role in ("verifier", "router") else set()
            self.assertEqual(given, own | {f"tributary-{role}-key"})

    def test_every_selector_means_pods_that_there_are(self):
        pods = [made["spec"]["template"]["metadata"]["labels"] for made in self.sets.values()]
        selectors = [each["spec"]["selector"] for each in self.kind("Service")]
        for each in self.kind("PodDisruptionBudget") + self.kind("StatefulSet"):
            selectors.append(each["spec"]["selector"]["matchLabels"])
        selectors += [each["spec"]["podSelector"]["matchLabels"] for each in self.kind("NetworkPolicy")]
        for selector in selectors:
            self.assertTrue(any(selector.items() <= labels.items() for labels in pods), selector)

    def test_links_and_metrics_pass_the_policy(self):
        policy = next(each for each in self.kind("NetworkPolicy") if each["metadata"]["name"] == "tributary")
        links, metrics = ({port["port"] for port in rule["ports"]} for rule in policy["spec"]["ingress"])
        used = {int(each[socket].rpartition(":")[2]) for each in self.tree["topology"]["instances"]
                for socket in ("out", "control") if socket in each}
        self.assertEqual(links, used)
        self.assertEqual({port["port"] for port in policy["spec"]["egress"][0]["ports"]}, used)
        probed = {made["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["port"]
                  for made in self.sets.values()}
        self.assertEqual(metrics, probed)

    def test_normalisers_are_as_many_as_the_age_of_the_backlog_asks_for(self):
        scaler, = self.kind("HorizontalPodAutoscaler")
        self.assertIn(scaler["spec"]["scaleTargetRef"]["name"], self.sets)
        self.assertNotIn("replicas", self.sets["normaliser"]["spec"])
        metric = scaler["spec"]["metrics"][0]["external"]["metric"]
        self.assertEqual(metric["selector"], {"matchLabels": {"stage": "ingress-gateway"}})
        # The alert rules name only metrics that there are (test_prometheus.py).
        self.assertIn(metric["name"], (COMPOSE / "prometheus" / "tributary.rules.yml").read_text())


if __name__ == "__main__":
    unittest.main()
