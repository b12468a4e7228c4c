# What an OTLP/HTTP receiver takes as JSON, and nothing else: the protobuf JSON mapping with OpenTelemetry's own rules
# (hexadecimal ids, 64-bit integers as decimal strings, enumerations as numbers), unknown members refused as a schema
# check would. Functions raise Refused; they return plain dicts for tests to look at.

import re

from .transport import Refused

_TRACE = re.compile(r"[0-9a-f]{32}")
_SPAN = re.compile(r"[0-9a-f]{16}")
_NANOS = re.compile(r"[1-9][0-9]{18}")  # this century's
_INTEGER = re.compile(r"-?[0-9]{1,19}")


def _need(condition, what):
    if not condition:
        raise Refused(400, what)


def _members(value, where, required, optional=()):
    _need(isinstance(value, dict), f"{where} is no object")
    _need(set(required) <= set(value), f"{where} lacks {set(required) - set(value)}")
    _need(set(value) <= {*required, *optional}, f"{where} has {set(value) - {*required, *optional}}")
    return value


def _list(value, where):
    _need(isinstance(value, list), f"{where} is no list")
    return value


def any_value(value, where):
    _need(isinstance(value, dict) and len(value) == 1, f"{where} is no AnyValue")
    (kind, content), = value.items()
    if kind == "stringValue":
        _need(isinstance(content, str), where)
        return content
    if kind == "boolValue":
        _need(isinstance(content, bool), where)
        return content
    if kind == "intValue":
        _need(isinstance(content, str) and _INTEGER.fullmatch(content), f"{where}: intValue {content!r}")
        return int(content)
    if kind == "doubleValue":
        _need(isinstance(content, (int, float)) and not isinstance(content, bool), where)
        return float(content)
    if kind == "arrayValue":
        values = _list(_members(content, where, ["values"])["values"], where)
        return [any_value(item, where) for item in values]
    raise Refused(400, f"{where}: unknown kind {kind}")


def attributes(value, where):
    found = {}
    for item in _list(value, f"{where}.attributes"):
        _members(item, f"{where}.attributes[]", ["key", "value"])
        key = item["key"]
        _need(isinstance(key, str) and key, f"{where}: an attribute without a name")
        _need(key not in found, f"{where}: the attribute {key} comes twice")
        found[key] = any_value(item["value"], f"{where}.{key}")
    return found


def _resource(value, where):
    found = attributes(_members(value, where, ["attributes"])["attributes"], where)
    _need(found.get("service.name"), f"{where} names no service")
    return found


def _scope(value, where):
    _members(value, where, ["name"], ["version"])
    _need(isinstance(value["name"], str) and value["name"], where)


def _time(value, where):
    _need(isinstance(value, str) and _NANOS.fullmatch(value), f"{where}: {value!r}")
    return int(value)


def spans(body):
    """Every span of an ExportTraceServiceRequest, attributes as a dict and its resource's beside them."""
    found = []
    _members(body, "request", ["resourceSpans"])
    for group in _list(body["resourceSpans"], "resourceSpans"):
        _members(group, "resourceSpans[]", ["resource", "scopeSpans"], ["schemaUrl"])
        resource = _resource(group["resource"], "resource")
        for scoped in _list(group["scopeSpans"], "scopeSpans"):
            _members(scoped, "scopeSpans[]", ["scope", "spans"], ["schemaUrl"])
            _scope(scoped["scope"], "scope")
            found += [{**_span(span), "resource": resource} for span in _list(scoped["spans"], "spans")]
    _need(found, "no span")
    return found


