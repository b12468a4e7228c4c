# Stand-ins for those who receive records of requests: an OpenTelemetry collector and a Langfuse server (both of its
# ways in). They refuse what the real ones refuse, keep what they took, and can be told to fail, to be slow, or to hang.

import base64
import gzip
import json
import re
import threading
import time

from . import otlp_rules
from .service import Service
from .transport import Refused

LANGFUSE_PUBLIC, LANGFUSE_SECRET = "pk-lf-e2e", "sk-lf-e2e-secret"
COLLECTOR_KEY = "otlp-e2e-secret"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TIME = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z")
_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}")
_LEVELS = ("DEBUG", "DEFAULT", "WARNING", "ERROR")
_TOKENS = ("input", "output", "total", "input_cached_tokens", "input_cache_creation", "output_reasoning_tokens")


def _need(condition, what):
    if not condition:
        raise Refused(400, what)


class Collector(Service):
    """An OTLP/HTTP receiver. `spans` and `points` are what it took; `faults` what to answer instead, one a request."""

    paths = {"/v1/traces": "traces", "/v1/metrics": "metrics"}

    def __init__(self, certificates):
        super().__init__(certificates)
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.violations.clear()
        self.spans, self.batches, self.points, self.faults = [], [], {}, []
        self.arrivals = 0
        self.delay = 0.0
        self.sizes = []  # of bodies that came as gzip: path, packed, plain

    def check_head(self, connection, request):
        self.check_transport(connection, request)
        if request.method != "POST":
            raise Refused(405, "method")
        if request.target not in self.paths:
            raise Refused(404, f"unknown path {request.target}")
        self.check_credential(request)

    def check_credential(self, request):
        if request.headers.get("authorization") != f"Bearer {COLLECTOR_KEY}":
            raise Refused(401, "no or a wrong credential")

    def check_body(self, exchange):
        self.arrivals += 1
        exchange.operation = self.paths[exchange.request.target]
        exchange.body = self.json_body(exchange.request)
        exchange.found = getattr(self, "check_" + exchange.operation)(exchange.body)
        return exchange.operation

    def json_body(self, request):
        encoding = request.headers.get("content-encoding")
        if encoding == "gzip" and self.reads_gzip(request):
            packed = request.body
            request.body = gzip.decompress(packed)
            self.sizes.append((request.target, len(packed), len(request.body)))
        elif encoding is not None:
            raise Refused(415, f"content-encoding {encoding}")
        return super().json_body(request)

    def reads_gzip(self, request):
        return True

    def check_traces(self, body):
        return otlp_rules.spans(body)

    def check_metrics(self, body):
        return otlp_rules.points(body)

    def answer(self, exchange):
        if self.delay:
            exchange.wait(self.delay)
        with self.lock:
            fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            exchange.hang()
        if fault is not None:
            status, headers, body = (*fault, [], {})[:3] if isinstance(fault, tuple) else (fault, [], {})
            exchange.answer(body, status, headers)
            return
        with self.lock:
            self.take(exchange)
        self.accept(exchange)

    def take(self, exchange):
        if exchange.operation == "metrics":
            self.points = exchange.found
            return
        self.batches.append(len(exchange.found))
        known = {span["spanId"] for span in self.spans}
        for span in exchange.found:
            if span["spanId"] in known:
                self.violations.append(f"the span {span['spanId']} came twice")
        self.spans += exchange.found

    def accept(self, exchange):
        exchange.answer({})

    def refuse(self, exchange, refusal):
        exchange.answer({"code": 3, "message": str(refusal)}, refusal.status)

    def await_spans(self, matches=lambda span: True, count=1, within=8.0):
        """The spans for which `matches(span)` holds, once there are `count` of them."""
        deadline = time.monotonic() + within
        while True:
            with self.lock:
                found = [span for span in self.spans if matches(span)]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} of {count} spans came; {self.violations}"
            time.sleep(0.01)


