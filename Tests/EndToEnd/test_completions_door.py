# Every provider through the door for OpenAI's older text completions, by the official `openai` client: relayed where a
# server has them, else put to the model as the one message of a conversation, in one piece and streamed.

import contextlib
import dataclasses
import json

import httpx2
import openai
import pytest
from openai.types import Completion

from chat_client import Keeping
from matrix import TARGETS, Cell
from raw_http import ask, get, parse_stream, post

RELAYED = ("openai",)  # providers that are sent such requests as they are
ROWS = [dataclasses.replace(target, model="gpt-3.5-turbo-instruct") if target.name == "openai" else target
        for target in TARGETS]
# Who gives several answers at once; others refuse `n`.
SEVERAL = ("openai", "gemini-2.5", "vertex-gemini", "vertex-openai", "sambanova")
TRIMS = ("salesforce_mock",)  # it pads its texts, which are trimmed


@dataclasses.dataclass
class Told:
    """What a client makes of an answer, streamed or not: texts and reasons by the index of the choice."""

    texts: list
    reasons: list
    usage: object
    headers: object
    value: dict


class CompletionsClient:
    def __init__(self, gateway, api_key="any-key", timeout=20):
        self.transport = Keeping()
        self.sdk = openai.OpenAI(base_url=gateway.url, api_key=api_key, max_retries=0, timeout=timeout,
                                 http_client=httpx2.Client(transport=self.transport))

    def close(self):
        self.sdk.close()

    def ask(self, model, prompt, stream=False, **options):
        create = self.sdk.completions.with_raw_response.create
        if not stream:
            raw = create(model=model, prompt=prompt, **options)
            value = json.loads(raw.text)
            Completion.model_validate_json(raw.text, strict=True)
            _check(value)
            assert [choice["index"] for choice in value["choices"]] == list(range(len(value["choices"])))
            return Told([choice["text"] for choice in value["choices"]],
                        [choice["finish_reason"] for choice in value["choices"]], raw.parse().usage, raw.headers, value)
        options.setdefault("stream_options", {"include_usage": True})
        raw = create(model=model, prompt=prompt, stream=True, **options)
        assert raw.headers["content-type"].startswith("text/event-stream")
        with contextlib.closing(raw.parse()) as events:
            chunks = list(events)
        return self._streamed(chunks, raw.headers, bool((options["stream_options"] or {}).get("include_usage")))

    def _streamed(self, chunks, headers, wants_usage):
        assert self.transport.bytes.endswith(b"data: [DONE]\n\n")
        values = [json.loads(data) for data in parse_stream(self.transport.bytes)[:-1] if data]
        assert len({value["id"] for value in values}) == 1 and len(values) == len(chunks)
        texts, reasons = {}, {}
        for value in values:
            _check(value)
            for choice in value["choices"]:
                assert choice["index"] not in reasons, "a text behind its end"
                texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
                if choice["finish_reason"] is not None:
                    reasons[choice["index"]] = choice["finish_reason"]
        last = values[-1]
        assert (last.get("usage") is not None) == wants_usage and (not wants_usage or last["choices"] == [])
        assert all(value.get("usage") is None for value in values[:-1]) and list(texts) == sorted(texts)
        return Told([texts[index] for index in sorted(texts)], [reasons[index] for index in sorted(texts)],
                    chunks[-1].usage if wants_usage else None, headers, values[0])


def _check(value):
    assert value["object"] == "text_completion" and value["id"] and value["created"] > 0 and value["model"]


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix({"sim": {"type": "simulator", "ttft": "1ms", "tokens_per_second": 5000}},
                        models={"short": {"provider": "openai", "model": "gpt-3.5-turbo-instruct-e1"}})


@pytest.fixture(scope="module")
def client(gateway):
    client = CompletionsClient(gateway)
    yield client
    client.close()


class CompletionCell(Cell):
    @property
    def relayed(self):
        return self.target.provider in RELAYED

    def trimmed(self, text):
        return text.strip() if self.target.mock in TRIMS else text


# -- the columns -----------------------------------------------------------------------------------------------------


def plain(cell):
    text = "Grüße, 世界 🌍 \"quoted\" \\ and\ttabs\nlines"
    made = cell.ask(text, max_tokens=64)
    assert (made.texts, made.reasons) == ([text], ["stop"])
    if cell.relayed:
        assert cell.exchange.body["prompt"] == text
    else:
        assert cell.reached.turns == [("user", text)] and cell.reached.system == "" and cell.reached.limit == (
            None if "length" in cell.target.lacks else 64)
        assert made.value["id"].startswith("cmpl-")


