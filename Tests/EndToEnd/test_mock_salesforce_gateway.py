# Proves the Salesforce mock's surface B: the generic chat with its stream, Claude in Bedrock's shape with its frames,
# and for each rule a request that breaks it and is refused.

import base64
import json
import struct
import zlib

import pytest

from mock_client import salesforce_client
from mocks import eventstream
from mocks.salesforce import claude_name

GPT = "sfdc_ai__DefaultGPT4Omni"
CLAUDE = "sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet"
B = "/ai/gpt/v1"
SCHEMA = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "wx", "description": "d", "parameters": SCHEMA}}
USER = {"role": "user", "content": "Grüße an alle"}
CALL = {"id": "call_1", "function": {"name": "wx", "arguments": '{"c":"Oslo"}'}}
RESULT = {"role": "tool", "content": "4C", "tool_call_id": "call_1", "tool_call_name": "wx"}


@pytest.fixture(autouse=True)
def clean(session_salesforce_mock):
    session_salesforce_mock.reset()


@pytest.fixture
def mock(session_salesforce_mock):
    return session_salesforce_mock


@pytest.fixture
def client(mock, client_tls):
    return salesforce_client(mock, client_tls)


# -- surface B: the generic chat -------------------------------------------------------------------------------------


def chat_body(*messages, **members):
    return {"model": GPT, "messages": list(messages) or [USER], **members}


def test_the_generic_chat_answers_text_and_calls(mock, client):
    settings = {"max_tokens": 2, "temperature": 0.5, "stop_sequences": ["END"], "frequency_penalty": 0,
                "presence_penalty": 0, "parameters": {}}
    body = client.post(f"{B}/chat/generations", chat_body(generation_settings=settings)).json()["generation_details"]
    (entry,) = body["generations"]
    assert (entry["content"], entry["parameters"]["finish_reason"]) == ("Grüße an", "length")
    asked = {"role": "user", "content": 'call wx {"c":"Köln"}\ncall wx {"c":"Oslo"}'}
    body = client.post(f"{B}/chat/generations", chat_body(
        asked, tools=[TOOL], tool_config={"mode": "auto"}, system_prompt_strategy="use_model_parameter")).json()
    (entry,) = body["generation_details"]["generations"]
    assert entry["content"] == "" and entry["parameters"]["finish_reason"] == "tool_calls"
    assert [call["function"] for call in entry["tool_invocations"]] == [
        {"name": "wx", "arguments": '{"c":"Köln"}'}, {"name": "wx", "arguments": '{"c":"Oslo"}'}]
    assert all(set(call) == {"id", "function"} for call in entry["tool_invocations"])
    assert mock.violations == []


def test_results_end_the_loop_of_tools(mock, client):
    turns = [USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]},
             {"role": "tool", "content": "4C", "tool_call_id": "call_1", "tool_call_name": "wx"}]
    body = client.post(f"{B}/chat/generations", chat_body(*turns, tools=[TOOL])).json()
    assert body["generation_details"]["generations"][0]["content"] == "4C" and mock.violations == []


def test_the_stream_joins_to_the_whole_answer(mock, client):
    found = client.streamed(f"{B}/chat/generations/stream", chat_body(), {"Accept": "text/event-stream"})
    names = [name for name, _ in found]
    assert {"generation", "scoringStarted", "scores", "scoringCompleted"} == set(names)
    assert found[-1] == ("generation", "[DONE]")
    frames = [value["generation_details"] for name, value in found[:-1] if name == "generation"]
    entries = [frame["generations"][0] for frame in frames if "generations" in frame]
    assert "".join(entry["content"] for entry in entries) == USER["content"]
    assert entries[-1]["parameters"]["finish_reason"] == "stop"
    (usage,) = [frame["parameters"]["usage"] for frame in frames if "generations" not in frame]
    assert usage["total_tokens"] == 6
    asked = {"role": "user", "content": 'call wx {"c":"Köln"}\ncall wx'}
    found = client.streamed(f"{B}/chat/generations/stream", chat_body(asked, tools=[TOOL]))
    calls = {}
    for name, value in found[:-1]:
        for entry in value.get("generation_details", {}).get("generations", ()):
            for piece in entry.get("tool_invocations", ()):
                if "id" in piece:
                    calls[piece["index"]] = [piece["function"]["name"], ""]
                calls[piece["index"]][1] += piece["function"]["arguments"]
    assert calls == {0: ["wx", '{"c":"Köln"}'], 1: ["wx", "{}"]} and mock.violations == []


