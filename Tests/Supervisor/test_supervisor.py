"""The supervisor with fake stages: real processes, sockets and signals, no pipeline."""

import os
import signal
import socket
import subprocess
import threading
import unittest
from pathlib import Path

from pipeline import STAGES, SUPERVISOR, Pipeline, free_port, is_alive, until

ALL = ["fanout-router-0", "ingress-gateway-0", "normaliser-0", "normaliser-1", "verifier-0"]


class SupervisorCase(unittest.TestCase):
    def setUp(self):
        self.pipeline = Pipeline()
        self.addCleanup(self.pipeline.close)

    def assert_one_each(self, names):
        self.assertEqual([name for name, _ in self.pipeline.living()], sorted(names))


class ComingUp(SupervisorCase):
    def test_up_starts_downstream_first_and_returns_when_all_are_ready(self):
        said = self.pipeline.good("up", "-d")
        self.assertRegex(said, r"5 instances ready; webhooks go to http://127\.0\.0\.1:\d+/in/SOURCE")
        self.assertEqual({row["state"] for row in self.pipeline.rows().values()}, {"ready"})
        self.assert_one_each(ALL)
        self.assertIn("a supervisor runs already", self.pipeline.good("up", "-d"))
        self.assertEqual(self.pipeline.command("up").returncode, 1)
        self.assertIn("202", self.pipeline.post().decode())

    def test_a_stage_sees_only_its_own_variables(self):
        self.pipeline.good("up", "-d")
        always = {"PATH", "HOME", "GLIBC_TUNABLES", "SWIFT_BACKTRACE", "TRIBUTARY_FAULT_SLOW"}
        python_adds = {"LC_CTYPE"}
        own = {"verifier": {"STREAM_SECRET"}, "fanout-router": {"MY_APP_SECRET"}, "normaliser": set(),
               "ingress-gateway": {"LISTEN_PID", "LISTEN_FDS"}}
        for line in self.pipeline.diary("start"):
            seen = line["environment"]
            self.assertEqual(set(seen) - python_adds, always | own[line["instance"].rpartition("-")[0]])
            self.assertEqual(seen["GLIBC_TUNABLES"], "glibc.malloc.hugetlb=1")
            if "LISTEN_PID" in seen:
                self.assertEqual((seen["LISTEN_PID"], seen["LISTEN_FDS"]), (str(line["pid"]), "1"))

    def test_status_names_the_sources_that_nothing_verifies(self):
        self.pipeline.good("up", "-d")
        self.assertIn("not verified, so anyone who knows their URL can send events: open\n",
                      self.pipeline.good("status"))

    def test_every_missing_variable_is_named_when_a_stage_does_not_come_up(self):
        for name in ("STREAM_SECRET", "MY_APP_SECRET"):
            del self.pipeline.environment[name]
        self.pipeline.steer("verifier-0", "broken")
        ended = self.pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 78)
        self.assertIn(f"STREAM_SECRET not set; {self.pipeline.file} names it for verifier.", ended.stderr)
        self.assertIn(f"MY_APP_SECRET not set; {self.pipeline.file} names it for fanout-router.", ended.stderr)

    def test_a_stage_that_refuses_its_configuration_fails_up_with_the_end_of_its_log(self):
        self.pipeline.steer("normaliser-1", "broken")
        ended = self.pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 78)
        self.assertIn("normaliser-1 does not come up", ended.stderr)
        self.assertIn("wrong on purpose", ended.stderr)
        self.assertEqual(self.pipeline.command("status").returncode, 1)
        self.pipeline.steer("normaliser-1", "broken", None)
        until(lambda: self.pipeline.command("status").returncode == 0, "the stage recovers by itself")

    def test_what_keeps_the_stages_from_being_started_at_all_fails_up(self):
        (self.pipeline.folder / "run" / "accepted.candidate").mkdir(parents=True)  # where a file is to be written
        ended = self.pipeline.command("up", "-d")
        self.assertNotEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("the operating system refused", ended.stderr)
        self.assertEqual(self.pipeline.living(), [])

    def test_wrong_configurations_are_refused_before_anything_starts(self):
        self.pipeline.tree["wrong"] = "ingres: unknown key; did you mean ingress?"
        self.pipeline.write()
        ended = self.pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 78, ended.stderr)
        self.assertIn("did you mean ingress", ended.stderr)
        self.assertEqual(self.pipeline.living(), [])

    def test_a_port_in_use_is_refused_even_where_its_user_would_share_it(self):
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind(("127.0.0.1", 0))
            other.listen()
            self.pipeline.tree["ingress"]["listen"] = f"127.0.0.1:{other.getsockname()[1]}"
            self.pipeline.write()
            ended = self.pipeline.command("up", "-d")
        self.assertEqual(ended.returncode, 69)
        self.assertIn("cannot listen on 127.0.0.1", ended.stderr)

    def test_commands_without_a_pipeline_say_so(self):
        self.assertEqual(self.pipeline.command("status").returncode, 3)
        self.assertIn("nothing runs", self.pipeline.good("down"))
        ended = self.pipeline.command("scale", "normaliser", "3")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("up -d", ended.stderr)

    def test_in_the_foreground_an_interrupt_drains_and_ends_it(self):
        foreground = subprocess.Popen([SUPERVISOR, "--config", self.pipeline.file, "up"], stdout=subprocess.PIPE,
                                      env=self.pipeline.environment, text=True)
        self.addCleanup(foreground.stdout.close)
        said = iter(foreground.stdout.readline, "")
        self.assertTrue(any("5 instances ready" in line for line in said))
        foreground.send_signal(signal.SIGINT)
        self.assertTrue(any("fanout-router: 1 stopped" in line for line in said))
        self.assertEqual(foreground.wait(), 0)
        self.assertEqual(self.pipeline.living(), [])


