# Google's OpenAI-compatible surface, as the mock gives it: model names with `google/`, errors in an array, and the known
# gaps (faults `noids`: tool calls with empty ids, `noindex`: streamed tool calls without index).

import itertools
import json

from .convention import plan
from .google_rules import generating
from .media import acknowledged, satisfying
from .service import event
from .shapes import Between, Filled, Misshapen, Tagged, check
from .transport import Refused

_numbers = itertools.count(1)
_PART = Tagged("type", text={"text!": str}, image_url={"image_url!": {"url!": str}},
               input_audio={"input_audio!": {"data!": str, "format!": str}})
_CALL = {"id!": str, "type!": {"function"}, "function!": {"name!": str, "arguments!": str}, "extra_content": dict}
_MESSAGE = Tagged(
    "role", system={"content!": (str, [_PART])}, developer={"content!": (str, [_PART])}, user={"content!": (str, [_PART])},
    assistant={"content": (str, [_PART], None), "tool_calls": [_CALL], "extra_content": dict},
    tool={"content!": (str, [_PART]), "tool_call_id!": str})
_FUNCTION = {"name!": str, "description": str, "parameters": dict, "strict": (bool, None)}
CHAT = {
    "model!": str, "messages!": Filled(_MESSAGE), "stream": (bool, None), "stream_options": ({"include_usage": bool}, None),
    "max_tokens": Between(1, whole=True), "max_completion_tokens": Between(1, whole=True), "n": Between(1, 8, whole=True),
    "temperature": Between(0, 2), "top_p": Between(0, 1), "stop": (str, [str], None), "seed": int,
    "frequency_penalty": Between(-2, 2), "presence_penalty": Between(-2, 2), "response_format": dict,
    "reasoning_effort": {"none", "minimal", "low", "medium", "high"}, "tools": [{"type!": {"function"}, "function!": _FUNCTION}],
    "tool_choice": ({"auto", "none", "required"}, {"type!": {"function"}, "function!": {"name!": str}}), "user": str,
    "web_search_options": dict, "extra_body": {"google": dict}, "parallel_tool_calls": bool,
    "logprobs": bool, "top_logprobs": int,
}


def check_chat(body):
    """The model's name without `google/`; Refused (its error goes out in an array) for what is not taken."""
    try:
        check(body, CHAT)
    except Misshapen as failure:
        raise Refused(400, f"Invalid JSON payload received. {failure}") from None
    if not body["model"].startswith("google/"):
        raise Refused(400, f"Malformed publisher model {body['model']!r}: want <publisher>/<model>")
    model = body["model"].removeprefix("google/")
    generating(model)
    return model


def _text(content):
    if not isinstance(content, list):
        return content or ""
    return "\n".join(part["text"] if part["type"] == "text" else _media(part) for part in content)


def _media(part):
    url = part.get("image_url", {}).get("url", "")
    if url.startswith("data:"):
        kind, data = url.removeprefix("data:").split(";base64,")
        return acknowledged(kind, data)
    return f"[image {url}]"


def _plan(body):
    messages, choice = body["messages"], body.get("tool_choice", "auto")
    names = [] if choice == "none" else [tool["function"]["name"] for tool in body.get("tools", ())]
    required = choice["function"]["name"] if isinstance(choice, dict) else names[0] if choice == "required" else None
    results = list(itertools.takewhile(lambda message: message["role"] == "tool", reversed(messages)))[::-1]
    asked = [message for message in messages if message["role"] == "user"]
    stop = body.get("stop") or ()
    made = plan(_text(asked[-1]["content"]) if asked else "", prompt=" ".join(_text(m.get("content")) for m in messages),
                tools=names, required=required, results=[_text(message["content"]) for message in results] or None,
                max_tokens=body.get("max_completion_tokens", body.get("max_tokens")),
                stop=[stop] if isinstance(stop, str) else stop)
    if body.get("parallel_tool_calls") is False:
        del made.calls[1:]
    wanted = body.get("response_format", {}).get("type", "text")
    if wanted != "text" and not made.calls:
        schema = body["response_format"]["json_schema"]["schema"] if wanted == "json_schema" else None
        made.text = json.dumps({"answer": made.text} if schema is None else satisfying(schema), ensure_ascii=False)
        made.completion_tokens = len(made.pieces)
    return made


def answer(exchange):
    body, faults = exchange.body, exchange.faults
    made = _plan(body)
    reason = made.reason({"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"})
    calls = [{"id": "" if "noids" in faults else call.identifier, "type": "function",
              "function": {"name": call.name, "arguments": call.arguments}} for call in made.calls]
    usage = {"prompt_tokens": made.prompt_tokens, "completion_tokens": made.completion_tokens, "total_tokens": made.total_tokens}
    shared = {"id": f"chatcmpl-google-{next(_numbers)}", "created": 1767225600, "model": body["model"], "system_fingerprint": ""}
    if not body.get("stream"):
        message = {"role": "assistant", "content": made.text or None, **({"tool_calls": calls} if calls else {})}
        exchange.answer({**shared, "object": "chat.completion", "usage": usage, "choices": [
            {"index": index, "message": message, "finish_reason": reason, "logprobs": None} for index in range(body.get("n", 1))]})
        return
    deltas = [{"role": "assistant", "content": piece} for piece in made.pieces]
    deltas += [{"role": "assistant", "tool_calls": [call if "noindex" in faults else {"index": number, **call}]}
               for number, call in enumerate(calls)]
    frames = []
    for number, delta in enumerate(deltas or [{"role": "assistant", "content": ""}]):
        last = number == max(0, len(deltas) - 1)
        choices = [{"index": index, "delta": delta, "finish_reason": reason if last else None, "logprobs": None}
                   for index in range(body.get("n", 1))]
        made_chunk = {**shared, "object": "chat.completion.chunk", "choices": choices}
        frames.append(event({**made_chunk, "usage": usage} if last else made_chunk))
    exchange.play([*frames, event("[DONE]")], event([{"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}]),
                  [b": a comment\n\n"])