def listed(cell):
    """One prompt in a list is one prompt."""
    assert cell.ask(["one two"]).texts == ["one two"]


def length(cell):
    made = cell.ask("one two three four", max_tokens=2)
    assert (made.texts, made.reasons) == (["one two"], ["length"])
    long = " ".join(f"word{number}" for number in range(20))
    # Without a word there are 16.
    assert cell.ask(long).texts == [" ".join(long.split()[:16])]


def stop(cell):
    made = cell.ask("one two STOP three", stop=["STOP", "HALT"])
    assert ([text.rstrip() for text in made.texts], made.reasons) == (["one two"], ["stop"])
    assert cell.ask("one two STOP three", stop="three").texts[0].rstrip() == "one two STOP"


def echo(cell):
    made = cell.ask("one two", echo=True, max_tokens=8)
    assert made.texts == ["one twoone two"]


def several(cell):
    made = cell.ask("one two", n=3, max_tokens=8)
    assert (made.texts, made.reasons) == (["one two"] * 3, ["stop"] * 3)


def usage(cell):
    made = cell.ask("one two three")
    assert made.usage.completion_tokens == 3 and made.usage.prompt_tokens >= 3
    assert made.usage.total_tokens >= 6
    if cell.streams:
        assert cell.ask("one two", stream_options=None).usage is None


def sampling(cell):
    """What a row cannot be told is named, and nothing else is lost."""
    made = cell.ask("hello", temperature=0.5, seed=7, user="e2e", logprobs=2)
    dropped = made.headers.get("x-gateway-dropped-params", "").split(", ")
    sent = json.dumps(cell.exchange.body)
    assert "temperature" in dropped or '"temperature": 0.5' in sent
    assert "seed" in dropped or '"seed": 7' in sent
    assert "user" in dropped or '"e2e"' in sent
    if cell.relayed:
        assert made.value["choices"][0]["logprobs"]["tokens"] == ["hello"] and dropped == [""]


COLUMNS = {"plain": plain, "listed": listed, "length": length, "stop": stop, "echo": echo, "n": several, "usage": usage,
           "sampling": sampling}
CELLS = [(target, column) for target in ROWS for column in COLUMNS if column not in target.lacks]


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("target, column", CELLS, ids=lambda value: getattr(value, "name", value))
def test_cell(target, column, streams, client, request):
    cell = CompletionCell(target, client, request.getfixturevalue(target.mock), streams)
    if column != "n" or target.name in SEVERAL:
        COLUMNS[column](cell)
        return
    with pytest.raises(openai.BadRequestError) as caught:
        COLUMNS[column](cell)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_parameter") and cell.mock.of(cell.model) == []


REFUSED = {"suffix": {"prompt": "a", "suffix": "z"}, "best_of": {"prompt": "a", "best_of": 2},
           "prompt": {"prompt": [1, 2, 3]}, "prompt-lists": {"prompt": [[1, 2], [3]]}, "prompts": {"prompt": ["a", "b"]}}


@pytest.mark.parametrize("target", ROWS, ids=lambda target: target.name)
def test_what_only_such_servers_can_be_asked_for(target, client, request):
    cell = CompletionCell(target, client, request.getfixturevalue(target.mock), False)
    for name, options in REFUSED.items():
        if cell.relayed:
            made = cell.ask(options["prompt"], **{key: value for key, value in options.items() if key != "prompt"})
            wanted = {"suffix": ["a before z"], "prompt": ["tokens 1 2 3"], "prompt-lists": ["tokens 1 2", "tokens 3"],
                      "prompts": ["a", "b"], "best_of": ["a"]}
            assert made.texts == wanted[name]
            continue
        with pytest.raises(openai.BadRequestError) as caught:
            cell.ask(options["prompt"], **{key: value for key, value in options.items() if key != "prompt"})
        assert (caught.value.param, caught.value.code) == (name.split("-")[0].removesuffix("s"), "unsupported_parameter")
    assert bool(cell.mock.of(cell.model)) == cell.relayed