class Deaths(SupervisorCase):
    def test_a_death_is_followed_by_a_start_at_once_and_early_deaths_back_off(self):
        pipeline = self.pipeline

        def log() -> str:
            return pipeline.path("supervisor", "log").read_text()

        pipeline.good("up", "-d")
        killed = pipeline.kill("verifier-0")
        until(lambda: pipeline.diary("start")[-1]["pid"] != killed and
              pipeline.rows()["verifier-0"]["state"] == "ready", "started again")
        row = pipeline.rows()["verifier-0"]
        self.assertEqual((row["restarts"], row["last_end"]), (1, "killed by SIGKILL"))
        self.assertRegex(log(), "verifier-0 killed by SIGKILL, .*; started again at once")
        pipeline.steer("verifier-0", "broken")
        pipeline.kill("verifier-0")
        until(lambda: "before it was ready; started again in 0.4 s" in log(), "it backs off")
        self.assertIn("started again in 0.2 s", log())
        self.assertIn("(crash loop)", log())

    def test_a_crash_loop_is_shown_as_such(self):
        self.pipeline.good("up", "-d")
        self.pipeline.steer("normaliser-0", "broken")
        self.pipeline.kill("normaliser-0")
        until(lambda: self.pipeline.rows()["normaliser-0"]["state"] == "crash-loop", "the loop is seen")
        self.assertIn("exited with 78", self.pipeline.rows()["normaliser-0"]["last_end"])

    def test_an_executable_that_is_gone_is_named_as_the_reason_until_it_is_back(self):
        pipeline, executable = self.pipeline, self.pipeline.binaries / "verifier"
        pipeline.good("up", "-d")
        away = executable.rename(pipeline.folder / "away")
        pipeline.kill("verifier-0")
        until(lambda: "No such file" in (pipeline.rows()["verifier-0"]["last_end"] or ""), "it is said")
        until(lambda: not pipeline.path("verifier-0", "pid").exists(), "no file names a process")
        away.rename(executable)
        until(lambda: pipeline.rows()["verifier-0"]["state"] == "ready", "it is back")

    def test_connections_wait_while_the_ingress_is_away(self):
        self.pipeline.good("up", "-d")
        self.pipeline.steer("ingress-gateway-0", "broken")
        self.pipeline.kill("ingress-gateway-0")
        answers = []
        provider = threading.Thread(target=lambda: answers.append(self.pipeline.post()))
        provider.start()
        until(lambda: self.pipeline.rows()["ingress-gateway-0"]["restarts"] >= 2, "the ingress is away")
        self.assertEqual(answers, [])
        self.pipeline.steer("ingress-gateway-0", "broken", None)
        provider.join()
        self.assertIn(b"202", answers[0])


