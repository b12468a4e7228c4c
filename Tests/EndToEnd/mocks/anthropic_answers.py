# What the Anthropic mock answers: the plan of the convention, spelled as a message or as the events of one. Pure.

import hashlib
import itertools
import json

from .anthropic_rules import blocks, signature
from .convention import fragments, plan, tokens
from .media import acknowledged, satisfying

_numbers = itertools.count(1)
_REASONS = {"stop": "end_turn", "length": "max_tokens", "stop_sequence": "stop_sequence", "tool_calls": "tool_use"}


def _block_text(block):
    kind, source = block["type"], block.get("source")
    if kind == "text":
        return block["text"]
    if kind == "tool_result":
        return "\n".join(map(_block_text, blocks(block.get("content") or "")))
    if kind in ("image", "document"):
        if source["type"] == "base64":
            return acknowledged(source["media_type"], source["data"])
        return f"[{kind} {source.get('url') or source.get('file_id') or source['type']}]"
    return "" if kind in ("thinking", "redacted_thinking") else json.dumps(block.get("input") or block.get("content"))


def _cacheable(body):
    """(text, marked) of each block in the order in which the cache sees them."""
    system = body.get("system") or []
    ordered = [*(body.get("tools") or []), *blocks(system)]
    for message in body["messages"]:
        ordered += blocks(message["content"])
    parts = [(json.dumps({**block, "cache_control": None}), bool(block.get("cache_control"))) for block in ordered]
    if body.get("cache_control") and parts:
        parts[-1] = (parts[-1][0], True)
    return parts


class PromptCache:
    """Prefixes seen before, so that the second request with a mark reads what the first has written."""

    def __init__(self):
        self.seen = set()

    def count(self, body, model):
        """(input, written, read) tokens; their sum is the whole prompt."""
        parts = _cacheable(body)
        counts = [len(tokens(text)) for text, _ in parts]
        marks = [number + 1 for number, (_, marked) in enumerate(parts) if marked]
        end = marks[-1] if marks else 0
        keys = {mark: hashlib.sha256(json.dumps([model, parts[:mark]]).encode()).digest() for mark in marks}
        read = max((mark for mark in marks if keys[mark] in self.seen), default=0)
        self.seen |= set(keys.values())
        return sum(counts[end:]), sum(counts[read:end]), sum(counts[:read])


def _last_turn(messages):
    """The blocks of the last user turn (merged with those before it), without a prefill that may follow."""
    found = []
    for message in reversed(messages):
        if message["role"] != "user":
            if found:
                break
            continue
        found = [*blocks(message["content"]), *found]
    return found


def make(body, model, cache, faults=frozenset()):
    """The whole message that answers a checked request."""
    turn = _last_turn(body["messages"])
    text = "\n".join(_block_text(block) for block in turn if block["type"] != "tool_result")
    results = [_block_text(block) for block in turn if block["type"] == "tool_result"]
    shape = (body.get("output_config") or {}).get("format")
    choice = body.get("tool_choice") or {"type": "auto"}
    names = [] if choice["type"] == "none" else [tool["name"] for tool in body.get("tools") or []]
    forced = {"tool": choice.get("name"), "any": names[0] if names else None}.get(choice["type"])
    thought = _thought(body.get("thinking"), text, faults)
    spent = len(tokens(thought[0]["thinking"])) if thought and thought[0]["type"] == "thinking" else 0
    limit = max(0, body["max_tokens"] - spent)
    made = plan(text, tools=names, required=forced, results=results if results and not text else None,
                max_tokens=limit, stop=body.get("stop_sequences") or (), call_prefix="toolu_",
                required_input=_input(body, forced))
    if shape and not made.calls:
        made = plan(json.dumps(satisfying(shape["schema"]), ensure_ascii=False), max_tokens=limit)
    if choice.get("disable_parallel_tool_use"):
        del made.calls[1:]
    reason = next(iter(faults & {"refusal", "pause_turn"}), made.reason(_REASONS))
    content = list(thought)
    if made.text and reason != "refusal":
        content.append({"type": "text", "text": made.text})
    content += [{"type": "tool_use", "id": call.identifier, "name": call.name, "input": call.input} for call in made.calls]
    details = {"type": "refusal", "category": None, "explanation": "This was refused."} if reason == "refusal" else None
    return {
        "id": f"msg_{next(_numbers):024d}", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": reason, "stop_sequence": made.stop_sequence, "stop_details": details,
        "usage": _usage(body, model, cache, spent + made.completion_tokens, spent),
    }


def _input(body, name):
    """What a tool that must be called is called with: its schema's required members."""
    schema = next((tool.get("input_schema") for tool in body.get("tools") or [] if tool["name"] == name), None)
    if not schema or not schema.get("required"):
        return "{}"
    named = {part: schema["properties"][part] for part in schema["required"] if part in schema.get("properties", {})}
    return json.dumps(satisfying({**schema, "properties": named}), ensure_ascii=False)


def _usage(body, model, cache, output, thinking):
    fresh, written, read = cache.count(body, model)
    hour = '"ttl": "1h"' in json.dumps(body)
    usage = {
        "input_tokens": fresh, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": 0 if hour else written,
                           "ephemeral_1h_input_tokens": written if hour else 0},
        "output_tokens": output, "service_tier": "standard",
    }
    return {**usage, "output_tokens_details": {"thinking_tokens": thinking}} if thinking else usage


def _thought(thinking, text, faults):
    """The thinking block, if it was asked for: signed, so that it can come back."""
    if not thinking or thinking["type"] == "disabled":
        return []
    if "redacted" in faults:
        return [{"type": "redacted_thinking", "data": signature("redacted")}]
    thought = "" if thinking.get("display") == "omitted" else f"The user says: {text[:60]}"
    return [{"type": "thinking", "thinking": thought, "signature": signature(thought)}]


def frame(value):
    return f"event: {value['type']}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


UNKNOWN = [b'event: brand_new\ndata: {"type":"brand_new","index":0}\n\n', b": a comment\n\n",
           b'event: ping\ndata: {"type": "ping"}\n\n']


def error_event(kind="overloaded_error", message="Overloaded"):
    return frame({"type": "error", "error": {"type": kind, "message": message}})


def events(message):
    """The message as the events of a stream."""
    usage = message["usage"]
    opening = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None,
               "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": opening}
    for index, block in enumerate(message["content"]):
        empty, deltas = _in_pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    final = {name: usage[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
                                            "output_tokens", "output_tokens_details") if name in usage}
    ending = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {"type": "message_delta", "delta": ending, "usage": final}
    yield {"type": "message_stop"}


def _in_pieces(block):
    """(the block as it opens, its deltas)"""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in tokens(block["text"])]
    if kind == "thinking":
        pieces = [{"type": "thinking_delta", "thinking": piece} for piece in tokens(block["thinking"])]
        return {**block, "thinking": "", "signature": ""}, [*pieces, {"type": "signature_delta", "signature": block["signature"]}]
    if kind == "tool_use":
        written = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *fragments(written)]]
    return block, []
