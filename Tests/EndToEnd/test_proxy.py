# Proxies in front of providers, and certificates that both sides show.

import base64
import socket
import ssl
import threading

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from certificates import make_leaf
from collecting import langfuse_block, otlp_block
from raw_http import Closed, RawClient, ask, chat


class Proxy:
    """Grants tunnels to whoever knows the password; counts them, and remembers what was asked for."""

    def __init__(self, password=None):
        self.expected = password and "Basic " + base64.b64encode(password.encode()).decode()
        self.asked, self.refused = [], 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return client.close()
            head += piece
        lines = head.decode().split("\r\n")
        method, place, version = lines[0].split()
        fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
        assert (method, version) == ("CONNECT", "HTTP/1.1") and fields["host"] == place and head.endswith(b"\r\n\r\n")
        if self.expected and fields.get("proxy-authorization") != self.expected:
            self.refused += 1
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
            return client.close()
        self.asked.append(place)
        host, port = place.rsplit(":", 1)
        server = socket.create_connection(("127.0.0.1", int(port)))
        client.sendall(b"HTTP/1.1 200 Connection ")
        client.sendall(b"established\r\n\r\n")
        threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
        self._copy(server, client)

    @staticmethod
    def _copy(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._listener.close()


@pytest.fixture
def proxy():
    made = []

    def make(password=None):
        made.append(Proxy(password))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def remote(upstream, certificates, tmp_path):
    """The upstream under a name that only the proxy can reach: for what is called localhost no proxy is asked."""
    leaf = make_leaf(tmp_path, "remote", certificates.authority, ["provider.example"])
    listener = upstream.listen(upstream.tls_context(leaf), host="provider.example")
    yield f"provider.example:{listener.port}"
    listener.close()


def test_a_provider_is_reached_through_a_proxy(start_gateway, provider, remote, proxy):
    through = proxy("user:p@ss")
    gateway = start_gateway({"providers": {"openai": provider(f"https://{remote}/v1", proxy=f"http://user:p%40ss@127.0.0.1:{through.port}")}})
    with RawClient(gateway.port) as client:
        for _ in range(3):
            assert client.ask(chat("gpt-x")).status == 200
        assert client.ask(chat("gpt-x", stream=True)).status == 200
    # one tunnel, used again
    assert through.asked == [remote] and through.refused == 0
    assert "p@ss" not in gateway.output() and through.expected.split()[1] not in gateway.output()


def test_the_environment_names_one_and_its_exceptions(start_gateway, provider, remote, upstream, proxy):
    through = proxy()
    gateway = start_gateway(
        {"providers": {"far": provider(f"https://{remote}/v1"), "near": provider(), "other": provider("https://except.example/v1")}},
        environment={"https_proxy": f"http://127.0.0.1:{through.port}", "NO_PROXY": ".example:99,except.example"})
    assert ask(gateway.port, chat("far/gpt-x")).status == 200
    assert ask(gateway.port, chat("near/gpt-x")).status == 200  # on this machine
    assert ask(gateway.port, chat("other/gpt-x")).status == 502  # directly: there is no such host
    assert through.asked == [remote]


def test_a_proxy_that_refuses_is_told(start_gateway, provider, remote, proxy):
    through = proxy("user:pass")
    gateway = start_gateway({"providers": {"openai": provider(f"https://{remote}/v1", proxy=f"127.0.0.1:{through.port}")}})
    answer = ask(gateway.port, chat("gpt-x"))
    assert answer.status == 502 and answer.error["code"] == "upstream_unreachable"
    assert through.refused == 2 and through.asked == []


def test_collectors_are_reached_through_a_proxy(
        start_gateway, provider, upstream, langfuse, collector, certificates, proxy, tmp_path):
    leaf = make_leaf(tmp_path, "collectors", certificates.authority, ["langfuse.example", "otlp.example"])
    places = {}
    for mock, host in (langfuse, "langfuse.example"), (collector, "otlp.example"):
        places[mock] = mock.listen(mock.tls_context(leaf), host=host)
    own, common = proxy("user:pass"), proxy()
    gateway = start_gateway({"providers": {"up": provider()}, "observability": {
        "langfuse": {**langfuse_block(langfuse, certificates), "base_url": places[langfuse].url,
                     "proxy": f"http://user:pass@127.0.0.1:{own.port}"},
        "otlp": {**otlp_block(collector, certificates), "endpoint": places[collector].url, "metrics": False},
    }}, environment={"HTTPS_PROXY": f"http://127.0.0.1:{common.port}"})
    assert ask(gateway.port, chat("gpt-x")).status == 200
    langfuse.await_spans()
    collector.await_spans(count=2)
    assert own.asked == [f"langfuse.example:{places[langfuse].port}"]
    assert common.asked == [f"otlp.example:{places[collector].port}"]
    for mock, listener in places.items():
        listener.close()


def test_both_sides_show_certificates(start_gateway, start_simulator, certificates, client_tls, tmp_path):
    # The gateway asks its clients for one ...
    mine = make_leaf(tmp_path, "client", certificates.authority, ["client.example"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    known = ssl.create_default_context(cafile=certificates.ca_file)
    known.load_cert_chain(mine.certificate, mine.private_key)
    tls = {"certificate": certificates.good.certificate, "private_key": certificates.good.private_key,
           "client_ca": certificates.ca_file}
    inner = start_gateway({"server": {"tls": tls}, "providers": {"sim": {"type": "simulator", "ttft": "1ms"}}}, tls=known)
    assert ask(inner.port, chat("sim-1"), tls=known).status == 200
    with pytest.raises((OSError, Closed)):
        ask(inner.port, chat("sim-1"), tls=client_tls)
    # ... and shows one to a provider that asks.
    base = {"type": "openai", "base_url": f"https://localhost:{inner.port}/v1", "ca_file": certificates.ca_file}
    outer = start_gateway({"providers": {
        "known": {**base, "client_certificate": mine.certificate, "client_private_key": mine.private_key},
        "unknown": base}})
    assert ask(outer.port, chat("known/sim-1")).status == 200
    assert ask(outer.port, chat("unknown/sim-1")).status == 502


def test_ssl_cert_file_names_the_authorities(start_gateway, upstream, certificates):
    config = {"providers": {"openai": {"type": "openai", "base_url": upstream.url, "api_key": "sk-upstream-secret"}}}
    trusting = start_gateway(config, environment={"SSL_CERT_FILE": certificates.ca_file})
    assert ask(trusting.port, chat("gpt-x")).status == 200
    assert ask(start_gateway(config).port, chat("gpt-x")).status == 502