class LangfuseMock(Collector):
    """A Langfuse server. `events` are those of the older API; `has_ingestion` is False on a newer server, which
    answers 404 (`ingestion_status`), or 207 with each event refused."""

    paths = {"/api/public/otel/v1/traces": "generations", "/api/public/ingestion": "ingestion"}
    own_headers = frozenset({"x-langfuse-sdk-name"})

    def reset(self):
        super().reset()
        self.events = []
        self.ingestion = "works"  # or "gone", "refuses"

    def check_credential(self, request):
        expected = base64.b64encode(f"{LANGFUSE_PUBLIC}:{LANGFUSE_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise Refused(401, "UnauthorizedError")
        if request.target.endswith("/otel/v1/traces") and request.headers.get("x-langfuse-ingestion-version") != "4":
            raise Refused(400, "x-langfuse-ingestion-version")

    def reads_gzip(self, request):
        return not request.target.endswith("/ingestion")

    # -- OTLP --------------------------------------------------------------------------------------------------

    def check_generations(self, body):
        found = otlp_rules.spans(body)
        for span in found:
            values = span["attributes"]
            _need(values.get("langfuse.observation.type") in ("generation", "embedding"), "observation.type")
            _need(_ENVIRONMENT.fullmatch(values.get("langfuse.environment", "")), "environment")
            _need(values.get("langfuse.observation.level") in _LEVELS, "level")
            _need(isinstance(values.get("langfuse.observation.model.name"), str), "model")
            tags = json.loads(values.get("langfuse.trace.tags", "[]"))
            _need(isinstance(tags, list) and all(isinstance(tag, str) for tag in tags), "tags")
            self._check_parameters(json.loads(values.get("langfuse.observation.model.parameters", "{}")))
            if "langfuse.observation.usage_details" in values:
                self._check_usage(json.loads(values["langfuse.observation.usage_details"]))
            if "langfuse.observation.cost_details" in values:
                self._check_cost(json.loads(values["langfuse.observation.cost_details"]))
            start = values.get("langfuse.observation.completion_start_time")
            _need(start is None or _TIME.fullmatch(start), "completion_start_time")
            for name in ("input", "output"):
                if f"langfuse.observation.{name}" in values:
                    json.loads(values[f"langfuse.observation.{name}"])
        return found

    @staticmethod
    def _check_parameters(parameters):
        for name, value in parameters.items():
            _need(value is None or isinstance(value, (str, int, float, bool)), f"parameter {name}")

    @staticmethod
    def _check_usage(usage):
        _need(set(usage) <= set(_TOKENS), f"usage {set(usage)}")
        _need(all(isinstance(n, int) and n >= 0 for n in usage.values()), "usage")
        _need(sum(n for name, n in usage.items() if name != "total") == usage["total"], "usage does not add up")

    @staticmethod
    def _check_cost(cost):
        _need(all(isinstance(n, (int, float)) and n >= 0 for n in cost.values()), "cost")

    # -- the older API -----------------------------------------------------------------------------------------

    def check_ingestion(self, body):
        _need(isinstance(body.get("batch"), list), "no batch")
        _need(len(exchange_bytes(body)) < 4_500_000, "too large")
        for event in body["batch"]:
            _need(set(event) == {"id", "timestamp", "type", "body"}, f"event {set(event)}")
            _need(_UUID.fullmatch(event["id"]), f"id {event['id']}")
            _need(_TIME.fullmatch(event["timestamp"]), "timestamp")
            _need(event["type"] in ("trace-create", "generation-create", "embedding-create"), event["type"])
            inside = event["body"]
            _need(_ENVIRONMENT.fullmatch(inside.get("environment", "")), "environment")
            if event["type"] == "trace-create":
                _need(re.fullmatch(r"[0-9a-f]{32}", inside["id"]) and _TIME.fullmatch(inside["timestamp"]), "trace")
                continue
            _need(re.fullmatch(r"[0-9a-f]{16}", inside["id"]), "generation")
            _need(re.fullmatch(r"[0-9a-f]{32}", inside["traceId"]), "trace id")
            for name in ("startTime", "endTime", "completionStartTime"):
                _need(name not in inside or _TIME.fullmatch(inside[name]), name)
            _need(inside["level"] in _LEVELS, "level")
            self._check_parameters(inside.get("modelParameters", {}))
            if "usageDetails" in inside:
                self._check_usage(inside["usageDetails"])
            if "costDetails" in inside:
                self._check_cost(inside["costDetails"])
        return body["batch"]

    def take(self, exchange):
        if exchange.operation != "ingestion":
            super().take(exchange)
        elif self.ingestion == "works":
            known = {event["id"] for event in self.events}
            self.events += [event for event in exchange.found if event["id"] not in known]

    def accept(self, exchange):
        if exchange.operation != "ingestion":
            exchange.answer({})
        elif self.ingestion == "gone":
            exchange.answer({"message": "Not found"}, 404)
        else:
            ids = [event["id"] for event in exchange.found]
            refused = self.ingestion == "refuses"
            exchange.answer({
                "successes": [] if refused else [{"id": i, "status": 201} for i in ids],
                "errors": [{"id": i, "status": 400, "message": "Event type not accepted"} for i in ids if refused],
            }, 207)

    def await_events(self, count, within=8.0):
        deadline = time.monotonic() + within
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"{len(self.events)} of {count} events came; {self.violations}"
            time.sleep(0.01)
        return list(self.events)


def exchange_bytes(body):
    return json.dumps(body).encode()