def test_streams_break_on_request(mock, client):
    def stream(*words):
        return client.streamed(f"{B}/chat/generations/stream", {"model": mock.model(GPT, *words), "messages": [USER]})

    failure = {"errorCode": "INTERNAL_ERROR", "message": "The model went away."}
    assert stream("errorcode") == [("generation", failure)]
    assert stream("error")[-1][1]["errorCode"] == "INTERNAL_ERROR" and len(stream("error")) > 1
    assert stream("unfinished")[-1] != ("generation", "[DONE]")
    assert stream("crlf", "split", "unknown")[-1] == ("generation", "[DONE]")
    with pytest.raises(Exception, match="end of file"):
        stream("cut")
    assert mock.violations == []


@pytest.mark.parametrize("body", [
    chat_body(temperature=0.5), chat_body(max_tokens=5), chat_body(stream=True), {"messages": [USER]},
    chat_body(generation_settings={"top_p": 1}), chat_body(generation_settings={"stop_sequences": "END"}),
    chat_body({"role": "user", "content": [{"type": "text", "text": "Hi"}]}),
    chat_body({"role": "developer", "content": "Hi"}),
    chat_body(tool_config={"mode": "auto"}), chat_body(tools=[TOOL, TOOL]), chat_body(tools=[]),
    chat_body(tools=[TOOL], tool_config="auto"), chat_body(tools=[{**TOOL, "type": "custom"}]),
    chat_body(tools=[{"type": "function", "function": {"name": "a b"}}]),
    chat_body(tools=[{"type": "function", "function": {"name": "wx", "strict": True}}]),
    chat_body(tools=[TOOL], tool_config={"mode": "any", "allowed_tools": ["other"]}),
    chat_body(tools=[{"type": "function", "function": {"name": "wx", "parameters": {}}}]),
    chat_body(system_prompt_strategy="merge"),
    # calls and their results
    chat_body(USER, {"role": "assistant", "content": "", "tool_calls": [{"type": "function", **CALL}]}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [{"type": "function", **CALL}]},
              {"role": "tool", "content": "4C", "tool_call_id": "call_1", "tool_call_name": "wx"}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]},
              {"role": "tool", "content": "4C", "tool_call_id": "call_1"}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]},
              {"role": "tool", "content": "4C", "tool_call_id": "call_1", "tool_call_name": "other"}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]},
              {"role": "tool", "content": "4C", "tool_call_id": "call_2", "tool_call_name": "wx"}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]}, USER),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL]}),
    chat_body(USER, {"role": "tool", "content": "4C", "tool_call_id": "call_1", "tool_call_name": "wx"}),
    chat_body(USER, {"role": "assistant", "content": None, "tool_invocations": [CALL]}),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [CALL, CALL]}, RESULT),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [
        {"id": "call_1", "function": {"name": "wx", "arguments": {"c": 1}}}]}, RESULT),
    chat_body(USER, {"role": "assistant", "content": "", "tool_invocations": [
        {"id": "call_1", "function": {"name": "wx", "arguments": "{c"}}]}, RESULT),
])
def test_wrong_bodies_of_the_generic_chat_are_violations(mock, client, body):
    assert client.post(f"{B}/chat/generations", body).status == 400
    assert client.post(f"{B}/chat/generations/stream", body).json()["errorCode"] == "INVALID_INPUT"
    assert len(mock.violations) == 2


def test_a_number_out_of_range_is_the_users_own(mock, client):
    answer = client.post(f"{B}/chat/generations", chat_body(generation_settings={"temperature": 5}))
    assert answer.status == 400 and "temperature" in answer.json()["message"] and mock.violations == []


# -- surface B: Claude in Bedrock's shape --------------------------------------------------------------------------


def claude_body(*messages, **members):
    messages = list(messages) or [USER]
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": messages, **members}


def unboxed(body):
    return [json.loads(base64.b64decode(json.loads(payload)["bytes"])) for headers, payload in eventstream.decode(body)
            if headers[":message-type"] == "event" and headers[":event-type"] == "chunk"]


def test_names_of_claude_are_understood():
    assert claude_name(CLAUDE) == "claude-sonnet-4-5" and claude_name(GPT) is None
    assert claude_name("sfdc_ai__DefaultBedrockAnthropicClaude3Haiku-e4--cut") == "claude-3-haiku"
    assert claude_name("sfdc_ai__DefaultBedrockAnthropicClaude37Sonnet") == "claude-3-7-sonnet"
    assert claude_name("sfdc_ai__DefaultBedrockAnthropicClaude5Sonnet") == "claude-sonnet-5"