class TakingOver(SupervisorCase):
    def test_a_killed_supervisor_leaves_the_stages_and_the_next_takes_them_over(self):
        pipeline = self.pipeline
        pipeline.tree["ingress"]["listen"] = f"127.0.0.1:{free_port()}"
        pipeline.write()
        pipeline.good("up", "-d")
        pipeline.good("scale", "normaliser", "3")
        before = dict(pipeline.living())
        pipeline.kill_supervisor()
        self.assertEqual(dict(pipeline.living()), before)
        ended = pipeline.command("status")
        self.assertEqual(ended.returncode, 3)
        self.assertIn("takes them over", ended.stderr)
        pipeline.kill("normaliser-1")
        refused, is_over = [], threading.Event()

        def provider():
            host, port = pipeline.tree["ingress"]["listen"].split(":")
            while not is_over.wait(0.005):
                with socket.socket() as connection:
                    if connection.connect_ex((host, int(port))) != 0:
                        refused.append(port)

        providing = threading.Thread(target=provider)
        providing.start()
        pipeline.good("up", "-d")
        is_over.set()
        providing.join()
        self.assertEqual(refused, [])
        after = dict(pipeline.living())
        self.assert_one_each([*ALL, "normaliser-2"])
        for name in ("verifier-0", "normaliser-0", "normaliser-2", "fanout-router-0"):
            self.assertEqual(after[name], before[name])
        self.assertNotEqual(after["ingress-gateway-0"], before["ingress-gateway-0"])
        self.assertIn(b"202", pipeline.post())
        killed = pipeline.kill("verifier-0")
        until(lambda: dict(pipeline.living()).get("verifier-0", killed) != killed, "a taken-over stage is restarted")

    def test_a_reused_pid_is_not_taken_for_ours(self):
        self.pipeline.good("up", "-d")
        self.pipeline.good("down")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.pipeline.path("verifier-0", "pid").write_text(f"{os.getpid()} 1 {boot}\n")
        self.pipeline.good("up", "-d")
        self.pipeline.good("down")
        self.assertTrue(is_alive(os.getpid()))

    def test_files_of_a_former_run_that_make_no_sense_are_passed_over(self):
        self.pipeline.good("up", "-d")
        self.pipeline.kill_supervisor()
        for text in ("[" * 50_000, '{"instances": {"verifier": 0, "normaliser": 2, "router": 5, "x": 1}}', "[]",
                     '{"instances": {"verifier": 0, "normaliser": 2, "fanout-router": 7}, "programs": {}}'):
            self.pipeline.path("overrides", "json").write_text(text)
            self.pipeline.path("verifier-7", "pid").write_text("99999999999999 1 x")
            self.pipeline.good("up", "-d")
            self.assert_one_each(ALL)
            self.pipeline.kill_supervisor()

    def test_down_without_a_supervisor_stops_the_stages_it_left(self):
        self.pipeline.good("up", "-d")
        self.pipeline.kill_supervisor()
        self.assertIn("5 stages stopped", self.pipeline.good("down"))
        self.assertEqual(self.pipeline.living(), [])

    def test_two_supervisors_started_at_once_are_one(self):
        threads = [threading.Thread(target=self.pipeline.command, args=("up", "-d")) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assert_one_each(ALL)
        self.assertEqual(len(self.pipeline.diary("start")), len(ALL))


class Changing(SupervisorCase):
    def test_down_drains_from_the_ingress_to_the_router(self):
        self.pipeline.good("up", "-d")
        supervisor = self.pipeline.status()["supervisor"]["pid"]
        self.pipeline.good("down")
        stopped = [line["instance"].rpartition("-")[0] for line in self.pipeline.diary("stop")]
        self.assertEqual(list(dict.fromkeys(stopped)), [stage for stage in STAGES if stage != "ingress-connector"])
        self.assertEqual(len(stopped), 5)
        until(lambda: not is_alive(supervisor), "the supervisor ends")
        self.assertEqual(list((self.pipeline.folder / "run").glob("*.pid")), [])

    def test_a_stopped_stage_still_goes_down_in_order(self):
        self.pipeline.good("up", "-d")
        os.kill(self.pipeline.pid("normaliser-0"), signal.SIGSTOP)
        self.pipeline.good("down")
        self.assertEqual(self.pipeline.living(), [])

    def test_workers_scale_up_and_the_highest_numbered_leave_first(self):
        self.pipeline.good("up", "-d")
        self.pipeline.good("scale", "normaliser", "4")
        self.assert_one_each([*ALL, "normaliser-2", "normaliser-3"])
        self.pipeline.good("scale", "normaliser", "1")
        self.assert_one_each([name for name in ALL if name != "normaliser-1"])
        self.assertEqual([line["instance"] for line in self.pipeline.diary("stop")],
                         ["normaliser-3", "normaliser-2", "normaliser-1"])
        for stage, count, words in (("router", "2", "fanout-router cannot be scaled: router.instances says"),
                                    ("verifier", "0", "runs 1 to 64 instances, not 0: with fewer, webhooks"),
                                    ("ingress", "17", "ingress-gateway runs 1 to 16 instances, not 17."),
                                    ("verifyer", "2", 'there is no stage "verifyer"')):
            ended = self.pipeline.command("scale", stage, count)
            self.assertEqual((ended.returncode, ended.stderr.count("\n")), (64, 1))
            self.assertIn(words, ended.stderr)

    def test_the_number_follows_an_old_backlog_where_more_could_help_also_under_a_later_supervisor(self):
        pipeline = self.pipeline
        pipeline.good("up", "-d")
        pipeline.good("scale", "normaliser", "--auto", "1..3")
        self.assertEqual(pipeline.status()["auto"], {"normaliser": [1, 3]})
        self.assertIn("normaliser: 1 to 3 instances, by the age of the backlog", pipeline.good("status"))
        pipeline.kill_supervisor()
        pipeline.good("up", "-d")
        pipeline.steer("verifier-0", "unready")
        until(lambda: pipeline.rows()["verifier-0"]["state"] == "not-ready", "another stage is away")
        for name in ("normaliser-0", "normaliser-1"):
            pipeline.steer(name, "backlog", "9")
        pipeline.steer("ingress-gateway-0", "age", "90")
        self.assert_one_each(ALL)
        pipeline.steer("verifier-0", "unready", None)
        until(lambda: "normaliser-2" in pipeline.rows(), "there are more")
        self.assertIn("normaliser: 2 become 3; the oldest unsettled webhook is 90.0 s old.",
                      pipeline.path("supervisor", "log").read_text())
        pipeline.good("scale", "normaliser", "1")
        self.assertEqual(pipeline.status()["auto"], {})

    def test_what_cannot_follow_the_backlog_is_refused(self):
        self.pipeline.good("up", "-d")
        for arguments, words in ((("ingress", "--auto", "1..3"), "ingress-gateway does not follow the backlog"),
                                 (("normaliser", "--auto", "3..2"), "3..2 has more before the dots"),
                                 (("normaliser", "--auto", "1..65"), "runs 1 to 64 instances, not 65"),
                                 (("normaliser", "2", "--auto", "1..3"), "a number or --auto MIN..MAX"),
                                 (("normaliser",), "a number or --auto MIN..MAX")):
            ended = self.pipeline.command("scale", *arguments)
            self.assertEqual(ended.returncode, 64)
            self.assertIn(words, ended.stderr)

    def test_an_ingress_leaves_when_its_journal_is_empty_also_after_a_restart_of_everything(self):
        pipeline = self.pipeline
        pipeline.good("up", "-d")
        pipeline.good("scale", "ingress", "2")
        (pipeline.folder / "data" / "ingress-gateway-1").mkdir()
        (pipeline.folder / "data" / "ingress-gateway-1" / "journal").touch()
        pipeline.steer("ingress-gateway-1", "backlog", "7")
        scaling = threading.Thread(target=pipeline.command, args=("scale", "ingress", "1"))
        scaling.start()
        until(lambda: pipeline.rows()["ingress-gateway-1"]["state"] == "draining", "it empties its journal")
        pipeline.good("down")
        scaling.join()
        pipeline.good("up", "-d")
        until(lambda: pipeline.rows()["ingress-gateway-1"]["state"] == "draining", "what was left is emptied")
        pipeline.steer("ingress-gateway-1", "backlog", "0")
        until(lambda: "ingress-gateway-1" not in pipeline.rows(), "it leaves")
        pipeline.good("scale", "ingress", "2")
        pipeline.good("scale", "ingress", "1")
        self.assertEqual([*pipeline.rows()].count("ingress-gateway-1"), 0, "the command waits until it has left")
        self.assertNotIn("level=error", pipeline.path("supervisor", "log").read_text(), "to leave is no death")
        self.assertTrue((pipeline.folder / "data" / "ingress-gateway-1" / "retired").exists())
        self.assert_one_each(ALL)

    def test_restart_replaces_one_after_the_other_and_counts_none_as_a_death(self):
        self.pipeline.good("up", "-d")
        before = dict(self.pipeline.living())
        self.pipeline.good("restart", "normaliser")
        self.pipeline.good("restart", "ingress-0")
        after = dict(self.pipeline.living())
        changed = {name for name in ALL if before[name] != after[name]}
        self.assertEqual(changed, {"normaliser-0", "normaliser-1", "ingress-gateway-0"})
        self.assertEqual(sum(row["restarts"] for row in self.pipeline.rows().values()), 0)
        order = [(line["what"], line["instance"]) for line in self.pipeline.diary("stop") +
                 self.pipeline.diary("start")[len(ALL):] if line["instance"].startswith("normaliser")]
        self.assertEqual(order, [("stop", "normaliser-0"), ("stop", "normaliser-1"),
                                 ("start", "normaliser-0"), ("start", "normaliser-1")])
        self.assertEqual(self.pipeline.command("restart", "normaliser-7").returncode, 64)

    def test_hangup_reaches_every_stage(self):
        self.pipeline.good("up", "-d")
        os.kill(self.pipeline.status()["supervisor"]["pid"], signal.SIGHUP)
        until(lambda: len(self.pipeline.diary("hangup")) == len(ALL), "every stage was told")


class Seeing(SupervisorCase):
    def test_metrics_logs_and_top_show_every_instance(self):
        self.pipeline.good("up", "-d")
        text = self.pipeline.good("metrics")
        self.assertEqual(text.count("# TYPE tributary_backlog_records gauge"), 1)
        self.assertIn('tributary_supervisor_up{stage="verifier",stage_instance="verifier-0"} 1', text)
        logs = self.pipeline.good("logs")
        self.assertIn("normaliser-1      | normaliser-1 starts", logs)
        self.assertEqual(self.pipeline.good("logs", "verifier-0"), "verifier-0 starts\n")
        self.assertEqual(self.pipeline.command("logs", "nobody-0").returncode, 64)
        top = self.pipeline.good("top", "--once", "--interval", "0.1")
        self.assertRegex(top, r"(?m)^fanout-router-0 +\d+ +ready .* 12 ")

    def test_a_stage_that_is_alive_and_not_ready_is_shown(self):
        self.pipeline.good("up", "-d")
        self.pipeline.steer("verifier-0", "unready")
        until(lambda: self.pipeline.rows()["verifier-0"]["state"] == "not-ready", "it is seen")
        self.assertEqual(self.pipeline.command("status").returncode, 1)

    def test_help_needs_nothing(self):
        self.assertIn("examples:", self.pipeline.good("--help"))
        self.assertTrue(os.access(SUPERVISOR, os.X_OK))


if __name__ == "__main__":
    unittest.main()
