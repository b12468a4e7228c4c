# Models with several targets: what the first cannot answer goes to the next, at every door and over both lanes, and
# strict mocks see there what they would have seen as the first. Retries, breakers over all workers, and load.

import socket
import threading
import time

import pytest

from chat_client import ChatClient
from conftest import run_all
from fake_upstream import completion
from load import await_events
from gateway_process import free_port
from load import await_events
from matrix import PICTURE, TARGETS
from messages_client import MessagesClient
from mocks import faults
from raw_http import RawClient, ask, chat, get, post
from responses_client import ResponsesClient
from test_metrics import scrape

ECHO = {"type": "simulator", "ttft": "1ms", "tokens_per_second": 0, "mode": "echo"}
DOORS = {"chat": ChatClient, "messages": MessagesClient, "responses": ResponsesClient}
SAID = "seven small stones"


def targets(*pairs, **line):
    return {"targets": [{"provider": provider, "model": model} for provider, model in pairs], **line}


def good(target):
    return target.publisher + target.model + "-e7001"


def bad(target):
    return target.model + "-e7002"


@pytest.fixture(scope="module")
def gateway(start_matrix, session_mocks):
    models = {}
    for target in TARGETS:
        models[f"sim-then-{target.name}"] = targets(("sim", "sim-503"), (target.provider, good(target)))
        models[f"{target.name}-then-sim"] = targets((target.provider, target.publisher + bad(target)), ("sim", "m"))
        session_mocks[target.mock].scripts[bad(target)] = lambda exchange: exchange.error(500, "went wrong")
    org = session_mocks["salesforce_mock"].org
    more = {"sim": {**ECHO, "breaker": {"mode": "off"}},
            "tokenless": {"type": "salesforce", "instance_url": f"https://localhost:{free_port()}", "consumer_key": org.client_id,
                          "consumer_secret": org.client_secret}}
    models = {**models, "vectors": targets(("sim", "sim-503"), ("gemini", "gemini-embedding-2")),
              "vectors-back": targets(("gemini", "gemini-embedding-2"), ("sim", "m")),
              "claude-count": targets(("anthropic", "claude-count-e7003"), ("sim", "m")),
              "no-token": targets(("tokenless", "gpt-4o"), ("sim", "m")),
              "no-words": targets(("salesforce-models", TARGETS[-1].model), ("openai", "gpt-4o-e7004"))}
    session_mocks["anthropic_mock"].scripts["claude-count-e7003"] = lambda exchange: exchange.error(529, "Overloaded")
    return start_matrix(more, common={"breaker": {"mode": "off"}}, models=models)


@pytest.fixture(scope="module")
def clients(gateway):
    made = {door: client(gateway) for door, client in DOORS.items()}
    yield made
    for client in made.values():
        client.close()


def record_of(gateway, reply):
    identifier = reply.headers["x-request-id"]
    return gateway.await_record(lambda record: record.get("request_id") == identifier)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_target_takes_over_at_every_door(gateway, clients, request, target, door, stream):
    mock = request.getfixturevalue(target.mock)  # checks at its end that nothing was sent that the real one refuses
    before = len(mock.of(target.model + "-e7001"))
    reply = clients[door].ask(f"sim-then-{target.name}", SAID, stream)
    assert reply.text == SAID
    (exchange,) = mock.of(target.model + "-e7001")[before:]
    assert target.read(exchange.body).turns == [("user", SAID)]
    assert reply.headers["x-gateway-provider"] == target.provider
    assert reply.headers["x-gateway-model"] == good(target)
    assert reply.headers["x-gateway-attempts"] == "2"
    if door == "chat" and not stream:  # the log is written now and then
        record = record_of(gateway, reply)
        assert (record["provider"], record["attempts"], record["moved_on"]) == (target.provider, 2, "sim overload 503")
        assert record["outcome"] == "ok" and "error" not in record


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_is_taken_over_from(gateway, clients, request, target, door, stream):
    mock = request.getfixturevalue(target.mock)
    before = len(mock.of(bad(target)))
    reply = clients[door].ask(f"{target.name}-then-sim", SAID, stream)
    assert reply.text == SAID
    assert len(mock.of(bad(target))) == before + 1
    assert reply.headers["x-gateway-provider"] == "sim" and reply.headers["x-gateway-attempts"] == "2"
    if door == "chat" and not stream:
        record = record_of(gateway, reply)
        assert (record["provider"], record["attempts"]) == ("sim", 2)
        assert record["moved_on"] == f"{target.provider} fault 500"


