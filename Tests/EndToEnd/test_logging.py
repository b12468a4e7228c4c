# The log: which lines are written, what they look like, what of content and of answers' making is told where that is
# asked for, and that a file which was moved away is opened anew.

import json
import os
import signal
import time

import pytest

from fake_upstream import UPSTREAM_KEY, completion, text_chunks
from gateway_process import binary, clean_environment, free_port, write_config
from raw_http import RawClient, ask, chat, get, post


def lines(gateway, event):
    return [json.loads(line) for line in list(gateway.lines) if line.startswith("{") and json.loads(line)["event"] == event]


def await_lines(gateway, event, count=1, within=5.0):
    deadline = time.monotonic() + within
    while len(lines(gateway, event)) < count:
        assert time.monotonic() < deadline, gateway.lines[-5:]
        time.sleep(0.01)
    return lines(gateway, event)


def start(start_gateway, provider, log, providers=None, **options):
    return start_gateway({"providers": {"up": provider(timeouts={"head": "300ms"}), **(providers or {})},
                          "observability": {"log": log}}, **options)


def test_levels_leave_lines_out(start_gateway, provider, upstream):
    gateway = start(start_gateway, provider, {"level": "error"})
    silent = upstream.script(lambda exchange: exchange.hang())
    assert ask(gateway.port, chat("up/gpt-fine")).status == 200
    assert ask(gateway.port, chat("up/gpt-fine", headers=[("Content-Encoding", "br")])).status == 415
    assert ask(gateway.port, chat(f"up/{silent}")).status == 504
    record, = await_lines(gateway, "request")
    assert record["level"] == "error" and record["status"] == 504
    # The words that an earlier gateway's log had.
    assert record["error"].startswith("Request timed out: ")
    assert lines(gateway, "listening") == [] and lines(gateway, "worker_ready") == []


def test_warnings_tell_of_clients_mistakes(start_gateway, provider, upstream):
    gateway = start(start_gateway, provider, {"level": "warning"})
    assert ask(gateway.port, chat("up/gpt-fine")).status == 200
    assert ask(gateway.port, chat("up/gpt-fine", headers=[("Content-Encoding", "br")])).status == 415
    record, = await_lines(gateway, "request")
    assert record["level"] == "warning" and record["status"] == 415


def test_debug_tells_what_upstreams_said_first(start_gateway, provider, upstream):
    gateway = start(start_gateway, provider, {"level": "debug"})
    answer = ask(gateway.port, chat("up/gpt-debug", "a secret wish"))
    line, = await_lines(gateway, "upstream")
    assert line["level"] == "debug" and line["request_id"] == answer.headers.get("x-request-id")
    assert line["status"] == 200 and line["provider"] == "up" and line["lane"] == "relay" and line["head_us"] > 0
    assert line["content_type"] == "application/json" and line["attempt"] == 1
    assert "secret wish" not in "\n".join(gateway.lines)


def test_text_is_text_all_of_it(start_gateway, provider, upstream):
    gateway = start(start_gateway, provider, {"format": "text", "level": "debug"})
    ask(gateway.port, chat("up/gpt-text"))
    deadline = time.monotonic() + 5
    while not any("model=up/gpt-text" in line for line in gateway.lines):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    own = [line for line in gateway.lines if " listening " in line]
    assert len(own) == 1 and " info listening url=" in own[0]
    assert any(" debug upstream request_id=" in line for line in gateway.lines)
    assert not [line for line in gateway.lines if line.startswith("{")]


