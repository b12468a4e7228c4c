# Whole sessions in the shape of Claude Code's and of Codex's, through every provider: their headers, their dozens of tools
# with schemas as they write them, marks for caches, thoughts, images in results, and turns that repeat all of it.

import json

import anthropic
import openai
import pytest

from matrix import TARGETS
from messages_client import MessagesClient
from responses_client import ResponsesClient
from test_messages_door import PICTURE

CLAUDE_HEADERS = {
    "anthropic-version": "2023-06-01", "anthropic-dangerous-direct-browser-access": "true", "x-app": "cli",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14",
    "user-agent": "claude-cli/2.1.0 (external, cli)", "x-claude-code-session-id": "11111111-2222-4333-8444-555555555555",
    "accept-encoding": "gzip, deflate, br, zstd"}
_STRING = {"type": "string", "description": "Said in words."}


def schema(number):
    """Schemas with what agents put into them."""
    properties = {
        "file_path": {"type": "string", "description": "The absolute path"},
        "limit": {"type": "integer", "minimum": 1, "exclusiveMinimum": 0, "maximum": 9007199254740991, "default": 100},
        "mode": {"type": "string", "enum": ["read", "write"]}, "recursive": {"type": "boolean", "default": False},
        "edits": {"type": "array", "minItems": 1, "items": {
            "type": "object", "properties": {"old": _STRING, "new": _STRING}, "required": ["old", "new"],
            "additionalProperties": False}},
        "either": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "maybe": {"type": ["string", "null"]}, "url": {"type": "string", "format": "uri"},
        "extra": {"type": "object", "additionalProperties": {"type": "string"}, "propertyNames": {"type": "string"}}}
    chosen = dict(list(properties.items())[: 1 + number % len(properties)])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": chosen,
            "required": ["file_path"], "additionalProperties": False}


NAMES = ["Bash", "Read", "Edit", "Write", "Glob", "Grep", "WebFetch", "Task", "TodoWrite", "NotebookEdit", "ExitPlanMode",
         *[f"mcp__server-{number}__do_thing_{number}" for number in range(30)]]


@pytest.fixture(scope="module")
def gateway(start_matrix, own_responses):
    return start_matrix({"own": own_responses})


# -- Claude Code -----------------------------------------------------------------------------------------------------