def test_invoke_answers_a_message_and_its_stream_the_same(mock, client):
    message = client.post(f"{B}/model/{CLAUDE}/invoke", claude_body(system="Be brief.")).json()
    assert message["content"] == [{"type": "text", "text": USER["content"]}] and message["stop_reason"] == "end_turn"
    answer = client.post(f"{B}/model/{CLAUDE}/invoke-with-response-stream", claude_body(system="Be brief."))
    assert answer.headers.get("content-type") == "application/vnd.amazon.eventstream"
    found = unboxed(answer.body)
    assert found[0]["type"] == "message_start" and found[-1]["type"] == "message_stop"
    assert "".join(e["delta"]["text"] for e in found if e["type"] == "content_block_delta") == USER["content"]
    assert mock.violations == []


def test_invoke_calls_tools(mock, client):
    tools = [{"name": "wx", "input_schema": {"type": "object"}}]
    asked = {"role": "user", "content": 'call wx {"c":"Köln"}'}
    message = client.post(f"{B}/model/{CLAUDE}/invoke", claude_body(asked, tools=tools)).json()
    assert message["content"][0]["input"] == {"c": "Köln"} and message["stop_reason"] == "tool_use"
    assert mock.violations == []


def test_frames_fail_on_request(mock, client):
    def stream(*words):
        return client.post(f"{B}/model/{mock.model(CLAUDE, *words)}/invoke-with-response-stream", claude_body())

    headers, payload = eventstream.decode(stream("error").body)[-1]
    assert headers[":message-type"] == "exception" and headers[":exception-type"] == "modelStreamErrorException"
    assert unboxed(stream("split").body)[-1]["type"] == "message_stop"
    assert "brand_new" in [event["type"] for event in unboxed(stream("unknown").body)]
    assert stream("errorcode").json()["errorCode"] == "INTERNAL_ERROR" and stream("ratelimited").status == 429
    assert mock.violations == []


@pytest.mark.parametrize("body", [
    claude_body(model=CLAUDE), claude_body(stream=True), {**claude_body(), "anthropic_version": "2023-06-01"},
    {key: value for key, value in claude_body().items() if key != "anthropic_version"},
    {key: value for key, value in claude_body().items() if key != "max_tokens"},
    claude_body({"role": "system", "content": "Hi"}), claude_body(stop=["END"]),
    claude_body(USER, {"role": "assistant", "content": [
        {"type": "tool_use", "id": "a", "name": "wx", "input": {}}]}, USER),
])
def test_wrong_bodies_of_invoke_are_violations(mock, client, body):
    assert client.post(f"{B}/model/{CLAUDE}/invoke", body).status == 400 and len(mock.violations) == 1


def test_thinking_needs_a_user_context(mock, client):
    body = claude_body(max_tokens=2048, thinking={"type": "enabled", "budget_tokens": 1024})
    answer = client.post(f"{B}/model/{CLAUDE}/invoke", body)
    assert answer.status == 502 and "user context" in answer.json()["message"] and len(mock.violations) == 1
    mock.thinking = True
    assert client.post(f"{B}/model/{CLAUDE}/invoke", body).json()["content"][0]["type"] == "thinking"
    assert client.post(f"{B}/model/{GPT}/invoke", claude_body()).status == 404


# -- frames ----------------------------------------------------------------------------------------------------------


def test_the_published_frame_is_made_and_read():
    vector = bytes.fromhex(
        "0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d"
        "747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273"
        "746f70526561736f6e223a22656e645f7475726e227d5fbf09fc")
    assert eventstream.event("messageStop", {"stopReason": "end_turn"}) == vector
    ((headers, payload),) = eventstream.decode(vector)
    assert headers[":event-type"] == "messageStop" and payload == b'{"stopReason":"end_turn"}'
    for at in range(len(vector)):
        broken = vector[:at] + bytes([vector[at] ^ 1]) + vector[at + 1 :]
        with pytest.raises(eventstream.BadFrame):
            eventstream.decode(broken)
    for at in range(1, len(vector)):
        with pytest.raises(eventstream.BadFrame, match="never ended"):
            eventstream.decode(vector[:at])
    with pytest.raises(eventstream.BadFrame, match="prelude"):
        list(eventstream.Decoder().feed(vector[:8] + b"\0\0\0\0"))
    huge = struct.pack(">II", 2**30, 16)
    with pytest.raises(eventstream.BadFrame, match="lengths"):
        list(eventstream.Decoder().feed(huge + struct.pack(">I", zlib.crc32(huge))))
    with pytest.raises(eventstream.BadFrame, match="header a"):
        eventstream.decode(eventstream.encode([("a", "1"), ("a", "2")]))
    headers, payload = eventstream.decode(eventstream.error("500", "away"))[0]
    assert headers[":error-code"] == "500" and payload == b""
