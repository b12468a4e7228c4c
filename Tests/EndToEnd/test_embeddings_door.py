# Every provider through the embeddings door, by the official `openai` client: what reached it, the vectors that came back
# as numbers and in base64, and the clear error of every provider and model that has none.

import base64
import json
import struct
from dataclasses import dataclass, field

import openai
import pytest
from openai.types import CreateEmbeddingResponse

from matrix import CLAUDE
from mocks import google_answers, salesforce_answers
from mocks.convention import tokens
from raw_http import ask, post

ADA = "sfdc_ai__DefaultOpenAITextEmbeddingAda_002"


@dataclass(frozen=True)
class Row:
    """`size` is the vector's own, `refuses` names the parameter of the 400 by column. `told` reads the texts and the
    dimensions out of what reached the mock."""

    name: str
    provider: str
    mock: str
    model: str
    size: int
    told: object
    vector: object = salesforce_answers.vector
    estimates: bool = False
    refuses: dict = field(default_factory=dict)


def openai_told(body):
    return body["input"] if isinstance(body["input"], list) else [body["input"]], body.get("dimensions")


def requests_told(body):
    texts = [request["content"]["parts"][0]["text"] for request in body["requests"]]
    return texts, body["requests"][0].get("outputDimensionality")


def content_told(body):
    return [body["content"]["parts"][0]["text"]], body.get("outputDimensionality")


def instances_told(body):
    return [one["content"] for one in body["instances"]], body.get("parameters", {}).get("outputDimensionality")


_ONE = {"several": "input", "tokens": "input", "token-lists": "input[0]"}
_TEXTS = {"tokens": "input", "token-lists": "input[0]"}
_SHORT = {**_TEXTS, "dimensions": "dimensions"}
GOOGLE = {"vector": google_answers.vector}
ROWS = [
    Row("openai", "openai", "openai_mock", "text-embedding-3-small", 1536, openai_told),
    Row("gemini", "gemini", "gemini_mock", "gemini-embedding-2", 3072, requests_told, estimates=True, refuses=_TEXTS, **GOOGLE),
    Row("vertex-text", "vertex", "gemini_mock", "text-embedding-005", 768, instances_told, refuses=_TEXTS, **GOOGLE),
    Row("vertex-001", "vertex-user", "gemini_mock", "gemini-embedding-001", 3072, instances_told, refuses=_ONE, **GOOGLE),
    Row("vertex-content", "vertex-metadata", "gemini_mock", "gemini-embedding-2", 3072, content_told, estimates=True,
        refuses=_ONE, **GOOGLE),
    Row("salesforce", "salesforce", "salesforce_mock", ADA, 8, openai_told, refuses=_SHORT),
    Row("salesforce-jwt", "salesforce-models-jwt", "salesforce_mock", ADA, 8, openai_told, refuses=_SHORT),
    Row("sambanova", "sambanova", "sambanova_mock", "E5-Mistral-7B-Instruct", 8, openai_told, refuses=_SHORT),
]


@pytest.fixture(scope="module")
def gateway(start_matrix):
    return start_matrix({"sim": {"type": "simulator", "ttft": "1ms"}}, models={
        "short": {"provider": "openai", "model": "text-embedding-3-small-aliased"},
        "strict": {"provider": "sambanova", "model": "E5-Mistral-7B-Instruct", "unsupported_params": "error"}})


@pytest.fixture
def client(gateway, sdk):
    return sdk(gateway)


class Cell:
    def __init__(self, row, client, mock):
        self.row, self.client, self.mock = row, client, mock
        self.model = mock.model(row.model)

    def ask(self, given, **options):
        raw = self.client.embeddings.with_raw_response.create(
            model=f"{self.row.provider}/{self.model}", input=given, **options)
        self.headers, self.text = raw.headers, raw.text
        value = json.loads(raw.text)
        # The client's type says numbers, where base64 was asked for too.
        if not isinstance(value["data"][0]["embedding"], str):
            CreateEmbeddingResponse.model_validate_json(raw.text, strict=True)
        assert value["object"] == "list" and [one["index"] for one in value["data"]] == list(range(len(value["data"])))
        return raw.parse()

    def check(self, answer, texts, size=None):
        size = size or self.row.size
        assert len(answer.data) == len(texts)
        for one, text in zip(answer.data, texts):
            assert one.embedding == pytest.approx(self.row.vector(text, size), abs=1e-6)
        told = self.row.told(self.mock.of(self.model)[-1].body)
        assert told == (texts, None if size == self.row.size else size)


