# Clocks of upstreams by model: one provider behind which several models have clocks of their own, above the provider's;
# the client's own word lowers any of them. What is computed where nothing is set: TimeoutPolicyTests.

import time

import pytest

from fake_upstream import chunk, completion, text_stream
from raw_http import RawClient, ask, chat, parse_stream, post, stream_error, stream_text

LATE = 1.2  # seconds: more than the provider allows, less than `patient` does


@pytest.fixture(scope="module")
def gateway(start_gateway, provider, session_upstream):
    def models(model, line):
        return {**line, "provider": "up", "model": f"gpt-e2e-{model}"}

    hasty, patient = {"timeouts": {"head": "300ms", "idle": "300ms"}}, {"timeouts": {"head": "20s", "idle": "20s"}}
    for name, play in {"slow": slow, "slow-9": slow, "pauses": pauses}.items():
        session_upstream.scripts[f"gpt-e2e-{name}"] = play
    return start_gateway({
        "server": {"heartbeat_interval": "60s"},
        "providers": {
            "up": provider(timeouts={"connect": "5s", "head": "700ms", "idle": "700ms", "total": "30s"},
                           breaker={"mode": "off"}),
            "sim": {"type": "simulator", "ttft": "1ms", "tokens_per_second": 0, "breaker": {"mode": "off"}},
        },
        "models": {
            "plain": models("slow", {}), "hasty": models("slow", hasty), "patient": models("slow", patient),
            "plain-pause": models("pauses", {}), "hasty-pause": models("pauses", hasty),
            "patient-pause": models("pauses", patient),
            "gpt-e2e-slow*": {"provider": "up", **patient},
            "brief": {**models("slow", {}), "timeouts": {"head": "20s", "total": "400ms"}},
            "hasty-sim": {"provider": "sim", "model": "sim-hang", "timeouts": {"head": "200ms"}},
            "next": {"targets": [{"provider": "up", "model": "gpt-e2e-slow"}], **hasty, "fallbacks": ["gpt-e2e-slow-9"]},
        },
    })


def slow(exchange):
    exchange.wait(LATE)
    if exchange.request.json().get("stream"):
        exchange.start_stream()
        exchange.write(text_stream("late, but whole"))
        exchange.finish()
    else:
        exchange.answer(completion("late, but whole"))


def pauses(exchange):
    exchange.start_stream()
    exchange.event(chunk({"role": "assistant", "content": ""}))
    exchange.event(chunk({"content": "before"}))
    exchange.wait(LATE)
    exchange.event(chunk({"content": " and behind"}))
    exchange.event(chunk(finish="stop"))
    exchange.event("[DONE]")
    exchange.finish()


def timed(gateway, model, stream=False, headers=()):
    began = time.monotonic()
    with RawClient(gateway.port, timeout=30) as client:
        answer = client.ask(chat(model, stream=stream, headers=headers))
    return answer, time.monotonic() - began


def test_models_behind_one_provider_have_clocks_of_their_own(gateway, at_once):
    def gives_up(model, least, stream, headers=()):
        def run():
            answer, took = timed(gateway, model, stream, headers)
            assert answer.status == 504 and took >= least, (answer, took)
            assert answer.error["code"] == "upstream_timeout" and "the response head time-out" in answer.error["message"], answer

        return run

    def waits(model, stream):
        def run():
            answer, took = timed(gateway, model, stream)
            assert answer.status == 200 and took >= LATE
            if stream:
                assert stream_text(parse_stream(answer.body)) == ("late, but whole", "stop", True)
            else:
                assert answer.json()["choices"][0]["message"]["content"] == "late, but whole"

        return run

    own = [("x-stainless-timeout", "0.4")]
    cases = {}
    for stream in (False, True):
        cases |= {f"hasty {stream}": gives_up("hasty", 0.3, stream), f"plain {stream}": gives_up("plain", 0.7, stream),
                  f"patient {stream}": waits("patient", stream), f"by pattern {stream}": waits("gpt-e2e-slow", stream),
                  f"the client lowers {stream}": gives_up("patient", 0.4, stream, own),
                  f"simulated {stream}": gives_up("hasty-sim", 0.2, stream)}
    at_once(cases)


def test_the_pauses_of_a_stream_are_the_models_too(gateway, at_once):
    def breaks_off(model):
        def run():
            answer, _ = timed(gateway, model, True)
            payloads = parse_stream(answer.body)
            assert answer.status == 200 and stream_text(payloads) == ("before", None, False)
            assert "the idle time-out" in stream_error(payloads)["message"]

        return run

    def goes_on():
        answer, _ = timed(gateway, "patient-pause", True)
        assert stream_text(parse_stream(answer.body)) == ("before and behind", "stop", True)

    at_once({"hasty": breaks_off("hasty-pause"), "plain": breaks_off("plain-pause"), "patient": goes_on})


def test_the_whole_exchange_has_a_clock_of_the_models(gateway):
    answer, took = timed(gateway, "brief")
    assert answer.status == 504 and "the total time-out" in answer.error["message"] and took < LATE + 5


def test_a_model_that_stands_in_brings_its_own_clocks(gateway):
    answer, took = timed(gateway, "next")
    assert answer.status == 200 and answer.headers.get("x-gateway-attempts") == "2", answer
    assert answer.json()["choices"][0]["message"]["content"] == "late, but whole" and took >= 0.3 + LATE


@pytest.mark.parametrize("path,body", [("/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": "a"}]}),
                                       ("/v1/responses", {"input": "a"})])
def test_they_hold_at_every_door(gateway, path, body):
    answer = ask(gateway.port, post(path, {"model": "hasty", **body}))
    assert answer.status == 504 and "the response head time-out" in answer.json()["error"]["message"]
