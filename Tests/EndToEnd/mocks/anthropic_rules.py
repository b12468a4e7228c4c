# The rules of an Anthropic request that join several of its members, in the words of the real service where they are
# known. Pure: a body in, Refused or nothing out; the service and Claude on Vertex import it.

import hashlib
import hmac
import json

from .anthropic_models import capability
from .anthropic_shapes import ASSISTANT_BLOCK, SYSTEM_BLOCK, USER_BLOCK, shape
from .shapes import Misshapen, check
from .transport import Refused

_SECRET = b"only this mock can sign its thoughts"
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "dictionary", "list": "list"}


def signature(thinking):
    """What the mock signs a thought with; changing a letter of the thought breaks it."""
    return "Er" + hmac.new(_SECRET, thinking.encode(), hashlib.sha256).hexdigest()


def invalid(message):
    return Refused(400, message, kind="invalid_request_error")


def _spelled(failure):
    """A Misshapen in the service's words: `messages.0.content: Field required`."""
    path = failure.path.replace("[", ".").replace("]", "").lstrip(".")
    text = str(failure).removeprefix(f"{failure.path}: ")
    if failure.kind == "missing":
        text = "Field required"
    elif failure.kind == "unknown":
        text = "Extra inputs are not permitted"
    elif failure.kind == "type":
        text = f"Input should be a valid {_TYPES.get(text.split()[2], text.split()[2])}"
    return invalid(f"{path}: {text}" if path else text)


def blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def check_request(body, model, surface="api", betas=False, counting=False, version="2023-06-01"):
    """Raises Refused unless the real service would take `body` for `model`."""
    can = capability(model)
    if can is None:
        raise Refused(404, f"model: {model}", kind="not_found_error")
    try:
        check(body, shape(surface, betas, counting))
        turns = _turns(body["messages"], can)
    except Misshapen as failure:
        raise _spelled(failure) from None
    _check_sampling(body, can)
    if "2026-10-21" in (version, body.get("anthropic_version")):
        _check_second_version(body, turns)
    _check_thinking(body, can)
    _check_tools(body, can, turns)
    _check_output(body, can)
    _check_pairs(turns)
    _check_thoughts(body, turns)
    _check_end(body, can)
    _check_cache(body)
    if surface == "vertex":
        _check_sources(body)
    if body.get("max_tokens", 0) > can.max_output:
        raise invalid(f"max_tokens: {body['max_tokens']} > {can.max_output}, which is the maximum allowed number of "
                      f"output tokens for {model}")


def _turns(messages, can):
    """Consecutive messages of one role as one turn: [(role, [(place, block)])]."""
    if not messages:
        raise Misshapen("messages", "at least one message is required", "value")
    turns = []
    for number, message in enumerate(messages):
        role, content, path = message["role"], message["content"], f"messages[{number}]"
        if number == 0 and role != "user":
            raise Misshapen("messages", 'first message must use the "user" role', "value")
        if role == "system" and not can.system_turns:
            raise Misshapen("messages", f'Unexpected role "system" in {path}: use the top-level system parameter', "value")
        last = number == len(messages) - 1 and role == "assistant"
        if not content and not last:
            raise Misshapen(path, "all messages must have non-empty content except for the optional final assistant "
                                  "message", "value")
        kind = {"user": USER_BLOCK, "assistant": ASSISTANT_BLOCK, "system": SYSTEM_BLOCK}[role]
        found = []
        for index, block in enumerate(blocks(content)):
            check(block, kind, f"{path}.content[{index}]")
            found.append((f"messages.{number}.content.{index}", block))
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(found)
        else:
            turns.append((role, found))
    return turns