def test_a_token_that_cannot_be_had_moves_on(gateway, clients):
    reply = clients["chat"].ask("no-token", SAID)
    assert reply.text == SAID and reply.headers["x-gateway-provider"] == "sim"
    # Nothing was sent to the first.
    assert reply.headers["x-gateway-attempts"] == "1"
    assert record_of(gateway, reply)["moved_on"].startswith("tokenless ")


def test_a_target_without_words_for_it_is_passed_by(gateway, clients, openai_mock, salesforce_mock):
    message = [{"role": "user", "content": [{"type": "text", "text": SAID}, PICTURE]}]
    reply = clients["chat"].ask("no-words", message)
    assert reply.headers["x-gateway-provider"] == "openai"
    assert record_of(gateway, reply)["moved_on"] == "salesforce-models unsupported"


def test_tokens_are_estimated_where_nobody_counts_them(gateway, anthropic_mock):
    body = {"model": "claude-count", "messages": [{"role": "user", "content": SAID}]}
    answer = ask(gateway.port, post("/v1/messages/count_tokens", body))
    assert answer.status == 200 and answer.json()["input_tokens"] > 0
    assert answer.headers.get("x-gateway-token-count") == "estimate"


def test_vectors_and_older_completions_move_on_too(gateway, gemini_mock, anthropic_mock):
    answer = ask(gateway.port, post("/v1/embeddings", {"model": "vectors", "input": SAID}))
    assert answer.status == 200 and len(answer.json()["data"][0]["embedding"]) == 3072
    assert answer.headers.get("x-gateway-provider") == "gemini" and answer.headers.get("x-gateway-attempts") == "2"
    gemini_mock.scripts["gemini-embedding-2"] = lambda exchange: exchange.error(500, "went wrong")
    try:
        answer = ask(gateway.port, post("/v1/embeddings", {"model": "vectors-back", "input": SAID}))
    finally:
        del gemini_mock.scripts["gemini-embedding-2"]
    assert answer.status == 200 and answer.headers.get("x-gateway-provider") == "sim"
    for model, provider in (("sim-then-anthropic", "anthropic"), ("anthropic-then-sim", "sim")):
        answer = ask(gateway.port, post("/v1/completions", {"model": model, "prompt": SAID, "max_tokens": 99}))
        assert answer.status == 200 and answer.json()["choices"][0]["text"] == SAID, answer
        assert answer.headers.get("x-gateway-provider") == provider


# -- one at a time -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def single(start_gateway, provider, session_upstream):
    clocks = {"connect": "1s", "head": "1s", "idle": "1s"}
    never = {"mode": "off"}
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)  # takes connections and says nothing
    refused = f"http://127.0.0.1:{free_port()}/v1"
    models = {f"first-{case}": targets(("up", f"gpt-e2e-{case}"), ("sim", "m")) for case in FAILURES}
    for case, play in FAILURES.items():
        session_upstream.scripts[f"gpt-e2e-{case}"] = play
    yield start_gateway({
        "server": {"heartbeat_interval": "300ms"},
        "providers": {
            "up": provider(timeouts=clocks, breaker=never), "sim": ECHO,
            "refused": {"type": "openai", "base_url": refused, "breaker": never},
            "silent": {"type": "openai", "base_url": f"https://127.0.0.1:{listener.getsockname()[1]}/v1", "timeouts": clocks,
                       "breaker": never},
        },
        "models": {**models, "refused": targets(("refused", "m"), ("sim", "m")),
                   "silent": targets(("silent", "m"), ("sim", "m")),
                   "again": {"provider": "up", "model": "gpt-e2e-again", "retries": 2},
                   "stays": targets(("up", "gpt-e2e-stays"), ("sim", "m")),
                   "late": targets(("up", "gpt-e2e-late"), ("sim", "m")),
                   "backed": {"provider": "up", "model": "gpt-e2e-500", "fallbacks": ["sim/m"]},
                   "hopeless": targets(("up", "gpt-e2e-500"), ("sim", "sim-429"), ("refused", "m"))},
    })
    listener.close()


