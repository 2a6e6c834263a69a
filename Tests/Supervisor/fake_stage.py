#!/usr/bin/python3 -S
"""Stands in for every executable of the pipeline: installed under each name in a folder of its own.

The configuration is a JSON file; beside it, files steer a running stage: INSTANCE.broken (exits at start),
INSTANCE.needs (the same unless the variable named in it is set), INSTANCE.unready, INSTANCE.stalled (a thread of the
process with this pid does not move), INSTANCE.deaf (ignores SIGTERM), INSTANCE.backlog and INSTANCE.age (the
numbers that it reports, and goes by with --retire), INSTANCE.refuses (takes no other configuration), INSTANCE.old (has
no /configuration).
All commands of `tributary` but `plan` are the built ones: `built` beside this file is the executable.
"""

import json
import os
import re
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress

name = os.path.basename(sys.argv[0])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))


def note(folder, instance, what, **more):
    """One line into the diary that the tests read; a short append is atomic."""
    line = json.dumps({"what": what, "instance": instance, "pid": os.getpid(), "at": time.monotonic()} | more)
    diary = os.open(os.path.join(folder, "diary"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(diary, line.encode() + b"\n")


def read(file):
    """The file that a configuration is the copy of (or itself), and its text."""
    with open(file) as opened:
        text = opened.read()
    if text.startswith("# accepted from "):
        mark, _, text = text.partition("\n")
        return mark.removeprefix("# accepted from "), text
    return file, text


def print_plan():
    file, text = read(sys.argv[sys.argv.index("--config") + 1])
    if "--running" in sys.argv:
        run_dir, warning = running(file)
        if warning:
            print(f"tributary: warning: {file} {warning}", file=sys.stderr)
        kept = os.path.join(run_dir, "accepted.yaml")
        text = read(kept)[1] if os.path.exists(kept) else text
    try:
        tree = json.loads(text)
    except ValueError as error:
        tree = {"wrong": str(error)}
    if "wrong" in tree:
        sys.exit(refusal(f"{file}:1: {tree['wrong']}"))
    changes = tree.get("changes", [])
    if "--since" in sys.argv and "unfit" in tree:
        sys.exit(refusal(f"data_dir: {tree['unfit']}"))
    has_journal = os.path.exists(os.path.join(tree["data_dir"], "ingress-connector-0"))
    connectors = tree.get("connector", {"instances": 1})["instances"] if tree.get("connectors") else 0
    numbers = [tree["ingress"]["instances"], max(connectors, has_journal),
               tree["verifier"]["instances"], tree["normaliser"]["instances"], 1]
    stages = ["ingress-gateway", "ingress-connector", "verifier", "normaliser", "fanout-router"]
    print(json.dumps({
        "run_dir": tree["run_dir"], "data_dir": tree["data_dir"], "listen": tree["ingress"]["listen"], "scheme": "http",
        "instances": dict(zip(stages, numbers, strict=True)), "environment": tree["environment"],
        "fingerprint": fingerprint(text), "changes": changes if "--since" in sys.argv else None}))


def refusal(sentence):
    print(sentence, file=sys.stderr)
    return 78


def fingerprint(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def run_stage():
    config, instance = options["--config"], options["--instance"]
    file, text = read(config)
    folder, run_dir = os.path.dirname(file), json.loads(text)["run_dir"]

    def steered(ending):
        return os.path.exists(os.path.join(folder, f"{instance}.{ending}"))

    note(folder, instance, "start", program=sys.argv[0], environment=dict(os.environ), fingerprint=fingerprint(text))
    print(f"{instance} starts", flush=True)
    if steered("broken") or needs(os.path.join(folder, f"{instance}.needs")):
        print("wrong on purpose", file=sys.stderr)
        sys.exit(78)
    readable = selectors.DefaultSelector()
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        front = socket.socket(fileno=3)
        front.setblocking(False)
        readable.register(front, selectors.EVENT_READ, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    stopping = []
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGTERM, lambda *_: steered("deaf") or stopping.append(True))
    running = {"fingerprint": fingerprint(text), "reloads": 0, "error": None}

    def hung_up(*_):
        note(folder, instance, "hangup")
        running["reloads"] += 1
        if steered("refuses"):
            running["error"] = "refused on purpose"
        else:
            running.update(fingerprint=fingerprint(read(config)[1]), error=None)

    signal.signal(signal.SIGHUP, hung_up)
    readable.register(waking, selectors.EVENT_READ)
    path = os.path.join(run_dir, f"{instance}.admin")
    if os.path.exists(path):
        os.unlink(path)
    admin = socket.socket(socket.AF_UNIX)
    admin.bind(path)
    admin.listen(16)
    readable.register(admin, selectors.EVENT_READ, None)
    while not stopping:
        if "--retire" in sys.argv and reported(folder, instance, "backlog") == "0":
            own = os.path.join(json.loads(text)["data_dir"], instance)
            os.makedirs(own, exist_ok=True)
            open(os.path.join(own, "retired"), "w").close()
            break
        for key, _ in readable.select(0.05 if "--retire" in sys.argv else None):
            if key.fileobj == waking:
                os.read(waking, 100)
                continue
            try:
                connection, _ = key.fileobj.accept()
            except BlockingIOError:
                continue
            with connection, suppress(ConnectionError):  # whoever only wanted to know who listens has gone
                request = connection.recv(65536)
                connection.sendall(key.data or answer(request, instance, folder, steered("unready"), running))
    note(folder, instance, "stop")
    sys.exit("--retire" in sys.argv and bool(stopping))


def needs(path):
    """The variable that stands in the file and is not set."""
    try:
        with open(path) as named:
            return [name for name in named.read().split() if name not in os.environ]
    except FileNotFoundError:
        return []


def reported(folder, instance, ending):
    """A number that the instance is to report."""
    try:
        with open(os.path.join(folder, f"{instance}.{ending}")) as text:
            return text.read()
    except FileNotFoundError:
        return "0"


def is_stalled(path):
    try:
        with open(path) as pid:
            return pid.read() == str(os.getpid())
    except FileNotFoundError:
        return False


def answer(request, instance, folder, is_unready, running):
    """HTTP on the admin socket: /readyz, /configuration or /metrics.json."""
    if b"/configuration" in request and os.path.exists(os.path.join(folder, f"{instance}.old")):
        return b"HTTP/1.1 404 Not Found\r\n\r\n"
    if b"/configuration" in request:
        return b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(running).encode()
    stalled = is_stalled(os.path.join(folder, f"{instance}.stalled"))
    if b"/readyz" in request:
        checks = {"bus": {"ok": True, "detail": "linked"},
                  "router": {"ok": not is_unready, "detail": "no router is linked"}}
        if stalled:
            checks["threads"] = {"ok": False, "detail": "the bus thread has not moved for 12 s"}
        unready = b"HTTP/1.1 503 Unavailable\r\n\r\n" + json.dumps({"checks": checks}).encode()
        return unready if is_unready or stalled else OK

    labels = {"stage": name, "stage_instance": instance}
    metrics = [metric("tributary_backlog_records", "gauge", labels, reported(folder, instance, "backlog")),
               metric("tributary_oldest_unsettled_seconds", "gauge", labels, reported(folder, instance, "age")),
               metric("tributary_records_total", "counter", labels | {"direction": "in"}, "12")]
    if instance.startswith("verifier"):
        open_source = labels | {"source": "open", "scheme": "none"}
        metrics += [metric("tributary_source_verification", "gauge", open_source, "1")]
    if b"?names=" in request:
        metrics = [each for each in metrics if each["name"].encode() in request]
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps({"metrics": metrics}).encode()


def metric(metric_name, kind, labels, value):
    return {"name": metric_name, "type": kind, "help": "", "samples": [
        {"name": metric_name, "labels": labels, "value": value}]}


def look():
    """The built `tributary` looks at the run directory; it gets a configuration that it can read."""
    place = sys.argv.index("--config") + 1 if "--config" in sys.argv and "--help" not in sys.argv else 0
    if place:
        file = sys.argv[place]
        run_dir, warning = running(file)
        if warning and sys.argv[1] not in ("reload", "down", "await-ready"):
            print(f"tributary: warning: {file} {warning}", file=sys.stderr)
        # One of its own: commands run side by side.
        sys.argv[place] = os.path.join(os.path.dirname(file), f"looked-at-{os.getpid()}.yaml")
        with open(sys.argv[place], "w") as written:
            written.write(f"run_dir: {run_dir}\nsources: []\n")
    os.execv(os.path.join(os.path.dirname(__file__), "built"), ["tributary", *sys.argv[1:]])


def running(file):
    """The run directory of what runs, and how the file differs."""
    with open(file) as opened:
        run_dir = re.search('"run_dir": "(.*?)"', opened.read())[1]
    kept = os.path.join(run_dir, "accepted.yaml")
    if os.path.exists(kept):
        try:
            if json.loads(read(file)[1]) != json.loads(read(kept)[1]):
                return run_dir, "differs from what runs"
        except ValueError:
            return run_dir, "has errors, so what runs is asked as it was accepted"
    return run_dir, None


if name == "tributary" and sys.argv[1] == "plan":
    print_plan()
elif name == "tributary":
    look()
else:
    run_stage()
