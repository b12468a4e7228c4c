# Whom the gateway trusts. Where the upstream cannot prove itself, the client gets an error and the upstream gets
# not one byte of a request: neither the prompt nor the key.

import ssl
import time

import pytest

from fake_upstream import says, silent
from raw_http import ask, chat

V1, V1_2, V1_3 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BAD = ["expired", "not_yet_valid", "wrong_host", "other_authority", "self_signed"]
ODD = ["tls-1.0", "plain-http", "garbage", "handshake-alert", "closes"]


@pytest.fixture(scope="module")
def listeners(session_upstream):
    upstream, leaf = session_upstream, session_upstream.certificates
    found = {name: upstream.listen(upstream.tls_context(getattr(leaf, name))) for name in BAD}
    found["tls-1.0"] = upstream.listen(upstream.tls_context(leaf.good, V1, V1))
    found["plain-http"] = upstream.listen()
    found["garbage"] = upstream.listen(greeting=says(b"\x00\x01garbage that is no TLS record\r\n" * 20))
    found["handshake-alert"] = upstream.listen(greeting=says(b"\x15\x03\x03\x00\x02\x02\x28"))
    found["closes"] = upstream.listen(greeting=lambda connection: connection._receive(5))
    found["stalls"] = upstream.listen(greeting=silent)
    found["tls-1.2"] = upstream.listen(upstream.tls_context(leaf.good, V1_2, V1_2))
    found["tls-1.3"] = upstream.listen(upstream.tls_context(leaf.good, V1_3, V1_3))
    return found


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, listeners, session_upstream, certificates):
    def block(name, **fields):
        url = f"https://localhost:{listeners[name].port}/v1"
        return provider(url, **{"timeouts": {"connect": "1s", "head": "2s"}, **fields})

    providers = {name: block(name) for name in listeners}
    system_trust = provider()
    del system_trust["ca_file"]
    providers["system-trust"] = system_trust
    providers["unverified"] = block("self_signed", tls_verify=False)
    return start_gateway({"providers": providers})


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("name", [*BAD, *ODD])
def test_an_upstream_that_cannot_prove_itself_gets_no_request_byte(gateway, upstream, listeners, name, stream):
    exchanges = len(upstream.exchanges)
    answer = ask(gateway.port, chat(f"{name}/gpt-x", "the prompt", stream))
    assert answer.status == 502, answer
    assert answer.error["message"]
    listener = listeners[name]
    assert 1 <= len(listener.connections)
    time.sleep(0.05)
    for connection in listener.connections:
        assert connection.handshaken is False or connection.application_received == 0
        for word in (b"the prompt", b"sk-upstream", b"POST"):
            assert word not in connection.plain
    assert len(upstream.exchanges) == exchanges


def test_a_stalled_handshake_is_a_504_at_the_connect_clock(gateway, upstream, listeners):
    began = time.monotonic()
    answer = ask(gateway.port, chat("stalls/gpt-x"))
    assert answer.status == 504 and answer.error
    assert 0.7 <= time.monotonic() - began <= 3.2
    assert all(one.gone.wait(1) for one in listeners["stalls"].connections)


def test_an_authority_nobody_named_is_not_trusted(gateway, upstream):
    before = len(upstream.main.connections)
    assert ask(gateway.port, chat("system-trust/gpt-x")).status == 502
    assert all(one.application_received == 0 for one in upstream.main.connections[before:])


def test_verification_can_be_switched_off_by_name(gateway, upstream):
    assert ask(gateway.port, chat("unverified/gpt-x")).status == 200


@pytest.mark.parametrize("name, version", [("tls-1.2", "TLSv1.2"), ("tls-1.3", "TLSv1.3")])
def test_both_current_versions_work(gateway, upstream, listeners, name, version):
    for stream in (False, True):
        assert ask(gateway.port, chat(f"{name}/gpt-x", stream=stream)).status == 200
    assert listeners[name].connections[-1].tls_version == version
    assert len(listeners[name].connections) == 1


def test_the_host_name_and_the_protocol_are_offered(gateway, upstream, listeners):
    ask(gateway.port, chat("tls-1.3/gpt-x"))
    assert "localhost" in listeners["tls-1.3"].context.names_seen
    assert listeners["tls-1.3"].connections[-1].alpn in ("http/1.1", None)


def test_a_session_is_resumed_in_both_versions(gateway, upstream, listeners):
    for name in ("tls-1.2", "tls-1.3"):
        for _ in range(3):
            assert ask(gateway.port, chat(f"{name}/gpt-x")).status == 200
            upstream.drop_idle(listeners[name])
        assert listeners[name].connections[-1].resumed, name


def test_an_error_tells_what_is_wrong_with_the_certificate(gateway, upstream):
    """Whoever runs the gateway must find the reason in the log or the answer."""
    answer = ask(gateway.port, chat("expired/gpt-x", headers=[("X-Request-Id", "why-expired")]))
    gateway.await_record(lambda r: r.get("request_id") == "why-expired")
    assert "expired" in answer.error["message"].lower() or "expired" in gateway.output().lower()