def _span(span):
    _members(span, "span", ["traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano",
                            "attributes", "status"], ["parentSpanId", "traceState", "events", "links"])
    for name, form in (("traceId", _TRACE), ("spanId", _SPAN), ("parentSpanId", _SPAN)):
        if name in span:
            _need(isinstance(span[name], str) and form.fullmatch(span[name]) and set(span[name]) != {"0"},
                  f"{name} {span[name]!r}")
    _need(isinstance(span["name"], str) and span["name"], "a span without a name")
    _need(span["kind"] in (1, 2, 3, 4, 5) and not isinstance(span["kind"], bool), f"kind {span['kind']!r}")
    start, end = _time(span["startTimeUnixNano"], "start"), _time(span["endTimeUnixNano"], "end")
    _need(start <= end, "a span that ends before it starts")
    status = _members(span["status"], "status", ["code"], ["message"])
    _need(status["code"] in (0, 1, 2), "status code")
    _need("message" not in status or status["code"] == 2, "a message without an error")
    return {**span, "start": start, "end": end, "attributes": attributes(span["attributes"], "span")}


def points(body):
    """{metric: [(attributes, value)]} of an ExportMetricsServiceRequest; a histogram's value is (count, sum)."""
    found = {}
    _members(body, "request", ["resourceMetrics"])
    for group in _list(body["resourceMetrics"], "resourceMetrics"):
        _members(group, "resourceMetrics[]", ["resource", "scopeMetrics"])
        _resource(group["resource"], "resource")
        for scoped in _list(group["scopeMetrics"], "scopeMetrics"):
            _members(scoped, "scopeMetrics[]", ["scope", "metrics"])
            _scope(scoped["scope"], "scope")
            for metric in _list(scoped["metrics"], "metrics"):
                _members(metric, "metric", ["name", "unit"], ["sum", "gauge", "histogram", "description"])
                kinds = {"sum", "gauge", "histogram"} & set(metric)
                _need(len(kinds) == 1, f"{metric['name']} is {kinds}")
                _need(metric["name"] not in found, f"{metric['name']} comes twice")
                found[metric["name"]] = _points(metric["name"], kinds.pop(), metric)
    return found


def _points(name, kind, metric):
    required = {"sum": ["dataPoints", "aggregationTemporality", "isMonotonic"], "gauge": ["dataPoints"],
                "histogram": ["dataPoints", "aggregationTemporality"]}[kind]
    data = _members(metric[kind], name, required)
    _need(data.get("aggregationTemporality", 2) == 2, f"{name}: not cumulative")
    return [_histogram_point(name, point) if kind == "histogram" else _number_point(name, point)
            for point in _list(data["dataPoints"], name)]


def _number_point(name, point):
    _members(point, name, ["attributes", "startTimeUnixNano", "timeUnixNano"], ["asInt", "asDouble"])
    _need(len({"asInt", "asDouble"} & set(point)) == 1, f"{name}: no value, or two")
    _need(_time(point["startTimeUnixNano"], name) <= _time(point["timeUnixNano"], name), f"{name}: times")
    if "asInt" in point:
        _need(isinstance(point["asInt"], str) and _INTEGER.fullmatch(point["asInt"]), f"{name}: asInt")
        return attributes(point["attributes"], name), int(point["asInt"])
    _need(isinstance(point["asDouble"], (int, float)), f"{name}: asDouble")
    return attributes(point["attributes"], name), float(point["asDouble"])


def _histogram_point(name, point):
    _members(point, name, ["attributes", "startTimeUnixNano", "timeUnixNano", "count", "sum", "bucketCounts",
                           "explicitBounds"])
    _need(_time(point["startTimeUnixNano"], name) <= _time(point["timeUnixNano"], name), f"{name}: times")
    counts, bounds = _list(point["bucketCounts"], name), _list(point["explicitBounds"], name)
    _need(all(isinstance(c, str) and _INTEGER.fullmatch(c) for c in [point["count"], *counts]), f"{name}: counts")
    _need(len(counts) == len(bounds) + 1, f"{name}: {len(counts)} buckets for {len(bounds)} bounds")
    _need(sum(map(int, counts)) == int(point["count"]), f"{name}: the buckets do not add up")
    _need(bounds == sorted(set(bounds)), f"{name}: bounds")
    if name == "gen_ai.client.token.usage":
        _need(bounds == [4**power for power in range(14)], f"{name}: not the bounds of the conventions")
    _need(isinstance(point["sum"], (int, float)), f"{name}: sum")
    return attributes(point["attributes"], name), (int(point["count"]), point["sum"])
