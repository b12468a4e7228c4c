# What the Gemini mock answers: the plan of the convention, spelled as a response or as the chunks of one. Pure.

import copy
import hashlib
import itertools
import json

from .convention import plan, tokens
from .google_models import capability
from .google_rules import signature
from .media import acknowledged, satisfying

_numbers = itertools.count(1)
_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "tool_calls": "STOP"}
IMAGE_TOKENS = 258


def _part_text(part):
    if "text" in part:
        return part["text"]
    if "inlineData" in part:
        return acknowledged(part["inlineData"]["mimeType"], part["inlineData"]["data"])
    if "fileData" in part:
        return f"[file {part['fileData']['fileUri']}]"
    return ""


def _result_text(response):
    for name in ("output", "error"):
        if isinstance(response.get(name), str) and len(response) == 1:
            return response[name]
    return json.dumps(response, ensure_ascii=False)


def prompt_tokens(body):
    contents = [body.get("systemInstruction", {"parts": []}), *body.get("contents", [])]
    parts = [part for content in contents for part in content["parts"]]
    texts = [part["text"] if "text" in part else json.dumps(part) for part in parts if "inlineData" not in part]
    images = sum(IMAGE_TOKENS for part in parts if "inlineData" in part)
    return len(tokens(" ".join(texts))) + images + (len(tokens(json.dumps(body["tools"]))) if "tools" in body else 0)


def thinking(config):
    """(on, shown) of a thinkingConfig."""
    config = config.get("thinkingConfig", {})
    on = config.get("thinkingBudget", 1 if config else 0) != 0
    return on, on and config.get("includeThoughts", False)


def make(body, model, surface, faults=frozenset()):
    """The whole response that answers a checked request."""
    can, config = capability(model), body.get("generationConfig", {})
    if "blocked" in faults:
        return {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": []}, **_tail(model, _usage(body, 0, 0))}
    last = body["contents"][-1]["parts"]
    text = "\n".join(filter(None, map(_part_text, last)))
    results = [_result_text(part["functionResponse"]["response"]) for part in last if "functionResponse" in part]
    on, shown = thinking(config)
    thought = f"The user says: {text[:60]}" if on else ""
    spent = len(tokens(thought))
    limit = max(0, config["maxOutputTokens"] - spent) if "maxOutputTokens" in config else None
    names, required = _callable(body)
    made = plan(text, tools=names, required=required, results=results if results and not text else None, max_tokens=limit,
                stop=config.get("stopSequences", ()))
    if config.get("responseMimeType") == "application/json" and not made.calls:
        schema = config.get("responseJsonSchema", config.get("responseSchema"))
        value = {"answer": text} if schema is None else satisfying(schema)
        made = plan(json.dumps(value, ensure_ascii=False), max_tokens=limit)
    parts = [{"text": thought, "thought": True}] if shown else []
    if made.text:
        parts.append({"text": made.text})
    parts += [_call(call, can, "callids" in faults or can.call_ids and "nocallids" not in faults) for call in made.calls]
    seal = signature(surface, can.generation)
    if made.calls and (can.signatures or on):
        parts[-len(made.calls)]["thoughtSignature"] = seal
    elif made.text and can.signatures:
        parts[-1]["thoughtSignature"] = seal
    content = {"role": "model", **({} if not parts or "noparts" in faults else {"parts": parts})}
    candidate = {"content": content, "finishReason": made.reason(_REASONS), **_logprobs(config, made.pieces)}
    if made.forced:
        candidate["finishMessage"] = f"The answer ended with {made.finish}."
    count = config.get("candidateCount", 1)
    candidates = [{**copy.deepcopy(candidate), **({"index": number} if number else {})} for number in range(count)]
    return {"candidates": candidates, **_tail(model, _usage(body, made.completion_tokens * count, spent))}


def _callable(body):
    """(names that may be called, the one that must be)"""
    config = body.get("toolConfig", {}).get("functionCallingConfig", {})
    names = [declaration["name"] for tool in body.get("tools", []) for declaration in tool.get("functionDeclarations", ())]
    names = config.get("allowedFunctionNames", names)
    if config.get("mode") == "NONE":
        return [], None
    return names, names[0] if config.get("mode") == "ANY" else None


def _call(call, can, with_id):
    made = {"name": call.name, "args": call.input}
    return {"functionCall": {"id": call.identifier.removeprefix("call_"), **made} if with_id else made}


def _logprobs(config, pieces):
    if not config.get("responseLogprobs"):
        return {}
    chosen = [{"token": piece, "logProbability": -0.5} for piece in pieces]
    top = [{"candidates": [one]} for one in chosen] if config.get("logprobs") else []
    return {"avgLogprobs": -0.5, "logprobsResult": {"chosenCandidates": chosen, "topCandidates": top}}


def _usage(body, written, thoughts):
    prompt = prompt_tokens(body)
    usage = {"promptTokenCount": prompt, "totalTokenCount": prompt + written + thoughts,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}]}
    if written:
        usage["candidatesTokenCount"] = written
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    if "cachedContent" in body:
        usage["cachedContentTokenCount"] = min(4, prompt)
    return usage


def _tail(model, usage):
    return {"usageMetadata": usage, "modelVersion": model, "responseId": f"e2e{next(_numbers):08d}"}


def chunks(response):
    """The response in the pieces of a stream; usage grows from chunk to chunk and the last one is whole."""
    if "candidates" not in response:
        yield response
        return
    steps = _steps(response["candidates"][0])
    final = response["usageMetadata"]
    thoughts, written = final.get("thoughtsTokenCount", 0), final.get("candidatesTokenCount", 0)
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        count = written if last else written * (number + 1) // len(steps)
        usage = {**final, "totalTokenCount": final["promptTokenCount"] + count + thoughts}
        if count:
            usage["candidatesTokenCount"] = count
        else:
            usage.pop("candidatesTokenCount", None)
        made = [{**({"index": one["index"]} if "index" in one else {}), **step} for one in response["candidates"]]
        yield {**response, "candidates": copy.deepcopy(made), "usageMetadata": usage}


def _steps(candidate):
    """A candidate's pieces: thoughts and text by the word, each call whole, the end for itself with the text's seal."""
    parts, seal = candidate["content"].get("parts", []), None
    steps = []
    for part in parts:
        if "text" in part:
            seal = part.get("thoughtSignature", seal)
            bare = {name: value for name, value in part.items() if name != "thoughtSignature"}
            steps += [{"content": {"role": "model", "parts": [{**bare, "text": piece}]}} for piece in tokens(part["text"])]
        else:
            steps.append({"content": {"role": "model", "parts": [part]}})
    end = {name: value for name, value in candidate.items() if name not in ("content", "index")}
    if seal:
        steps.append({"content": {"role": "model", "parts": [{"text": "", "thoughtSignature": seal}]}, **end})
    elif steps:
        steps[-1] = {**steps[-1], **end}
    else:
        steps.append({"content": candidate["content"], **end})
    return steps


def frame(value, lines="\r\n"):
    return f"data: {json.dumps(value, ensure_ascii=False)}{lines}{lines}".encode()


def vector(text, size):
    """Numbers that depend on the text alone."""
    seed = hashlib.sha256(text.encode()).digest()
    return [round((seed[number % 32] ^ (number & 0xFF)) / 128 - 1, 6) for number in range(size)]