def single(cell):
    """Without a word the client asks for base64, and reads it."""
    answer = cell.ask("Grüße, 世界 🌍 \"quoted\"")
    assert isinstance(json.loads(cell.text)["data"][0]["embedding"], str)
    cell.check(answer, ["Grüße, 世界 🌍 \"quoted\""])


def numbers(cell):
    cell.check(cell.ask(["one two"], encoding_format="float"), ["one two"])
    assert isinstance(json.loads(cell.text)["data"][0]["embedding"], list)


def coded(cell):
    cell.ask("one", encoding_format="base64")
    raw = base64.b64decode(json.loads(cell.text)["data"][0]["embedding"])
    assert struct.unpack(f"<{cell.row.size}f", raw) == pytest.approx(cell.row.vector("one", cell.row.size), abs=1e-6)


def several(cell):
    texts = [f"text number {number}" for number in range(7)]
    cell.check(cell.ask(texts), texts)


def dimensions(cell):
    cell.check(cell.ask("short", dimensions=12), ["short"], 12)


def usage(cell):
    answer = cell.ask("one two three four")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0
    assert cell.headers.get("x-gateway-token-count") == ("estimate" if cell.row.estimates else None)
    if not cell.row.estimates:
        assert answer.usage.prompt_tokens == len(tokens("one two three four"))
    assert cell.headers["x-gateway-provider"] == cell.row.provider and cell.headers["x-gateway-attempts"] == "1"


def user(cell):
    """A word that a provider has none for is named, and nothing is lost in silence."""
    cell.check(cell.ask("mine", user="e2e"), ["mine"])
    assert ("user" in cell.headers.get("x-gateway-dropped-params", "")) == (cell.row.name != "openai")


COLUMNS = {"single": single, "numbers": numbers, "coded": coded, "several": several, "dimensions": dimensions, "usage": usage,
           "user": user}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("column", COLUMNS)
def test_cell(row, column, client, request):
    cell = Cell(row, client, request.getfixturevalue(row.mock))
    parameter = row.refuses.get(column)
    if parameter is None:
        COLUMNS[column](cell)
        return
    with pytest.raises(openai.BadRequestError) as caught:
        COLUMNS[column](cell)
    assert (caught.value.param, caught.value.code) == (parameter, "unsupported_parameter")
    assert cell.mock.of(cell.model) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_tokens_are_relayed_or_a_clear_error(row, client, request):
    cell = Cell(row, client, request.getfixturevalue(row.mock))
    for given, column in (([1, 22, 333], "tokens"), ([[1, 22], [333]], "token-lists")):
        if parameter := row.refuses.get(column):
            with pytest.raises(openai.BadRequestError, match="tokens") as caught:
                cell.ask(given)
            assert (caught.value.param, caught.value.code) == (parameter, "unsupported_parameter")
        else:
            answer = cell.ask(given)
            texts = [" ".join(map(str, one)) for one in (given if isinstance(given[0], list) else [given])]
            assert [one.embedding for one in answer.data] == [pytest.approx(row.vector(text, row.size), abs=1e-6)
                                                              for text in texts]
    assert bool(cell.mock.of(cell.model)) == (not row.refuses)


@pytest.mark.parametrize("name", [
    "anthropic/claude-sonnet-4-5", "sambanova-web/E5-Mistral-7B-Instruct", "vertex-metadata/claude-sonnet-4-5",
    "vertex/google/gemini-2.5-flash"])
def test_who_has_no_vectors_says_so(name, client):
    with pytest.raises(openai.BadRequestError, match="no embeddings") as caught:
        client.embeddings.create(model=name, input="one")
    assert (caught.value.param, caught.value.code) == ("model", "unsupported_parameter")


def test_google_is_told_what_the_vectors_are_for(client, gemini_mock):
    for name, model in (("gemini", "gemini-embedding-2"), ("vertex", "text-embedding-005")):
        model = gemini_mock.model(model)
        client.embeddings.create(model=f"{name}/{model}", input="one", extra_body={
            "task_type": "RETRIEVAL_DOCUMENT", "title": "A title"})
        body = gemini_mock.of(model)[-1].body
        sent = body["requests"][0] if "requests" in body else body["instances"][0]
        assert sent["title"] == "A title" and sent.get("taskType", sent.get("task_type")) == "RETRIEVAL_DOCUMENT"


def test_a_relayed_request_keeps_its_bytes(gateway, openai_mock):
    """Only the model's name is another one."""
    body = b'{ "input" : ["a", "b"],"dimensions":3 ,"model":"short", "encoding_format": "float"}'
    answer = ask(gateway.port, post("/v1/embeddings", body))
    assert answer.status == 404  # the mock knows no such model
    sent = openai_mock.seen("embedding")[-1].request.body
    assert sent == body.replace(b'"short"', b'"text-embedding-3-small-aliased"')