def test_a_relayed_request_keeps_its_bytes(gateway, openai_mock):
    """Only the model's name is another one, and a stream is asked for its usage."""
    body = b'{ "prompt" : ["a", [1,2]],"n":2 ,"model":"short", "new": null}'
    assert ask(gateway.port, post("/v1/completions", body)).status == 400  # a mixed list, says the mock
    assert openai_mock.seen("completion")[-1].request.body == body.replace(b'"short"', b'"gpt-3.5-turbo-instruct-e1"')
    openai_mock.violations.clear()
    body = b'{"model":"short","prompt":"one two three","stream":true,"max_tokens":8}'
    answer = ask(gateway.port, post("/v1/completions", body))
    assert answer.status == 200
    sent = json.loads(openai_mock.seen("completion")[-1].request.body)
    assert sent["stream_options"] == {"include_usage": True}
    chunks = [json.loads(data) for data in parse_stream(answer.body)[:-1] if data]
    # The chunk with the usage is for the gateway, which tells it in the log.
    assert all(chunk["choices"] for chunk in chunks) and "".join(c["choices"][0]["text"] for c in chunks) == "one two three"
    line = gateway.await_record(lambda line: line["request_id"] == answer.headers.get("x-request-id"))
    assert line["output_tokens"] == 3 and line["stream"]


def test_streams_interleave_their_choices(client, openai_mock):
    model = openai_mock.model("gpt-3.5-turbo-instruct")
    made = client.ask(f"openai/{model}", ["one two three", "four five"], True, n=2, logprobs=1, max_tokens=8)
    assert made.texts == ["one two three"] * 2 + ["four five"] * 2 and made.usage.completion_tokens == 10


FAULTS = {"unary": {"ratelimited": 429, "quota": 429, "broken": 502, "overloaded": 503, "missing": 404, "html": 502,
                    "page": 502},
          "stream": ("cut", "reset", "error")}


def test_what_the_provider_did_wrong(gateway, openai_mock, gemini_mock):
    """Before a stream has begun as an answer, behind it as an event and without a mark."""
    for fault, status in FAULTS["unary"].items():
        for stream in (False, True):
            model = openai_mock.model("gpt-3.5-turbo-instruct", fault)
            answer = ask(gateway.port, post("/v1/completions", {"model": f"openai/{model}", "prompt": "x", "stream": stream}))
            assert answer.status == status and answer.error["message"], (fault, answer)
    for mock, start, provider in ((openai_mock, "gpt-3.5-turbo-instruct", "openai"), (gemini_mock, "gemini-2.5-flash", "gemini")):
        for fault in FAULTS["stream"]:
            answer = ask(gateway.port, post("/v1/completions", {
                "model": f"{provider}/{mock.model(start, fault)}", "prompt": "one two three four five six", "stream": True}))
            assert answer.status == 200 and b"[DONE]" not in answer.body, (fault, answer)
            assert json.loads(parse_stream(answer.body)[-1])["error"]["message"], fault


@pytest.mark.parametrize("body, parameter", [
    ({"model": "anthropic/m"}, "prompt"), ({"prompt": "x"}, "model"), ({"model": "anthropic/m", "prompt": 7}, "prompt"),
    ({"model": "anthropic/m", "prompt": ""}, "prompt"), ({"model": "anthropic/m", "prompt": "x", "n": 0}, "n"),
    ({"model": "anthropic/m", "prompt": "x", "stream_options": {}}, "stream_options"),
    ({"model": "openai/m", "prompt": "x", "stream": "yes"}, "stream"), (b"{", None)])
def test_what_the_caller_did_wrong(gateway, body, parameter):
    answer = ask(gateway.port, post("/v1/completions", body))
    assert answer.status == 400 and answer.error["param"] == parameter, answer


@pytest.mark.parametrize("streams", [False, True], ids=["unary", "stream"])
def test_the_simulator(streams, client, gateway):
    made = client.ask("sim/any-echo", "one two three", streams, max_tokens=8)
    assert made.texts == ["one two three"] and made.usage.completion_tokens
    assert len(client.ask("sim/any", ["a", "b"], streams, n=2).texts) == 4
    for path in ("/completions", "/v1/v1/completions", "/v1/completions/?api-version=1"):
        answer = ask(gateway.port, post(path, {"model": "sim/any", "prompt": "x", "stream": streams, "made-up": [{"a": 1}]}))
        assert answer.status == 200
    assert ask(gateway.port, get("/v1/completions"), "GET").status == 405
