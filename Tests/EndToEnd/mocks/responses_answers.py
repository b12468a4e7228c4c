# What the Responses mock answers: the plan of the convention as a response, or as the events of one. Pure.

import hashlib
import itertools
import json
import re

from .convention import fragments, plan, tokens
from .media import acknowledged, satisfying

_numbers = itertools.count(1)


def proof(text):
    """What stands for the encrypted thoughts; nobody else can make it."""
    return "gAAAA" + hashlib.sha256(b"only this mock" + text.encode()).hexdigest()


def _text(content):
    if isinstance(content, str):
        return content
    return "\n".join(_medium(part) if part["type"] == "input_image" else part.get("text", "") for part in content)


def _medium(part):
    match = re.fullmatch(r"data:([^;]+);base64,(.+)", part["image_url"])
    return acknowledged(match[1], match[2]) if match else f"[image {part['image_url']}]"


def make(body):
    """(plan, thought or None) for a checked request."""
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    results = []
    for item in reversed(items):
        if not item.get("type", "").endswith("_output"):
            break
        results.insert(0, _text(item["output"]))
    text = next((_text(item["content"]) for item in reversed(items) if item.get("role") == "user"), "")
    choice = body.get("tool_choice") or "auto"
    names = [] if choice == "none" else [tool["name"] for tool in body.get("tools", ()) if tool["type"] in ("function", "custom")]
    required = choice["name"] if isinstance(choice, dict) else names[0] if choice == "required" else None
    made = plan(text, json.dumps(items, ensure_ascii=False), names, required, results or None,
                body.get("max_output_tokens"))
    if body.get("parallel_tool_calls") is False:
        del made.calls[1:]
    form = (body.get("text") or {}).get("format") or {"type": "text"}
    if form["type"] == "json_schema" and not made.calls:
        made.text = json.dumps(satisfying(form["schema"]), ensure_ascii=False)
    thinks = (body.get("reasoning") or {}).get("effort") not in (None, "none")
    return made, f"The user says: {text[:60]}" if thinks else None


def _items(body, made, thought, number):
    kinds = {tool.get("name"): tool["type"] for tool in body.get("tools", ())}
    items = []
    if thought is not None:
        items.append({"type": "reasoning", "id": f"rs_{number}", "summary": [{"type": "summary_text", "text": thought}]})
        if "reasoning.encrypted_content" in (body.get("include") or ()):
            items[-1]["encrypted_content"] = proof(thought)
    if made.text:
        items.append({"type": "message", "id": f"msg_{number}", "role": "assistant",
                      "status": "incomplete" if made.finish == "length" else "completed",
                      "content": [{"type": "output_text", "text": made.text, "annotations": [], "logprobs": []}]})
    for index, call in enumerate(made.calls):
        if kinds.get(call.name) == "custom":
            items.append({"type": "custom_tool_call", "id": f"ctc_{number}_{index}", "call_id": call.identifier,
                          "name": call.name, "input": call.arguments, "status": "completed"})
        else:
            items.append({"type": "function_call", "id": f"fc_{number}_{index}", "call_id": call.identifier,
                          "name": call.name, "arguments": call.arguments, "status": "completed"})
    return items


def response(body, made, number=None):
    plan_made, thought = made
    number = number or next(_numbers)
    spent = len(tokens(thought)) if thought else 0
    cut = plan_made.finish == "length"
    output = plan_made.completion_tokens + spent
    return {
        "id": f"resp_{number}", "object": "response", "created_at": 1767225600, "completed_at": 1767225601,
        "status": "incomplete" if cut else "completed", "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None, "background": False,
        "instructions": body.get("instructions"), "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"], "output": _items(body, plan_made, thought, number), "parallel_tool_calls": True,
        "previous_response_id": None, "reasoning": {"effort": None, "summary": None}, "store": body.get("store", True),
        "temperature": 1, "text": {"format": {"type": "text"}}, "tool_choice": body.get("tool_choice", "auto"),
        "tools": [], "top_p": 1, "truncation": "disabled", "user": None, "metadata": {},
        "usage": {"input_tokens": plan_made.prompt_tokens, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                  "output_tokens": output, "output_tokens_details": {"reasoning_tokens": spent},
                  "total_tokens": plan_made.prompt_tokens + output},
    }


def events(body, made):
    """The values of a stream's events, numbered."""
    for sequence, value in enumerate(_events(response(body, made))):
        yield {**value, "sequence_number": sequence}


def _events(whole):
    opening = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": opening}
    yield {"type": "response.in_progress", "response": opening}
    for index, item in enumerate(whole["output"]):
        place = {"output_index": index}
        inside = {"item_id": item["id"], **place}
        kind = item["type"]
        empty = {"message": {"content": []}, "reasoning": {"summary": []}, "function_call": {"arguments": ""},
                 "custom_tool_call": {"input": ""}}[kind]
        yield {"type": "response.output_item.added", **place, "item": {**item, **empty, "status": "in_progress"}}
        if kind == "message":
            yield from _part("content_part", "output_text", item["content"][0], {**inside, "content_index": 0})
        elif kind == "reasoning":
            yield from _part("reasoning_summary_part", "reasoning_summary_text", item["summary"][0],
                             {**inside, "summary_index": 0})
        else:
            member = "arguments" if kind == "function_call" else "input"
            name = "function_call_arguments" if kind == "function_call" else "custom_tool_call_input"
            for piece in fragments(item[member]):
                yield {"type": f"response.{name}.delta", **inside, "delta": piece}
            yield {"type": f"response.{name}.done", **inside, "name": item["name"], member: item[member]}
        yield {"type": "response.output_item.done", **place, "item": item}
    yield {"type": f"response.{whole['status']}", "response": whole}


def _part(part, text, value, place):
    more = {"logprobs": []} if text == "output_text" else {}
    yield {"type": f"response.{part}.added", **place, "part": {**value, "text": ""}}
    for piece in tokens(value["text"]):
        yield {"type": f"response.{text}.delta", **place, "delta": piece, **more}
    yield {"type": f"response.{text}.done", **place, "text": value["text"], **more}
    yield {"type": f"response.{part}.done", **place, "part": value}
