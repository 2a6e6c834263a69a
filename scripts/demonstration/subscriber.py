"""A subscriber of one file: takes deliveries, checks their Standard Webhooks signature, prints each on one line.

Every path has its own secret, named by an environment variable:

  MY_APP_SECRET=whsec_… scripts/subscriber --listen 127.0.0.1:9000 /events=MY_APP_SECRET
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helptext import Formatter

from .signature import SignatureWrong, key_of, verify

LARGEST_BODY_BYTES = 8 * 1024 * 1024


class Delivery:
    """One request that was received and could be trusted."""

    def __init__(self, path: str, event: dict):
        self.path, self.event = path, event

    def line(self) -> str:
        """The event on one line: where it came in, what it is about, when it happened."""
        event = self.event
        kind = str(event.get("type", "?")).removeprefix("dev.tributary.")
        origin = f"{event.get('provider', '?')}:{event.get('providertype', '?')}"
        return f"{self.path:<12} {kind:<22} {event.get('subject', '-')}\n{'':<12} from {origin} at {event.get('time')}"


class Subscriber:
    """An HTTP server on its own threads; `received` is called for each delivery, `refused` for what it turns away."""

    def __init__(self, host: str, port: int, secrets: Mapping[str, str], received: Callable[[Delivery], None],
                 refused: Callable[[str], None]):
        for secret in secrets.values():
            key_of(secret)
        self._secrets, self._received, self._refused = dict(secrets), received, refused
        self._one_at_a_time = threading.Lock()
        self._server = ThreadingHTTPServer((host, port), self._request_class())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def start(self) -> None:
        """Serves on a thread of its own."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self) -> None:
        """Serves until interrupted."""
        self._server.serve_forever()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status for one delivery."""
        if path not in self._secrets:
            self._refused(f"{path}: nobody subscribed here")
            return 404
        try:
            verify(headers, body, [self._secrets[path]])
            event = json.loads(body)
            if not isinstance(event, dict):
                raise ValueError("an event is a JSON object")
        except SignatureWrong as error:
            self._refused(f"{path}: {error}")
            return 401
        except ValueError as error:
            self._refused(f"{path}: the body is not an event: {error}")
            return 400
        with self._one_at_a_time:
            self._received(Delivery(path, event))
        return 204

    def _request_class(subscriber) -> type:  # noqa: N805  (`self` is the request, below)
        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 75

            def do_POST(self) -> None:  # noqa: N802  (http.server's name)
                length = self.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length) > LARGEST_BODY_BYTES:
                    self.close_connection = True
                    return self.answer(413 if length.isdecimal() else 411)
                return self.answer(subscriber.take(self.path, self.headers, self.rfile.read(int(length))))

            def answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_) -> None:  # http.server would print every request
                pass

        return Request


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/subscriber", description=__doc__, formatter_class=Formatter)
    parser.add_argument("--listen", default="127.0.0.1:9000", metavar="HOST:PORT")
    parser.add_argument("--json", action="store_true", help="print the whole event as one line of JSON")
    parser.add_argument("paths", nargs="+", metavar="PATH=VARIABLE", help="the variable holds the path's secret")
    options = parser.parse_args()
    secrets = {}
    for pair in options.paths:
        path, equals, variable = pair.partition("=")
        if not equals or not path.startswith("/"):
            parser.exit(64, f'subscriber: "{pair}" is not of the form /path=VARIABLE.\n')
        if variable not in os.environ:
            parser.exit(64, f"subscriber: {variable} is not set; export the secret of {path} under this name.\n")
        secrets[path] = os.environ[variable]
    host, _, port = options.listen.rpartition(":")

    def show(delivery: Delivery) -> None:
        print(json.dumps(delivery.event) if options.json else delivery.line(), flush=True)

    try:
        subscriber = Subscriber(host.strip("[]"), int(port), secrets, show,
                                lambda why: print(f"refused: {why}", file=sys.stderr, flush=True))
        subscriber.serve()
    except (OSError, ValueError, SignatureWrong) as error:
        parser.exit(69, f"subscriber: cannot serve on {options.listen}: {error}.\n")
    except KeyboardInterrupt:
        pass
    return 0
