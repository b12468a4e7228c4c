# A real Prometheus (Debian's package; ./dev installs it) scrapes two workers under load, and what it says equals what
# was asked for, exactly. The dashboard and the alert rules that are shipped name nothing that /metrics does not tell.

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from gateway_process import free_port
from raw_http import RawClient, ask, chat, get

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "gateway.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "gateway.json"

KEY = [("Authorization", "Bearer sk-client-secret")]

needs_prometheus = pytest.mark.skipif(
    not shutil.which("prometheus") and not os.environ.get("CI"), reason="the package prometheus is not installed")


def families(gateway, headers=()):
    """{name: type} of what /metrics tells, a histogram's three names included."""
    found = {}
    for line in ask(gateway.port, get("/metrics", headers), "GET").body.decode().splitlines():
        match = re.match(r"# TYPE (\S+) (\S+)", line)
        if match:
            found[match[1]] = match[2]
            if match[2] == "histogram":
                found.update({match[1] + suffix: match[2] for suffix in ("_bucket", "_sum", "_count")})
    return found


@pytest.fixture(scope="module")
def everything(start_gateway, provider, session_salesforce_mock, session_langfuse, certificates, tmp_path_factory):
    """A gateway that has something to tell in every family."""
    org = session_salesforce_mock.org
    gateway = start_gateway({
        "auth": {"keys": [{"name": "team", "key": "sk-client-secret", "budget": {"usd": 5, "period": "day"}}]},
        "state_directory": str(tmp_path_factory.mktemp("state")),
        "providers": {"up": provider(breaker={"mode": "on"}), "sf": {
            "type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id,
            "consumer_secret": org.client_secret, "ca_file": certificates.ca_file}},
        "models": {"*": {"provider": "up"}},
        "observability": {"langfuse": {"public_key": "pk", "secret_key": "sk", "base_url": session_langfuse.url,
                                       "ca_file": certificates.ca_file}},
    })
    ask(gateway.port, chat("gpt-4o", headers=KEY))
    return gateway


