# Constant load on a gateway, and what its processes tell: for the tests of workers, reloads and upgrades.

import json
import os
import threading
import time
from pathlib import Path

import openai

from raw_http import Closed, RawClient, chat, parse_stream, stream_text


def events(gateway, name):
    return [e for e in map(json.loads, [x for x in list(gateway.lines) if x.startswith("{")]) if e.get("event") == name]


def await_events(gateway, name, count, within=10.0):
    deadline = time.monotonic() + within
    while len(events(gateway, name)) < count:
        assert time.monotonic() < deadline, f"{len(events(gateway, name))} x {name}, not {count}:\n{gateway.output()[-3000:]}"
        time.sleep(0.01)
    return events(gateway, name)


def workers(gateway):
    """The pids of the supervisor's children."""
    return [pid for pid in gateway.pids() if pid != gateway.process.pid]


def accepted(pid, port):
    """The clients' ports of the connections that a process has accepted on `port` and that its clients have not closed."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes and fields[1].endswith(f":{port:04X}") and fields[3] == "01":
            found.add(int(fields[2].split(":")[1], 16))
    return found


class Load:
    """Clients that ask without a pause until they are told to stop; each answer must be whole.

    `connections="kept"`: one connection a client, used again until the gateway says `connection: close`;
    `"new"`: one a request."""

    def __init__(self, port, clients=6, connections="kept", stream=True, tls=None):
        self.port, self.kept, self.stream, self.tls = port, connections == "kept", stream, tls
        self.whole, self.failures = 0, []
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _work(self):
        client = None
        while not self._stop.is_set():
            try:
                if client is None:
                    client = RawClient(self.port, tls=self.tls)
                client.send(chat("sim-1", "all or nothing", stream=self.stream))
                answer = client.read()
                assert answer.status == 200, answer
                if self.stream:
                    assert stream_text(parse_stream(answer.body))[2], answer.body[-200:]
                else:
                    assert answer.json()["choices"][0]["finish_reason"], answer.body
                with self._lock:
                    self.whole += 1
                if not self.kept or answer.headers.get("connection") == "close":
                    client.close()
                    client = None
            except (Closed, OSError, AssertionError) as failure:
                with self._lock:
                    self.failures.append(f"{type(failure).__name__}: {failure}")
                if client is not None:
                    client.close()
                client = None
        if client is not None:
            client.close()

    def await_whole(self, count, within=15.0):
        """Until that many more answers have come."""
        target, deadline = self.whole + count, time.monotonic() + within
        while self.whole < target:
            assert time.monotonic() < deadline, f"{self.whole} answers, not {target}; failures: {self.failures[-3:]}"
            time.sleep(0.005)

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "a client hangs"


class SDKLoad:
    """The official client, asking without a pause from several threads, every other answer streamed. Without retries: a
    failure is seen."""

    def __init__(self, url, clients=4, ca_file=True):
        self.whole, self.failures = 0, []
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._client = openai.OpenAI(base_url=url, api_key="any-key", max_retries=0, timeout=30,
                                     http_client=openai.DefaultHttpxClient(verify=ca_file))
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _work(self, number):
        while not self._stop.is_set():
            number += 1
            try:
                asked = {"model": "sim-echo", "messages": [{"role": "user", "content": f"number {number}"}]}
                if number % 2:
                    answer = self._client.chat.completions.create(**asked).choices[0]
                    text, reason = answer.message.content, answer.finish_reason
                else:
                    chunks = [c.choices[0] for c in self._client.chat.completions.create(stream=True, **asked) if c.choices]
                    text = "".join(c.delta.content or "" for c in chunks)
                    reason = chunks[-1].finish_reason
                assert (text, reason) == (f"number {number}", "stop"), (text, reason)
                with self._lock:
                    self.whole += 1
            except Exception as failure:  # whatever it is, it is a lost request
                with self._lock:
                    self.failures.append(f"{type(failure).__name__}: {failure}")

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join(40)
            assert not thread.is_alive(), "a client hangs"
        self._client.close()
