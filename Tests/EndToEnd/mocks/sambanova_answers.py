# What SambaNova answers: OpenAI's objects with the differences that a gateway has to normalise: `created` is a
# float, reasoning is called `reasoning`, gpt-oss names its channel, usage is full of timings, and the chunk that brings
# the usage has no choices at all. The web session answers with the same chunks.

import base64
import json
import re
import struct

from .convention import fragments, plan, plan_in_text, tokens
from .media import acknowledged, satisfying
from .salesforce_answers import identifier, vector
from .sambanova_rules import tool_names

CREATED = 1767323045.31
WORDS = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"}
_KINDS = {"image_url": "image", "audio_content": "audio", "video_url": "video"}


def text_of(content):
    """The text of a message; a medium is told by its type and size."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] if part["type"] == "text" else _medium(part) for part in content or ())


def _medium(part):
    member = part[part["type"]]
    value = member.get("url") or member.get("content")
    match = re.fullmatch(r"data:([^;]+);base64,(.+)", value)
    return acknowledged(match[1], match[2]) if match else f"[{_KINDS[part['type']]} {value}]"


def make(body):
    """The plan for a checked chat request."""
    messages, results = body["messages"], []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, text_of(message["content"]))
    text = next((text_of(m["content"]) for m in reversed(messages) if m["role"] == "user"), "")
    names, choice = tool_names(body), body.get("tool_choice") or "auto"
    required = choice["function"]["name"] if isinstance(choice, dict) else names[0] if choice == "required" else None
    stop, limit = body.get("stop") or (), body.get("max_completion_tokens") or body.get("max_tokens")
    stop, prompt = [stop] if isinstance(stop, str) else stop, "\n".join(text_of(m.get("content")) for m in messages)
    if not names and "<tools>" in prompt:
        return plan_in_text(text, prompt, max_tokens=limit, stop=stop)
    made = plan(text, prompt, () if choice == "none" else names, required, results or None, limit, stop)
    if body.get("parallel_tool_calls") is False:
        del made.calls[1:]
    wanted = (body.get("response_format") or {}).get("type")
    if wanted in ("json_schema", "json_object") and not made.calls and not made.forced:
        made.text = _json_text(wanted, body, made.text)
        made.completion_tokens = len(made.pieces)
    return made


def _json_text(wanted, body, text):
    if wanted == "json_schema":
        return json.dumps(satisfying(body["response_format"]["json_schema"].get("schema") or {}), ensure_ascii=False)
    try:
        return text if isinstance(json.loads(text), dict) else json.dumps({"text": text}, ensure_ascii=False)
    except ValueError:
        return json.dumps({"text": text}, ensure_ascii=False)


def reasoning(body):
    """What the model thinks first, if it is one that thinks or has been asked to; None otherwise."""
    asked = body.get("reasoning_effort") or (body.get("chat_template_kwargs") or {}).get("enable_thinking")
    if not asked and "gpt-oss" not in body["model"]:
        return None
    text = next((text_of(m["content"]) for m in reversed(body["messages"]) if m["role"] == "user"), "")
    return f"The user says: {text[:60]}"


def usage(made, thought=None):
    spent = len(tokens(thought)) if thought else 0
    return {
        "prompt_tokens": made.prompt_tokens, "completion_tokens": made.completion_tokens + spent,
        "total_tokens": made.total_tokens + spent, "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent}, "acceptance_rate": 1.0,
        "completion_tokens_after_first_per_sec": 512.5, "completion_tokens_after_first_per_sec_first_ten": 498.25,
        "completion_tokens_after_first_per_sec_graph": 512.5, "completion_tokens_per_sec": 488.0,
        "end_time": CREATED + 0.25, "is_last_response": True, "start_time": CREATED, "stop_reason": "stop",
        "time_to_first_token": 0.125, "time_to_first_token_graph": 0.12, "total_latency": 0.25,
        "total_tokens_per_sec": 900.0,
    }


def _channel(body, name):
    return {"channel": name} if "gpt-oss" in body["model"] else {}


def completion(body):
    made, thought = make(body), reasoning(body)
    message = {"role": "assistant", "content": None if made.calls else made.text, **_channel(body, "final")}
    if thought is not None:
        message["reasoning"] = thought
    if made.calls:
        message["tool_calls"] = [_call(call) for call in made.calls]
    return {
        "id": identifier(body, "c-"), "object": "chat.completion", "created": CREATED, "model": body["model"],
        "system_fingerprint": "fp-e2e", "usage": usage(made, thought),
        "choices": [{"index": index, "message": message, "logprobs": None, "finish_reason": made.reason(WORDS)}
                    for index in range(body.get("n") or 1)],
    }


def _call(call, arguments=None):
    arguments = call.arguments if arguments is None else arguments
    return {"id": call.identifier, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def chunks(body, faults=frozenset()):
    """The JSON values of a stream, without the [DONE]."""
    made, thought = make(body), reasoning(body)
    frame = {"id": identifier(body, "c-"), "object": "chat.completion.chunk", "created": CREATED,
             "model": body["model"], "system_fingerprint": "fp-e2e"}
    if "bare" in faults:  # older servers of the web session leave these out
        frame = {"model": body["model"]}

    def chunk(delta, finish=None):
        return {**frame, "usage": None,
                "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
                            for index in range(body.get("n") or 1)]}

    found = [chunk({"role": "assistant", "content": ""})]
    found += [chunk({"reasoning": piece, **_channel(body, "analysis")}) for piece in tokens(thought or "")]
    found += [chunk({"content": piece, **_channel(body, "final")}) for piece in made.pieces]
    for index, call in enumerate(made.calls):
        found.append(chunk({"tool_calls": [{"index": index, **_call(call, "")}]}))
        found += [chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
                  for piece in fragments(call.arguments)]
    found.append(chunk({}, made.reason(WORDS)))
    if (body.get("stream_options") or {}).get("include_usage"):
        last = {**frame, "usage": usage(made, thought)}
        if "nullchoices" in faults:
            last["choices"] = None
        elif "emptychoices" in faults:
            last["choices"] = []
        found.append(last)
    return found


def embeddings(body):
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    count = sum(len(tokens(text)) for text in texts)

    def spelled(text):
        values = vector(text)
        if body.get("encoding_format") == "base64":
            return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()
        return values

    return {
        "object": "list", "model": body["model"], "usage": {"prompt_tokens": count, "total_tokens": count},
        "data": [{"object": "embedding", "index": index, "embedding": spelled(text)}
                 for index, text in enumerate(texts)],
    }


def model_list(context):
    """No `created`, and nothing but the id is certain: the last one has only that."""
    entries = [{
        "id": name, "object": "model", "owned_by": "no-reply@sambanova.ai", "context_length": size,
        "max_completion_tokens": 7168, "sn_metadata": {},
        "pricing": {"prompt": "0.0000006", "completion": "0.0000012", "duration_per_hour": "0"},
    } for name, size in context.items()]
    entries[-1] = {"id": entries[-1]["id"]}
    return {"object": "list", "data": entries}