def test_bodies_only_where_they_are_asked_for(start_gateway, provider, upstream):
    gateway = start(start_gateway, provider, {"bodies": True})
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 500
    upstream.key_told = upstream.script(lambda exchange: exchange.answer({
        "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"Yours: {UPSTREAM_KEY}!"}}]}))
    answer = ask(gateway.port, chat(f"up/{upstream.key_told}", f"Look {picture}"))
    assert answer.status == 200
    line, = await_lines(gateway, "bodies")
    assert line["request_id"] == answer.headers.get("x-request-id")
    assert "5500 characters of data" in line["request"][0]["content"]
    assert line["answer"]["content"].startswith("Yours: ") and "***" in line["answer"]["content"]
    with RawClient(gateway.port) as client:
        client.ask(chat("up/gpt-body", "three little words", stream=True))
    assert await_lines(gateway, "bodies", 2)[1]["answer"] == {"role": "assistant", "content": "three little words"}
    # Nobody is told of a trace because of that.
    assert "traceparent" not in upstream.of("gpt-body")[-1].request.headers
    assert all("trace_id" not in record for record in lines(gateway, "request"))
    long = ask(gateway.port, chat("up/gpt-long", "x y " * 40_000))
    assert long.status == 200
    kept = await_lines(gateway, "bodies", 3)[2]["request"]
    assert isinstance(kept, str) and len(kept) < 66_000 and kept.endswith("[cut]")


def test_what_salesforce_answers_are_made_of(start_gateway, provider, upstream, salesforce_mock, certificates, tmp_path):
    org = salesforce_mock.org
    gateway = start_gateway({
        "state_directory": str(tmp_path),
        "providers": {"sf": {"type": "salesforce", "instance_url": org.origin, "consumer_key": org.client_id,
                             "consumer_secret": org.client_secret, "ca_file": certificates.ca_file}}},
        environment={"SF_RESPONSE_DEBUG": "true"})
    answer = ask(gateway.port, chat("sf/sfdc_ai__DefaultGPT4Omni", "a secret wish"))
    assert answer.status == 200, answer
    line, = await_lines(gateway, "extraction")
    assert line["provider"] == "sf" and "string(" in line["shape"] and "{" in line["shape"]
    assert "secret wish" not in "\n".join(gateway.lines)


@pytest.mark.parametrize("moved_by", ["supervisor", "worker"])
def test_a_log_that_was_moved_away_is_opened_anew(provider, upstream, tmp_path, moved_by):
    import subprocess
    port = free_port()
    config = write_config(tmp_path, {"server": {"host": "127.0.0.1", "port": port, "workers": 2},
                                     "providers": {"up": provider()}})
    log = tmp_path / "gateway.log"
    with open(log, "ab") as file:
        process = subprocess.Popen([binary(), "serve", "--config", config], cwd=tmp_path, stdout=file,
                                   stderr=subprocess.DEVNULL, env=clean_environment())
    try:
        deadline = time.monotonic() + 10
        while "listening" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for round_ in range(2):
            for number in range(8):
                assert ask(port, chat(f"up/gpt-{round_}-{number}")).status == 200
            # A worker that is killed takes the lines of its last moment with it: they are to be out before.
            while log.read_text().count(f'"up/gpt-{round_}-') < 8:
                assert time.monotonic() < deadline + 5
                time.sleep(0.02)
            # What is written meanwhile goes to the old file, under its new name.
            log.rename(tmp_path / f"gateway.log.{round_}")
            if moved_by == "worker" and round_ == 0:
                # A worker that is started now must not take the new name for its own.
                children = [int(pid) for pid in
                            open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()]
                os.kill(children[0], signal.SIGKILL)
                while len(open(f"/proc/{process.pid}/task/{process.pid}/children").read().split()) < 2 or \
                        "worker_ready" not in (tmp_path / "gateway.log.0").read_text().split("worker_crashed")[-1]:
                    assert time.monotonic() < deadline + 10
                    time.sleep(0.02)
            process.send_signal(signal.SIGUSR1)
            while not log.exists():
                assert time.monotonic() < deadline + 20
                time.sleep(0.01)
            # Every process has done it once each answers into the new file: two workers, so some more requests.
            answered = 0
            while answered < 30:
                assert ask(port, chat(f"up/gpt-new-{round_}")).status == 200
                answered += 1
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        if process.poll() is None:
            process.kill()
    texts = [(tmp_path / f"gateway.log.{round_}").read_text() for round_ in range(2)] + [log.read_text()]
    whole = "".join(texts)
    for round_ in range(2):
        for number in range(8):
            assert whole.count(f'"up/gpt-{round_}-{number}"') == 1
        assert whole.count(f'"up/gpt-new-{round_}"') == 30, "no line is lost or written twice"
    assert "stopped" in texts[2] and '"up/gpt-new-1"' in texts[2]
    assert '"up/gpt-0-0"' in texts[0] and '"up/gpt-0-0"' not in texts[2]


DOORS = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
    "messages": ("/v1/messages", {"max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}),
    "responses": ("/v1/responses", {"input": "Hi"}),
}


def reported(answer):
    """The model that an answer names, whole or streamed."""
    documents = [json.loads(answer.body)] if answer.headers.get("content-type").startswith("application/json") else [
        json.loads(line[5:]) for line in answer.body.decode().splitlines() if line.startswith("data:") and "{" in line]
    names = (place["model"] for document in documents
             for place in (document, document.get("message") or {}, document.get("response") or {}) if "model" in place)
    return next(names)


@pytest.fixture(scope="module")
def everywhere(start_matrix):
    return start_matrix()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("model", ["openai/gpt-4o", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash"])
def test_the_model_that_a_provider_reports_is_told(everywhere, model, door, stream):
    path, body = DOORS[door]
    answer = ask(everywhere.port, post(path, {"model": model, "stream": stream, **body},
                                       [("x-request-id", f"reported.{model.replace('/', '.')}.{door}.{stream}")]))
    assert answer.status == 200, answer
    record = everywhere.await_record(lambda record: record["request_id"] == answer.headers.get("x-request-id"))
    assert record["upstream_model"] == model.split("/")[1]
    assert record["reported_model"] == reported(answer) and record["reported_model"].startswith(record["upstream_model"])


def test_what_else_reports_a_model(everywhere):
    tools = [{"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}]
    for path, body in [
        ("/v1/chat/completions", {"model": "openai/gpt-4o", "tools": tools, **DOORS["chat"][1]}),
        ("/v1/completions", {"model": "openai/gpt-3.5-turbo-instruct", "prompt": "Hi"}),
        ("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "Hi"}),
    ]:
        answer = ask(everywhere.port, post(path, body))
        assert answer.status == 200, answer
        record = everywhere.await_record(lambda record: record["request_id"] == answer.headers.get("x-request-id"))
        assert record["reported_model"] == reported(answer), path


def streaming(name):
    def play(exchange):
        exchange.start_stream()
        for chunk in text_chunks("Hi", model=name):
            exchange.event(chunk)
        exchange.event("[DONE]")
        exchange.finish()
    return play


@pytest.mark.parametrize("name, told", [("m\u00fc\"l", "m\u00fc\"l"), ("x" * 3000, "x" * 256), (7, None)], ids=["escapes", "long", "number"])
def test_a_reported_name_is_bounded_and_whole(start_gateway, provider, upstream, name, told):
    gateway = start(start_gateway, provider, {})
    whole = upstream.script(lambda exchange: exchange.answer(completion("Hi", model=name)))
    for model, stream in (whole, False), (upstream.script(streaming(name)), True):
        answer = ask(gateway.port, chat(f"up/{model}", stream=stream))
        assert answer.status == 200, answer
        record = gateway.await_record(lambda record: record["request_id"] == answer.headers.get("x-request-id"))
        assert record.get("reported_model") == told