def _check_sampling(body, can):
    for name in ("temperature", "top_p", "top_k"):
        if name in body and not can.sampling:
            raise invalid(f"`{name}` is deprecated for this model.")
    if "temperature" in body and "top_p" in body and not can.both_samplings:
        raise invalid("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _check_second_version(body, turns):
    """What API version 2026-10-21 took away."""
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise invalid(f"{name}: Extra inputs are not permitted")
    for role, turn in turns:
        for place, block in turn:
            cited = [block, *block["content"]] if block["type"] == "search_result" else [block]
            if role == "user" and any(part["type"] == "text" and part.get("citations") for part in cited):
                raise invalid(f"{place}.citations: citations are not permitted in a user message")


def _check_thinking(body, can):
    thinking = body.get("thinking", {"type": "disabled"})
    kind = thinking["type"]
    if "thinking" in body and kind not in can.thinking:
        advice = ' Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        raise invalid(f'"thinking.type.{kind}" is not supported for this model.{advice if kind == "enabled" else ""}')
    if kind == "enabled" and thinking["budget_tokens"] >= body.get("max_tokens", float("inf")):
        raise invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind == "disabled":
        return
    if body.get("temperature", 1) != 1:
        raise invalid("`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.")
    if "top_k" in body:
        raise invalid("`top_k` must be unset when thinking is enabled or in adaptive mode.")
    if body.get("top_p", 1) < 0.95:
        raise invalid("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled or in adaptive mode.")
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _check_tools(body, can, turns):
    tools, choice = body.get("tools") or [], body.get("tool_choice")
    names = [tool["name"] for tool in tools]
    if len(set(names)) != len(names):
        raise invalid("tools: Tool names must be unique.")
    for number, tool in enumerate(tools):
        if tool.get("type", "custom") in (None, "custom"):
            _check_input_schema(tool, f"tools.{number}.custom.input_schema")
    if choice and not tools:
        raise invalid("tool_choice: may only be specified while providing tools")
    if choice and choice["type"] == "tool" and choice["name"] not in names:
        raise invalid(f"Tool '{choice['name']}' not found in provided tools")
    if choice and choice["type"] in ("any", "tool") and not can.forced_tool_choice:
        raise invalid(f"tool_choice: type \"{choice['type']}\" is not supported for this model")
    used = any(block["type"] in ("tool_use", "tool_result") for _, turn in turns for _, block in turn)
    if used and not tools:
        raise invalid("Requests which include `tool_use` or `tool_result` blocks must define tools")


def _check_input_schema(tool, path):
    schema = tool["input_schema"]
    if "type" not in schema:
        raise invalid(f"{path}.type: Field required")
    if schema["type"] != "object":
        raise invalid(f"{path}.type: Input should be 'object'")
    if any(word in schema for word in ("oneOf", "allOf", "anyOf")):
        raise invalid(f"{path}: input_schema does not support oneOf, allOf, or anyOf at the top level")
    if tool.get("strict"):
        _check_closed(schema, path)


def _check_output(body, can):
    output = body.get("output_config") or {}
    if output.get("effort") and not can.effort:
        raise invalid("This model does not support the effort parameter.")
    if output.get("format"):
        if not can.formats:
            raise invalid("output_config.format: structured outputs are not supported for this model")
        _check_closed(output["format"]["schema"], "output_config.format.schema")


_OPEN_WORDS = {
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "string": ("minLength", "maxLength"), "array": ("maxItems", "uniqueItems"), "object": ("minProperties", "maxProperties"),
}


def _check_closed(schema, path):
    """Structured outputs take a subset: closed objects, and no bounds."""
    if isinstance(schema, list):
        for part in schema:
            _check_closed(part, path)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        raise invalid(f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false")
    refused = [word for word in _OPEN_WORDS.get("integer" if kind == "number" else kind, ()) if word in schema] \
        if isinstance(kind, str) else []
    if refused:
        raise invalid(f"{path}: For '{kind}' type, properties {', '.join(refused)} are not supported")
    for name in ("properties", "$defs", "definitions"):
        for part in (schema.get(name) or {}).values():
            _check_closed(part, path)
    for name in ("items", "anyOf", "allOf"):
        _check_closed(schema.get(name), path)


def _check_pairs(turns):
    """Each call answered once, in the next user turn, before anything else in it; no answer without its call."""
    waiting, seen = [], set()
    for role, turn in turns:
        results = [(place, block["tool_use_id"]) for place, block in turn if block["type"] == "tool_result"]
        if role == "user":
            for place, identifier in results:
                if identifier not in waiting:
                    raise invalid(f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {identifier}. Each "
                                  "`tool_result` block must have a corresponding `tool_use` block in the previous message.")
        given = [identifier for _, identifier in results]
        if len(set(given)) != len(given):
            raise invalid(f"{results[0][0]}: each tool_use must have a single result. Found multiple `tool_result` blocks")
        front = [block.get("tool_use_id") for _, block in turn[: len(waiting)]]
        if missing := [identifier for identifier in waiting if identifier not in front]:
            raise _unanswered(turn[0][0], missing)
        waiting = [block["id"] for _, block in turn if block["type"] == "tool_use"]
        if len(set(waiting)) != len(waiting) or seen & set(waiting):
            raise invalid(f"{turn[0][0]}: `tool_use` ids must be unique")
        seen |= set(waiting)
    if waiting:
        raise _unanswered(turns[-1][1][0][0], waiting)


def _unanswered(place, missing):
    return invalid(f"{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
                   "Each `tool_use` block must have a corresponding `tool_result` block in the next message.")


def _check_thoughts(body, turns):
    """Thoughts come back as they were issued, before the calls they led to; with a budget they must come back."""
    for _, turn in turns:
        acted = False
        for place, block in turn:
            if block["type"] == "thinking" and block["signature"] != signature(block["thinking"]):
                raise invalid(f"{place}: Invalid `signature` in `thinking` block")
            if block["type"] == "redacted_thinking" and block["data"] != signature("redacted"):
                raise invalid(f"{place}: Invalid `data` in `redacted_thinking` block")
            if block["type"] in ("thinking", "redacted_thinking") and acted:
                raise invalid(f"{place}: `thinking` blocks must precede the `tool_use` blocks of their message")
            acted = acted or block["type"] == "tool_use"
    if body.get("thinking", {}).get("type") != "enabled":
        return
    calling = [turn for role, turn in turns if role == "assistant" and any(b["type"] == "tool_use" for _, b in turn)]
    ends_in_results = any(block["type"] == "tool_result" for _, block in turns[-1][1])
    if calling and ends_in_results and calling[-1][0][1]["type"] not in ("thinking", "redacted_thinking"):
        place, first = calling[-1][0]
        raise invalid(f"{place}.type: Expected `thinking` or `redacted_thinking`, but found `{first['type']}`. When `thinking` "
                      "is enabled, a final `assistant` message must start with a thinking block.")


def _check_end(body, can):
    last = body["messages"][-1]
    if last["role"] != "assistant":
        return
    if not can.prefill or body.get("thinking", {}).get("type", "disabled") != "disabled":
        raise invalid("This model does not support assistant message prefill. The conversation must end with a user message.")
    found = blocks(last["content"])
    if found and found[-1]["type"] == "text" and found[-1]["text"] != found[-1]["text"].rstrip():
        raise invalid("messages: final assistant content cannot end with trailing whitespace")


def _check_cache(body):
    found = json.dumps([body.get("tools"), body.get("system"), body["messages"]]).count('"cache_control": {')
    found += "cache_control" in body
    if found > 4:
        raise invalid(f"A maximum of 4 blocks with cache_control may be provided. Found {found}.")


def _check_sources(body):
    """Google's side fetches nothing: images and documents must be in the request."""
    for number, message in enumerate(body["messages"]):
        outer = blocks(message["content"])
        inner = [part for block in outer if block["type"] == "tool_result" for part in blocks(block.get("content") or [])]
        for block in outer + inner:
            kind = block["source"]["type"] if block["type"] in ("image", "document") else None
            if kind in ("url", "file"):
                raise invalid(f"messages.{number}: {kind} sources are not supported")
