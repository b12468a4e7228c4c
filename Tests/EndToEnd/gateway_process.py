# Starts the real program with a configuration, waits until it answers, reads its log, and stops it. What it
# prints is searched for secrets at the end of each run, and a clean exit on SIGTERM is part of every test.

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

SECRETS = ("sk-upstream-secret", "sk-client-secret", "sk-ant-upstream-secret", "AIza-upstream-secret", "sn-upstream-secret",
           "e2e-client-secret", "sk-lf-e2e-secret", "otlp-e2e-secret", "e2e-refresh-secret", "e2e+secret", 'pa"ss', "ya29.e2e-", "eyJ", "PRIVATE KEY")
_taken = set()


def free_port():
    """A port that is free now and that no other call here has been given."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        if port not in _taken:
            _taken.add(port)
            return port


def binary():
    path = os.environ.get("GATEWAY_BINARY")
    if not path or not os.access(path, os.X_OK):
        pytest.fail("set GATEWAY_BINARY to the built program (./dev test does)", pytrace=False)
    return path


def clean_environment(**extra):
    """No provider key or setting of the caller's shell may leak into a test."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "HOME") if name in os.environ}
    return {**kept, **extra}


class Program:
    """A running `gateway` verb; its output is collected line by line."""

    def __init__(self, arguments, port, directory, environment=None, probe="/health", tls=None):
        self.port, self.tls = port, tls
        self.lines, self.errors = [], []
        self.process = subprocess.Popen(
            [binary(), *arguments], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=clean_environment(**(environment or {})),
        )
        self._readers = [
            threading.Thread(target=self._collect, args=(stream, kept), daemon=True)
            for stream, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()
        self._await(probe)

    @staticmethod
    def _collect(stream, kept):
        for line in stream:
            kept.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _await(self, probe):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                time.sleep(0.1)
                pytest.fail(f"the program ended with {self.process.returncode}:\n{self.output()[-4000:]}")
            try:
                if self.tls is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                else:
                    connection = http.client.HTTPSConnection("localhost", self.port, timeout=2, context=self.tls)
                connection.request("GET", probe)
                connection.getresponse().read()
                connection.close()
                return
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
        self.kill()
        pytest.fail(f"no answer on port {self.port} within 10 s:\n{self.output()[-4000:]}")

    @property
    def url(self):
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{'127.0.0.1' if self.tls is None else 'localhost'}:{self.port}/v1"

    def output(self):
        return "\n".join([*self.errors, *self.lines])

    def alive(self):
        return self.process.poll() is None

    def records(self):
        """The access log so far: every line of stdout that is a JSON object with a status."""
        found = []
        for line in list(self.lines):
            if line.startswith("{"):
                record = json.loads(line)
                if "status" in record:
                    found.append(record)
        return found

    def await_record(self, matches, within=3.0):
        """The first access-log record for which `matches(record)` holds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for record in self.records():
                if matches(record):
                    return record
            time.sleep(0.01)
        raise AssertionError("no such line in the access log; its tail:\n" + "\n".join(self.lines[-8:]))

    # -- what the kernel says about it -------------------------------------------------------------------------

    def pids(self):
        """The program and its children (workers)."""
        found = [self.process.pid]
        for pid in found:
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    found += [int(c) for c in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
            except OSError:
                pass
        return found

    def anonymous_memory(self):
        """RssAnon + VmSwap of all its processes, in bytes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(("RssAnon", "VmSwap")):
                    total += int(line.split()[1]) * 1024
        return total

    def descriptors(self):
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self.pids())

    def connections(self):
        """Client connections that it still holds, those included whose client has left unnoticed."""
        local, held = f"{self.port:04X}", 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{local}") and fields[3] in ("01", "08"):  # ESTABLISHED, CLOSE_WAIT
                held += 1
        return held

    def await_connections(self, count, within=3.0):
        deadline = time.monotonic() + within
        while self.connections() != count:
            assert time.monotonic() < deadline, f"{self.connections()} connections are held, not {count}"
            time.sleep(0.005)

    def cpu_seconds(self):
        total = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    # -- the end -----------------------------------------------------------------------------------------------

    def terminate(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, within=10.0):
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {within} s after SIGTERM") from None
        for reader in self._readers:
            reader.join(2)
        return code

    def kill(self):
        for pid in reversed(self.pids()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(5)

    def stop(self):
        """Ends it and fails unless it was alive, left with 0, and never printed a secret."""
        assert self.alive(), f"it died during the tests ({self.process.returncode}):\n{self.output()[-4000:]}"
        self.terminate()
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.output()[-4000:]}"
        self.assert_no_secret()

    def assert_no_secret(self):
        for secret in SECRETS:
            for line in [*self.errors, *self.lines]:
                assert secret not in line, f"a secret in the output: {line[:500]}"


def write_config(directory, config):
    """JSON is YAML: the configuration goes to disk as it is."""
    path = Path(directory) / f"gateway-{len(list(Path(directory).iterdir()))}.yaml"
    path.write_text(json.dumps(config, indent=2))
    return str(path)


class Gateway(Program):
    """`gateway serve` with a configuration."""

    def __init__(self, config, directory, environment=None, tls=None):
        config = dict(config)
        port = free_port()
        config["server"] = {"host": "127.0.0.1", "port": port, "workers": 1, **config.get("server", {})}
        self.config_file = write_config(directory, config)
        # What outlives one test's gateway is no other's.
        if not {"HOME", "STATE_DIR"} & set(environment or ()):
            environment = {"XDG_STATE_HOME": str(directory), **(environment or {})}
        super().__init__(["serve", "--config", self.config_file], port, directory, environment, tls=tls)


class Simulator(Program):
    """`gateway simulate`: the built-in upstream as a server of its own."""

    def __init__(self, directory, leaf=None, tls=None, options=()):
        port = free_port()
        arguments = ["simulate", "--port", str(port), *options]
        if leaf:
            arguments += ["--tls-certificate", leaf.certificate, "--tls-private-key", leaf.private_key]
        super().__init__(arguments, port, directory, probe="/v1/models", tls=tls)