FAILURES = {
    "429": lambda exchange: exchange.error(429, "slow down", headers=[("retry-after", "7")]),
    "503": lambda exchange: exchange.error(503, "too busy"),
    "500": lambda exchange: exchange.error(500, "went wrong"),
    "401": lambda exchange: exchange.error(401, "who are you"),
    "html": faults.html(200),
    "broken": faults.status(200, b'{"a":'),
    "short": faults.short,
    "reset": faults.reset,
    "hang": faults.hang,
}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_every_failure_before_the_answer_moves_on(single, upstream, at_once, stream):
    def play(model):
        def run():
            with RawClient(single.port) as client:
                answer = client.ask(chat(model, SAID, stream=stream))
            assert answer.status == 200, answer
            assert SAID.split()[0] in answer.body.decode()
            if stream:
                assert answer.body.endswith(b"data: [DONE]\n\n") and b'"error"' not in answer.body
            # A heartbeat had begun the streams of those that took long: it was not known yet whose answer it would be.
            slow = stream and model in ("first-hang", "silent")
            assert answer.headers.get("x-gateway-provider") == (None if slow else "sim")
            return answer

        return run

    at_once({model: play(model) for model in [*(f"first-{case}" for case in FAILURES), "refused", "silent", "backed"]})


def test_a_refusal_stays(single, upstream):
    for status in (400, 404, 409, 413, 422):
        upstream.scripts["gpt-e2e-stays"] = lambda exchange, status=status: exchange.error(status, "no")
        answer = ask(single.port, chat("stays"))
        assert (answer.status, answer.headers.get("x-gateway-provider")) == (status, "up")


def test_behind_the_first_byte_nothing_moves_on(single, upstream):
    def play(exchange):
        exchange.start_stream()
        exchange.event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": "one "}, "finish_reason": None}]})
        exchange.wait(0.1)
        exchange.reset()

    upstream.scripts["gpt-e2e-late"] = play
    answer = ask(single.port, chat("late", stream=True))
    text = answer.body.decode()
    assert "one " in text and SAID.split()[0] not in text and '"error"' in text and "[DONE]" not in text


def test_the_last_failure_is_told(single, upstream):
    answer = ask(single.port, chat("hopeless"))
    assert answer.status == 502 and answer.json()["error"]["code"] == "upstream_unreachable"
    assert answer.headers.get("x-gateway-provider") == "refused"
    record = single.await_record(lambda record: record.get("request_id") == answer.headers.get("x-request-id"))
    assert record["moved_on"] == "up fault 500, sim rate_limit 429"


def test_retry_after_is_waited_for(single, upstream):
    plays = [lambda exchange: exchange.error(429, "slow down", headers=[("retry-after", "1")]),
             lambda exchange: exchange.error(503, "busy"), lambda exchange: exchange.answer(completion("well"))]
    upstream.scripts["gpt-e2e-again"] = lambda exchange: plays.pop(0)(exchange)
    began = time.monotonic()
    answer = ask(single.port, chat("again"))
    assert answer.status == 200 and answer.headers.get("x-gateway-attempts") == "3"
    assert 1.25 <= time.monotonic() - began < 8
    bodies = [exchange.request.body for exchange in upstream.of("gpt-e2e-again")]
    assert len(bodies) == 3 and len(set(bodies)) == 1