def expressions():
    board = json.loads(DASHBOARD.read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    found += [re.search(r"label_values\(([^,]+)", variable["query"]["query"])[1]
              for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert len(found) > 50
    rules = re.findall(r"expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)", RULES.read_text())
    assert len(rules) == RULES.read_text().count("alert:")
    return found, ["".join(pair) for pair in rules]


def names(expression):
    """The metrics that an expression names: what it calls, groups by or matches on left out."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"|\[[^]]*\]|\b(by|without) *\([^)]*\)", " ", expression)
    return set(re.findall(r"\b(?:gateway|process)_[a-z_]+\b", bare)), \
        set(re.findall(r"\b([a-z_]+)(?:=~|=|!=)\"", expression))


def test_every_name_in_dashboard_and_rules_is_told(everything, upstream):
    told = families(everything, KEY)
    text = ask(everything.port, get("/metrics", KEY), "GET").body.decode()
    labels = set(re.findall(r"[{,]([a-z_]+)=\"", text)) | {"job", "instance"}
    board, rules = expressions()
    for expression in board + rules:
        found, matched = names(expression)
        assert found or "up{" in expression, expression
        for name in found:
            assert name in told, f"{name} is not told at /metrics: {expression}"
            # A counter that is not looked at over time says nothing.
            if told[name] == "counter":
                # (A variable of the dashboard asks for its labels only.)
                assert re.search(r"(rate|increase)\(" + name, expression) or \
                    re.sub(r"\{[^}]*\}", "", expression) == name, expression
        assert matched <= labels, (matched - labels, expression)


def test_every_family_is_on_the_dashboard(everything, upstream):
    board, _ = expressions()
    shown = set().union(*(names(expression)[0] for expression in board))
    missing = {name for name, kind in families(everything, KEY).items()
               if name not in shown and kind != "histogram" and not name.startswith("gateway_unpriced")}
    assert missing <= {"gateway_requests_received_total"}, missing


@needs_prometheus
def test_promtool_takes_the_rules():
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True, capture_output=True)


class Prometheus:
    def __init__(self, directory, target, interval="250ms"):
        self.port = free_port()
        shutil.copy(RULES, directory / "gateway.rules.yml")
        (directory / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}, evaluation_interval: {interval}}}\n"
            f"rule_files: [{directory}/gateway.rules.yml]\n"
            f"scrape_configs: [{{job_name: gateway, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n")
        subprocess.run(["promtool", "check", "config", str(directory / "prometheus.yml")], check=True, capture_output=True)
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stdout=self.log, stderr=self.log)

    def query(self, expression):
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]["result"]

    def value(self, expression):
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def await_value(self, expression, expected, within=20.0):
        deadline = time.monotonic() + within
        found = None
        while time.monotonic() < deadline:
            try:
                found = self.value(expression)
            except OSError:
                found = None
            if found == expected:
                return
            time.sleep(0.05)
        raise AssertionError(f"{expression} is {found}, not {expected}")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


@needs_prometheus
def test_sums_over_two_workers_equal_what_was_asked(start_gateway, provider, upstream, tmp_path):
    gateway = start_gateway({"server": {"workers": 2}, "providers": {"up": provider()},
                             "observability": {"prices": {"gpt-metered-a": {"input": 1, "output": 2},
                                                          "gpt-metered-b": {"input": 3, "output": 4}}}})
    prometheus = Prometheus(tmp_path, gateway.port)
    try:
        clients, each = 8, 60
        served = [0] * clients

        def work(number):
            model = "up/gpt-metered-" + "ab"[number % 2]
            with RawClient(gateway.port) as client:
                for turn in range(each):
                    assert client.ask(chat(model, "Hello there", stream=turn % 3 == 0)).status == 200
                    served[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        # One worker dies under the load; what it has counted stays. Whoever it was serving asks no more.
        for thread in threads:
            thread.join(60)
        assert served == [each] * clients
        workers = [pid for pid in gateway.pids() if pid != gateway.process.pid]
        os.kill(workers[0], signal.SIGKILL)
        gateway_restarted(gateway, workers[0])
        total = clients * each
        streams = clients * len(range(0, each, 3))
        for model in "ab":
            label = f'{{provider="up",model="gpt-metered-{model}"}}'
            half = total // 2
            prometheus.await_value(f'sum(gateway_model_requests_total{label})', half)
            prometheus.await_value(f"gateway_request_duration_seconds_count{label}", half)
            prometheus.await_value(f'gateway_request_duration_seconds_bucket{label[:-1]},le="+Inf"}}', half)
            prometheus.await_value(f"gateway_upstream_duration_seconds_count{label}", half)
            prometheus.await_value(f"gateway_time_to_first_token_seconds_count{label}", streams / 2)
            prometheus.await_value(f"gateway_input_tokens_total{label}", half * 12)
            prometheus.await_value(f"gateway_output_tokens_total{label}", half * 3)
            price = (12 * 1 + 3 * 2) if model == "a" else (12 * 3 + 3 * 4)
            prometheus.await_value(f"round(gateway_cost_dollars_total{label} * 1e6)", half * price)
        prometheus.await_value('gateway_requests_total{door="chat",code="2xx"}', total)
        prometheus.await_value("gateway_overhead_seconds_count", total)
        prometheus.await_value("gateway_streams_total", streams)
        # All buckets of one histogram rise, and the last has all.
        buckets = [float(row["value"][1]) for row in sorted(
            prometheus.query('gateway_overhead_seconds_bucket'), key=lambda row: float(row["metric"]["le"]))]
        assert buckets == sorted(buckets) and buckets[-1] == total
        assert prometheus.value("count(ALERTS) or vector(0)") is not None
        # Every worker says the same.
        report = {json.dumps(ask(gateway.port, get("/v1/performance/metrics"), "GET").json()["totals"], sort_keys=True)
                  for _ in range(12)}
        assert len(report) == 1 and json.loads(report.pop())["requests"] == total
    finally:
        prometheus.stop()


def gateway_restarted(gateway, dead, within=10.0):
    """Waits until another process has taken the place of one that was killed."""
    deadline = time.monotonic() + within
    while not any('"worker_crashed"' in line for line in gateway.lines) or len(gateway.pids()) < 3 or dead in gateway.pids():
        assert time.monotonic() < deadline, gateway.lines[-5:]
        time.sleep(0.02)
