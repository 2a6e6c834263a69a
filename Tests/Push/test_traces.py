"""A collector, written with the protocol's own protobuf files, gets the ways of webhooks as traces."""

import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from watching import HOST, Watched, binaries, until

TOKEN = "Bearer of-the-collector"
WAY = ["ingress-gateway", "verifier", "normaliser", "fanout-router"]


class Server(ThreadingHTTPServer):
    """A collector at /otlp/v1/traces, and a subscriber everywhere else."""

    def __init__(self):
        super().__init__((HOST, 0), Answering)
        self.requests: list[ExportTraceServiceRequest] = []
        self.delivered: list[str | None] = []
        self.is_gone = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def spans(self) -> list[tuple[dict, Span]]:
        """Each with what its process says of itself."""
        return [({one.key: one.value.string_value for one in resource.resource.attributes}, span)
                for request in list(self.requests) for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        answer, status = b"", 200
        if self.path == "/otlp/v1/traces":
            assert self.headers["content-type"] == "application/x-protobuf"
            if self.server.is_gone:
                status = 503
            elif self.headers["authorization"] == TOKEN:
                self.server.requests.append(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
            else:
                status = 401
        else:
            self.server.delivered.append(self.headers["traceparent"])
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def gateway(server: Server, sample: float) -> Watched:
    place = f"http://{HOST}:{server.server_port}"
    trace = {"otlp": f"{place}/otlp", "sample": sample, "authorization": f"literal:{TOKEN}"}
    return Watched(binaries(), subscriptions=[
        {"name": "app", "url": f"{place}/events", "signing": {"scheme": "none"}}], more={"trace": trace})


@unittest.skipUnless(binaries(), "the executables are not built")
class Traces(unittest.TestCase):
    def test_the_way_of_a_webhook_is_one_trace_that_its_subscriber_can_go_on_with(self):
        server = Server()
        with gateway(server, 1) as pipeline:
            pipeline.send(1)
            spans = until(lambda: len(found := server.spans()) >= 5 and found, "the spans of one webhook")
            self.assertEqual([resource["service.name"] for resource, _ in spans if resource], [
                each["service.name"] for each, _ in spans])
            by_name = {span.name: (resource, span) for resource, span in spans}
            self.assertEqual(set(by_name), {*WAY, "deliver"})
            root = by_name["ingress-gateway"][1]
            self.assertEqual({span.trace_id for _, span in spans}, {root.trace_id})
            self.assertEqual(len({span.span_id for _, span in spans}), 5)
            self.assertEqual((root.parent_span_id, root.kind), (b"", Span.SPAN_KIND_SERVER))
            for name in [*WAY[1:], "deliver"]:
                self.assertEqual(by_name[name][1].parent_span_id, root.span_id, name)
            for _, span in spans:
                self.assertLessEqual(span.start_time_unix_nano, span.end_time_unix_nano)
                self.assertGreater(span.start_time_unix_nano, 1_700_000_000_000_000_000)
            starts = [by_name[name][1].start_time_unix_nano for name in WAY]
            self.assertEqual(starts, sorted(starts))
            self.assertEqual(by_name["verifier"][0], {"service.name": "verifier", "service.instance.id": "verifier-0"})
            attributes = {one.key: one.value for one in by_name["deliver"][1].attributes}
            self.assertEqual(attributes["tributary.subscription"].string_value, "app")
            self.assertEqual(attributes["http.response.status_code"].int_value, 200)
            self.assertEqual(server.delivered, [f"00-{root.trace_id.hex()}-{root.span_id.hex()}-01"])
            self.assertIn("WAITED", pipeline.tributary("why", "1"))

    def test_a_senders_trace_goes_on_where_it_is_sampled_and_is_kept_where_it_is_not(self):
        server = Server()
        ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
        with gateway(server, 1) as pipeline:
            pipeline.send(1, fields={"traceparent": f"00-{ids}-00"})
            pipeline.send(2, fields={"traceparent": f"00-{ids}-01"})
            spans = until(lambda: len(found := server.spans()) >= 5 and found, "the spans of one webhook")
            until(lambda: len(server.delivered) == 2, "both deliveries")
            self.assertEqual(set(server.delivered), {f"00-{ids}-00", f"00-{ids}-01"})
            self.assertEqual({span.trace_id.hex() for _, span in spans}, {ids[:32]})
            root = next(span for _, span in spans if span.name == "ingress-gateway")
            self.assertEqual(root.parent_span_id.hex(), ids[33:])

    def test_a_collector_that_is_gone_costs_nothing_but_its_spans(self):
        server = Server()
        with gateway(server, 1) as pipeline:
            server.is_gone = True
            for number in range(50):
                pipeline.send(number)
            until(lambda: len(server.delivered) == 50, "all deliveries")
            failed = 'tributary_trace_spans_total{outcome="failed"'
            until(lambda: any(line.startswith("tributary_trace_spans_total") and 'outcome="failed"' in line
                              and float(line.split()[-1]) > 0 for line in pipeline.tributary("metrics").splitlines()),
                  failed)

    def test_nothing_is_traced_where_nothing_is_sampled(self):
        server = Server()
        with gateway(server, 0) as pipeline:
            pipeline.send(1)
            until(lambda: server.delivered, "the delivery")
            self.assertEqual(server.delivered, [None])
            self.assertEqual(server.requests, [])


if __name__ == "__main__":
    unittest.main()