def test_a_client_that_leaves_during_the_wait_ends_it(single, upstream):
    upstream.scripts["gpt-e2e-again"] = lambda exchange: exchange.error(429, "slow down", headers=[("retry-after", "5")])
    before = len(upstream.of("gpt-e2e-again"))
    client = RawClient(single.port)
    client.send(chat("again", headers=[("x-request-id", "left-in-the-wait")]))
    upstream.await_exchange("gpt-e2e-again", before + 1)
    client.close()
    record = single.await_record(lambda record: record.get("request_id") == "left-in-the-wait")
    assert record["status"] == 499 and record["attempts"] == 1


# -- strategies --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def choosing(start_gateway, provider):
    pair = [{"provider": "a", "model": "m", "weight": 3}, {"provider": "b", "model": "m"}]
    busy = [{"provider": "up", "model": "gpt-e2e-held"}, {"provider": "other", "model": "gpt-e2e-free"}]
    return start_gateway({
        "providers": {"a": ECHO, "b": ECHO, "up": provider(), "other": provider()},
        "models": {name: {"targets": pair, "strategy": name} for name in ("weighted", "round_robin", "priority")}
        | {"least_busy": {"targets": busy, "strategy": "least_busy"}},
    })


def test_strategies_choose(choosing, upstream):
    def served(model, count):
        with RawClient(choosing.port) as client:
            answers = [client.ask(chat(model)) for _ in range(count)]
        assert {answer.status for answer in answers} == {200}
        return [answer.headers.get("x-gateway-provider") for answer in answers]

    assert served("priority", 4) == ["a"] * 4
    assert served("round_robin", 4) == ["a", "b", "a", "b"]
    assert 105 <= served("weighted", 200).count("a") <= 190  # 150, give or take seven standard deviations
    # One is held at the first provider: the second has fewer.
    upstream.scripts["gpt-e2e-held"] = faults.hang
    with RawClient(choosing.port) as client:
        client.send(chat("least_busy"))
        upstream.await_exchange("gpt-e2e-held")
        assert served("least_busy", 3) == ["other"] * 3


# -- breakers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(start_gateway, provider):
    breaker = {"failures": 4, "open": "1s"}
    gateway = start_gateway({
        "server": {"workers": 4},
        "providers": {"up": provider(breaker={**breaker, "mode": "on", "open": "3s"}), "backed": provider(breaker=breaker), "sim": ECHO},
        "models": {"alone": {"provider": "up", "model": "gpt-e2e-alone"},
                   "pair": targets(("backed", "gpt-e2e-pair"), ("sim", "m"))},
    })
    await_events(gateway, "worker_ready", 4)
    return gateway


def states(gateway):
    found, _, _ = scrape(gateway)
    return {provider: next(state for state in ("closed", "open", "half_open")
                           if found[f'gateway_breaker_state{{provider="{provider}",state="{state}"}}'])
            for provider in ("up", "backed")}