def test_the_simulator_answers_for_all_paths(gateway, client):
    answer = client.embeddings.create(model="sim/any", input=["one", "two", "one"], dimensions=5)
    assert len(answer.data[0].embedding) == 5 and answer.data[0].embedding == answer.data[2].embedding
    assert client.embeddings.create(model="sim/any", input=[1, 2, 3]).usage.prompt_tokens == 3
    for path in ("/v1/embeddings", "/embeddings", "/v1/v1/embeddings", "/v1/embeddings/"):
        assert ask(gateway.port, post(path, {"model": "sim/any", "input": "x", "made-up": {"a": [1]}})).status == 200
    assert ask(gateway.port, post("/v1/embeddings", {"model": "sim/any-500", "input": "x"})).status == 502


@pytest.mark.parametrize("body, parameter", [
    ({"model": "openai/m"}, "input"), ({"input": "x"}, "model"), ({"model": "openai/m", "input": 7}, "input"),
    ({"model": "salesforce/m", "input": []}, "input"), ({"model": "salesforce/m", "input": ["a", ""]}, "input[1]"),
    ({"model": "salesforce/m", "input": ["a", [1]]}, "input[1]"),
    ({"model": "salesforce/m", "input": "a", "encoding_format": "hex"}, "encoding_format"),
    ({"model": "strict", "input": "a", "user": "u"}, "user"), (b"{", None), (b"[]", None)])
def test_what_the_caller_did_wrong(gateway, body, parameter):
    answer = ask(gateway.port, post("/v1/embeddings", body))
    assert answer.status == 400 and answer.error["type"] == "invalid_request_error" and answer.error["param"] == parameter


FAULTS = {"html": 502, "page": 502, "bodiless": 502, "short": 502, "ratelimited": 429, "missing": 404, "broken": 502}


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in ("openai", "salesforce", "sambanova")], ids=lambda row: row.name)
def test_what_the_provider_did_wrong(row, gateway, request):
    mock = request.getfixturevalue(row.mock)
    for fault, status in FAULTS.items():
        if fault in mock.status_faults or fault in mock.plays:
            answer = ask(gateway.port, post("/v1/embeddings", {"model": f"{row.provider}/{mock.model(row.model, fault)}",
                                                              "input": "x"}))
            assert answer.status == status, (fault, answer)


@pytest.mark.parametrize("name", ["salesforce", "vertex-text"])
def test_a_token_that_is_refused_is_renewed_once(name, client, request):
    row = next(row for row in ROWS if row.name == name)
    cell = Cell(row, client, request.getfixturevalue(row.mock))
    cell.check(cell.ask("before"), ["before"])
    (cell.mock.tokens.revoke if row.mock == "gemini_mock" else cell.mock.revoke_all)()
    cell.check(cell.ask("after"), ["after"])


def test_keys_and_their_limits_hold_and_usage_is_told(start_gateway, certificates, openai_mock):
    openai = {"type": "openai", "base_url": openai_mock.url, "api_key": openai_mock.key, "ca_file": certificates.ca_file}
    gateway = start_gateway({
        "auth": {"keys": [{"name": "team", "key": "sk-client", "models": ["text-*"], "tpm": 30, "rpm": 10, "admin": True}]},
        "providers": {"openai": openai}, "observability": {"prices": {"text-embedding-ada-002": {"input": 2, "output": 0}}}})
    key = [("authorization", "Bearer sk-client")]

    def send(model, text, headers=key):
        return ask(gateway.port, post("/v1/embeddings", {"model": model, "input": text}, headers))

    assert send("text-embedding-ada-002", "x", []).status == 401
    assert send("gpt-4o", "x").status == 403
    answer = send("text-embedding-ada-002", "one two three")
    assert answer.status == 200 and answer.headers.get("x-ratelimit-limit-tokens") == "30"
    assert answer.headers.get("x-ratelimit-remaining-requests") == "9"
    refused = send("text-embedding-ada-002", "word " * 60)
    assert refused.status == 429 and refused.error["code"] == "rate_limit_exceeded"
    line = gateway.await_record(lambda line: line.get("path") == "/v1/embeddings" and line["status"] == 200)
    assert line["input_tokens"] == 3 and line.get("output_tokens", 0) == 0 and line["provider"] == "openai"
    assert line["cost_usd"] == pytest.approx(3 * 2 / 1e6), line