class ClaudeCode:
    """One conversation; every turn sends all of it again."""

    def __init__(self, gateway, target, model):
        self.client = MessagesClient(gateway, default_headers=CLAUDE_HEADERS)
        self.target, self.model, self.history = target, target.at_gateway(model), []
        self.tools = [{"name": name, "description": f"Does {name}. " * 20, "input_schema": schema(number)}
                      for number, name in enumerate(NAMES)]
        self.tools[-1]["cache_control"] = {"type": "ephemeral"}
        self.number = 0

    def system(self):
        """The attribution line differs from one request to the next."""
        self.number += 1
        return [{"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.0.{self.number}; cc_entrypoint=cli;"},
                {"type": "text", "text": "You are Claude Code, Anthropic's official CLI.",
                 "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "Be careful with files.\n" * 200, "cache_control": {"type": "ephemeral"}}]

    def thinking(self):
        if self.target.name == "anthropic-adaptive":
            return {"type": "adaptive"}
        return {"type": "enabled", "budget_tokens": 31999}

    def turn(self, content):
        for message in self.history:
            for block in message["content"]:
                block.pop("cache_control", None)
        content[-1]["cache_control"] = {"type": "ephemeral"}
        self.history.append({"role": "user", "content": content})
        said = self.client.ask(
            self.model, self.history, stream=True, max_tokens=32000, system=self.system(), tools=self.tools,
            thinking=self.thinking(), metadata={"user_id": json.dumps({"device_id": "d" * 64, "session_id": "s"})},
            extra_query={"beta": "true"})
        self.history.append({"role": "assistant", "content": said.content})
        return said


def text(value):
    return {"type": "text", "text": value}


@pytest.mark.parametrize("target", [target for target in TARGETS if target.name != "anthropic-old"], ids=lambda t: t.name)
def test_claude_code(target, gateway, request):
    mock = request.getfixturevalue(target.mock)
    mock.thinking = True
    model = mock.model(target.model)
    session = ClaudeCode(gateway, target, model)
    first = [text("<system-reminder>\nThis is context.\n</system-reminder>\n"),
             text('call Read {"file_path": "/a.png"}\ncall Bash {"file_path": "/tmp"}')]
    if "tools" in target.refuses:
        with pytest.raises(anthropic.BadRequestError, match="tools"):
            session.turn(first)
        return
    said = session.turn(first)
    assert [name for _, name, _ in said.calls] == ["Read", "Bash"] and said.stop == "tool_use"
    seen = PICTURE if "image" not in target.refuses else text("a picture")
    said = session.turn([
        {"type": "tool_result", "tool_use_id": said.calls[0][0], "content": [text("the file"), seen]},
        {"type": "tool_result", "tool_use_id": said.calls[1][0], "content": "permission denied", "is_error": True},
        text('<system-reminder>\nGo on.\n</system-reminder>'), text("call TodoWrite {\"file_path\": \"/todo\"}")])
    ((identifier, name, given),) = said.calls
    assert (name, given) == ("TodoWrite", {"file_path": "/todo"})
    said = session.turn([{"type": "tool_result", "tool_use_id": identifier, "content": [text("noted")]}])
    assert said.text == "noted" and said.stop == "end_turn"
    said = session.turn([text("and thanks")])
    assert said.text == "and thanks"
    reached = target.read(mock.of(model)[-1].body)
    assert [tool["name"] for tool in reached.tools] == NAMES and len(reached.calls) == 3 and len(reached.results) == 3
    assert ("x-anthropic-billing-header" in reached.system) == (target.provider == "anthropic")
    headers = mock.of(model)[-1].request.headers
    assert "x-claude-code-session-id" not in headers and "x-app" not in headers
    assert ("anthropic-beta" in headers) == (target.provider == "anthropic")
    side = session.client.ask(session.model, [{"role": "user", "content": [text("a title")]}], stream=True, max_tokens=512,
                              system=[text("Summarize this conversation.")], extra_query={"beta": "true"})
    assert side.text == "a title"
    session.client.close()


# -- Codex -----------------------------------------------------------------------------------------------------------


CODEX_HEADERS = {"originator": "codex_exec", "session_id": "0199-session", "version": "0.163.0", "accept": "text/event-stream",
                 "user-agent": "codex_exec/0.163.0 (Linux; x86_64)"}
CODEX_TOOLS = [
    {"type": "function", "name": "exec_command", "description": "Runs a command in a PTY.", "strict": False, "parameters": {
        "type": "object", "properties": {"cmd": {"type": "string", "description": "Shell command."},
                                         "yield_time_ms": {"type": "number"}, "login": {"type": "boolean"}},
        "required": ["cmd"], "additionalProperties": False}},
    {"type": "function", "name": "update_plan", "description": "Updates the plan.", "strict": False, "parameters": {
        "type": "object", "properties": {"plan": {"type": "array", "items": {
            "type": "object", "properties": {"step": {"type": "string"}, "status": {"type": "string"}},
            "required": ["step", "status"], "additionalProperties": False}}}, "required": ["plan"],
        "additionalProperties": False}},
    {"type": "custom", "name": "apply_patch", "description": "Edits files. This is a FREEFORM tool: no JSON.",
     "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+ end_patch\n"}},
    {"type": "web_search", "external_web_access": False},
]
_ALL = [*TARGETS, None]  # None: a provider that serves the dialect itself


@pytest.mark.parametrize("target", _ALL, ids=lambda t: t.name if t else "own")
def test_codex(target, gateway, request):
    mock = request.getfixturevalue(target.mock if target else "responses_mock")
    mock.thinking = True
    model = mock.model((target.thinker or target.model) if target else "gpt-5")
    client = ResponsesClient(gateway, default_headers=CODEX_HEADERS)
    items = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<permissions>all</permissions>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context/>"}]}]

    def turn(*more):
        items.extend(more)
        made = client.ask(
            target.at_gateway(model) if target else f"own/{model}", items, stream=True, store=False, tools=CODEX_TOOLS,
            instructions="You are Codex, a coding agent.\n" * 50, tool_choice="auto", parallel_tool_calls=True,
            reasoning={"effort": "medium", "summary": "auto"}, include=["reasoning.encrypted_content"],
            prompt_cache_key="0199-session", text={"verbosity": "medium"},
            extra_body={"client_metadata": {"x-codex-installation-id": "i"}})
        for item in made.output:
            items.append({name: value for name, value in item.items() if name not in ("id", "status")}
                         if item["type"] != "message" else item)
        return made

    def say(value):
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}

    patch = {"input": "*** Begin Patch\n*** Add File: a.txt\n+\"hi\"\n*** End Patch"}
    asked = 'call exec_command {"cmd": "ls"}\ncall apply_patch ' + json.dumps(patch)
    if target and "tools" in target.refuses:
        with pytest.raises(openai.BadRequestError) as caught:
            turn(say(asked))
        assert caught.value.param == "tools"
        return
    made = turn(say(asked))
    kinds = [item["type"] for item in made.output if item["type"].endswith("call")]
    assert kinds == ["function_call", "custom_tool_call"], made.output
    assert made.calls[0][1:] == ("exec_command", '{"cmd": "ls"}') or json.loads(made.calls[0][2]) == {"cmd": "ls"}
    if target:  # the mock that speaks the dialect writes the line's text as it is
        assert made.calls[1][1:] == ("apply_patch", patch["input"])
    made = turn({"type": "function_call_output", "call_id": made.calls[0][0], "output": "a.txt"},
                {"type": "custom_tool_call_output", "call_id": made.calls[1][0], "output": "Done!"})
    assert made.text == "a.txt\nDone!" and made.status == "completed"
    made = turn(say('call update_plan {"plan": [{"step": "one", "status": "done"}]}'))
    assert [name for _, name, _ in made.calls] == ["update_plan"]
    made = turn({"type": "function_call_output", "call_id": made.calls[0][0], "output": [
        {"type": "input_text", "text": "Plan updated"}]})
    assert made.text == "Plan updated"
    assert turn(say("thanks")).text == "thanks"
    if target:
        reached = target.read(mock.of(model)[-1].body)
        assert [tool["name"] for tool in reached.tools] == ["exec_command", "update_plan", "apply_patch"]
        assert [name for _, name, _ in reached.calls] == ["exec_command", "apply_patch", "update_plan"]
        assert reached.calls[1][2] == patch
        assert "start: begin_patch" in next(tool for tool in reached.tools if tool["name"] == "apply_patch")["description"]
    headers = mock.of(model)[-1].request.headers
    assert "originator" not in headers and "session_id" not in headers
    client.close()