def test_an_open_breaker_is_one_for_all_workers(guarded, upstream):
    upstream.scripts["gpt-e2e-alone"] = lambda exchange: exchange.error(500, "went wrong")
    # New connections: the kernel spreads them over the workers.
    for _ in range(4):
        assert ask(guarded.port, chat("alone")).status == 502
    refused = [ask(guarded.port, chat("alone")) for _ in range(12)]
    assert {answer.status for answer in refused} == {503}
    assert all(1 <= int(answer.headers.get("retry-after")) <= 3 for answer in refused)
    assert "left alone" in refused[0].json()["error"]["message"]
    assert len(upstream.of("gpt-e2e-alone")) == 4
    answer = ask(guarded.port, post("/v1/messages", {
        "model": "alone", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}))
    assert answer.status == 503 and answer.json()["error"]["type"] == "overloaded_error"
    assert states(guarded) == {"up": "open", "backed": "closed"}
    found, _, _ = scrape(guarded)
    assert found['gateway_breaker_openings_total{provider="up"}'] == 1
    assert found['gateway_breaker_refusals_total{provider="up"}'] == 13
    told = {entry["provider"]: entry for entry in ask(guarded.port, get("/health"), "GET").json()["breakers"]}
    assert told["up"]["breaker"] == "open" and told["up"]["openings"] == 1 and told["sim"]["breaker"] == "closed"
    # It is well again: one looks, and then all are let through.
    upstream.scripts["gpt-e2e-alone"] = lambda exchange: exchange.answer(completion("well"))
    deadline = time.monotonic() + 10
    while ask(guarded.port, chat("alone")).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {ask(guarded.port, chat("alone")).status for _ in range(8)} == {200}
    assert states(guarded)["up"] == "closed"


def test_what_is_broken_is_left_alone_and_nobody_notices(guarded, upstream):
    upstream.scripts["gpt-e2e-pair"] = lambda exchange: exchange.error(503, "busy")
    began = time.monotonic()
    statuses = run_all({f"{n}": lambda: [ask(guarded.port, chat("pair")).status for _ in range(15)] for n in range(8)})
    assert all(result == [200] * 15 for result in statuses.values()), statuses
    # Four open it, and what was under way by then; each second later one looks again.
    assert 4 <= len(upstream.of("gpt-e2e-pair")) <= 4 + 8 + (time.monotonic() - began)
    found, _, _ = scrape(guarded)
    moved = found['gateway_fallbacks_total{provider="backed"}']
    assert moved == len(upstream.of("gpt-e2e-pair"))
    assert found['gateway_breaker_refusals_total{provider="backed"}'] == 120 - moved


# -- load --------------------------------------------------------------------------------------------------------------


def test_no_request_is_lost_while_targets_fail_and_die(start_gateway):
    first, second = (start_gateway({"providers": {"sim": {**ECHO, "ttft": "2ms"}}}) for _ in range(2))
    address = {upstream: f"http://127.0.0.1:{upstream.port}/v1" for upstream in (first, second)}
    rates = {"500": 0.2, "429": 0.2, "503": 0.1}
    gateway = start_gateway({
        "server": {"workers": 2},
        "providers": {
            "flaky": {**ECHO, "failure_rates": rates, "breaker": {"mode": "off"}},
            "first": {"type": "openai", "base_url": address[first], "breaker": {"failures": 3, "open": "500ms"}},
            "second": {"type": "openai", "base_url": address[second], "breaker": {"mode": "off"}},
        },
        "models": {"m": targets(("flaky", "m"), ("first", "sim-1"), ("second", "sim-1")),
                   "dying": targets(("first", "sim-1"), strategy="priority", fallbacks=["m2"]),
                   "m2": {"provider": "second", "model": "sim-1"}},
    })
    await_events(gateway, "worker_ready", 2)
    stop, outcomes, lock = threading.Event(), [], threading.Lock()

    def work(number):
        model, stream = ("m", "dying")[number % 2], number % 4 > 1
        while not stop.is_set():
            answer = ask(gateway.port, chat(model, stream=stream))
            whole = answer.status == 200 and (not stream or answer.body.endswith(b"data: [DONE]\n\n"))
            with lock:
                # A stream that had begun when its target died is told so; nothing else may fail.
                outcomes.append("ok" if whole else "cut" if stream and answer.status == 200 else f"{answer!r}")

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while len(outcomes) < 300 and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    target = len(outcomes) + 300
    while len(outcomes) < target and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert len(outcomes) >= 600
    assert set(outcomes) <= {"ok", "cut"}, sorted(set(outcomes))[:3]
    assert outcomes.count("cut") <= 8
