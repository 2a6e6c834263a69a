"""scripts/demo: webhooks in, canonical events out, shown step by step."""

import argparse
import json
import os
import sys
import threading
from pathlib import Path

from commandline import Failure, run
from executables import KINDS, provide
from helptext import Formatter
from launcher import HOST, free_port, until

from . import journey
from .stage_folder import SUBSCRIBER_PORT, StageFolder
from .subscriber import Delivery, Subscriber
from .watcher import Watcher

SAMPLES = (
    ("stream", "call.session_started"), ("stream", "call.session_participant_joined"),
    ("stream", "call.recording_ready"), ("stream", "call.session_ended"),
    ("fastpix", "video.live_stream.active"), ("fastpix", "video.media.ready"),
    ("fishjam", "room_created"), ("fishjam", "peer_connected"), ("fishjam", "track_added"),
    ("superviz", "price-update"), ("eyeson", "upload_ready"), ("eyeson", "session_finished"),
    ("stream-calls", "custom"),
)
"""Source and type; what proves the webhooks of three sources is the token at the end of their URL. The last is the
request that Stream's SDKs make to send a custom event to a call."""
DELIVERIES = len(SAMPLES) + 3
"""`everything` takes all of them, `calls` the sessions and participants of Stream."""
WATCHED = sum(source.startswith("stream") for source, _ in SAMPLES)
PATIENCE_SECONDS = 15.0

EXAMPLES = """\
examples:
  scripts/demo                          from the build to the end, and all stopped
  scripts/demo --keep                   and left running until Ctrl-C
  TRIBUTARY_BIN=/opt/bin scripts/demo   with executables that are built already"""


def step(words: str) -> None:
    print(f"\n\x1b[1m{words}\x1b[0m" if sys.stdout.isatty() else f"\n== {words}", flush=True)


class Demo:
    """One run, from the build to the stage table."""

    def __init__(self, binaries: Path):
        self._deliveries: list[Delivery] = []
        port = free_port(SUBSCRIBER_PORT)
        self.pipeline = StageFolder(binaries, port)
        secrets = self.pipeline.secrets
        self._subscriber = Subscriber(
            HOST, port, {"/everything": secrets["EVERYTHING_SECRET"], "/calls": secrets["CALLS_SECRET"]},
            self._deliveries.append, lambda why: print(f"the subscriber refused a delivery: {why}"))

    def run(self) -> None:
        pipeline = self.pipeline
        step("1. The stages: a supervisor starts them, downstream first")
        pipeline.up(shows=True)
        self._subscriber.start()
        with Watcher(pipeline, "--subject", "calls/*") as watcher:
            self._send_and_show(pipeline, watcher)

    def _send_and_show(self, pipeline: StageFolder, watcher: Watcher) -> None:
        step("2. Five providers send webhooks, signed or with a token, and an app a custom event to its call: to "
             f"http://{HOST}:{pipeline.door_port}/in/SOURCE")
        for source, kind in SAMPLES:
            self._send(source, kind)
        self._send("stream", "call.ended", "--bad-signature")
        self._await_deliveries()
        step("3. What the two subscribers received: signed CloudEvents, signatures checked")
        for delivery in self._deliveries:
            print(delivery.line())
        step("4. What a watcher of calls/* saw over WebSocket: 'tributary listen'")
        until(lambda: len(watcher.lines) >= WATCHED, f"{WATCHED} events over WebSocket", PATIENCE_SECONDS)
        print("\n".join(watcher.lines))
        step("5. The way of each event through the stages, with the time since its receipt")
        for event in {each.event["id"]: each.event for each in self._deliveries}.values():
            record = json.loads(pipeline.tributary("events", event["id"], "--json"))
            print(f"{event['type'].removeprefix('dev.tributary.'):<22} {journey.line(record)}")
        step("6. One event in full, as 'tributary events ID' shows it")
        print(pipeline.tributary("events", self._deliveries[0].event["id"]).rstrip())
        step("7. The stages, as 'scripts/supervisor top' shows them")
        pipeline.supervisor("top", "--once", "--interval", "0.3", shows=True)

    def _send(self, source: str, kind: str, *more: str) -> None:
        """Sends one sample with the operator's tool and prints what came of it."""
        sent = self.pipeline.tributary("send", "--source", source, "--type", kind, *more, "--json")
        answer = json.loads(sent)["webhooks"][0]
        remark = " (its signature is wrong on purpose)" if more else ""
        print(f"{source:<12} {kind:<31} answered {answer['status']} after "
              f"{1000 * answer['latency_seconds']:.1f} ms{remark}")

    def _await_deliveries(self) -> None:
        until(lambda: len(self._deliveries) >= DELIVERIES,
              f"{DELIVERIES} deliveries; the stages' logs are in {self.pipeline.run_dir}", PATIENCE_SECONDS)


def keep_running(pipeline: StageFolder) -> None:
    step("The pipeline goes on; try")
    exports = " ".join(f"{name}='{value}'" for name, value in pipeline.secrets.items())
    print(f"""  export {exports}
  {os.path.relpath(pipeline.environment['TRIBUTARY_BIN'])}/tributary send stream call.ring --config {pipeline.file}
  scripts/supervisor top --config {pipeline.file}
Ctrl-C ends it.""", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", formatter_class=Formatter, epilog=EXAMPLES,
                                     description="Shows the whole pipeline at work, in a temporary folder.")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("--build", choices=KINDS, help="which build to show (default: release)")
    options = parser.parse_args()
    demo = Demo(provide(options.build))
    failed = True
    try:
        demo.run()
        if options.keep:
            keep_running(demo.pipeline)
        failed = False
    except KeyboardInterrupt:
        failed = False
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has seen enough; the stages go down all the same
        failed = False
    finally:
        end(demo.pipeline, removes=not failed)  # after a failure the logs stay to explain it
    return 0


def end(pipeline: StageFolder, removes: bool) -> None:
    step("The end: the stages drain and stop, from the ingress to the router")
    try:
        pipeline.supervisor("down", shows=True)
    except Failure as failure:
        print(f"demo: {failure.sentence}", file=sys.stderr)
        return
    if removes:
        pipeline.remove()


sys.exit(run("demo", main, cleans_up=True))
