# What the OpenAI mock answers: the convention's plan as OpenAI itself spells it, with every member that the official
# SDK's types demand. Pure.

import base64
import struct

from .convention import fragments, tokens
from .salesforce_answers import identifier, vector
from .sambanova_answers import make

__all__ = ["chunks", "completion", "embeddings", "make"]

CREATED = 1767225600
WORDS = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"}


def usage(body, made, seen):
    """A prompt that was there before comes out of the cache, all of it."""
    spent = len(tokens(body["reasoning_effort"])) * 8 if body.get("reasoning_effort") not in (None, "none") else 0
    return {
        "prompt_tokens": made.prompt_tokens, "completion_tokens": made.completion_tokens + spent,
        "total_tokens": made.total_tokens + spent,
        "prompt_tokens_details": {"cached_tokens": made.prompt_tokens if seen else 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": spent, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                                      "rejected_prediction_tokens": 0},
    }


def _call(call):
    return {"id": call.identifier, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def completion(body, made, seen):
    message = {"role": "assistant", "content": None if made.calls else made.text, "refusal": None, "annotations": []}
    if made.calls:
        message["tool_calls"] = [_call(call) for call in made.calls]
    return {
        "id": identifier(body), "object": "chat.completion", "created": CREATED, "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": made.reason(WORDS)}],
        "usage": usage(body, made, seen), "service_tier": "default", "system_fingerprint": "fp_e2e",
    }


def chunks(body, made, seen):
    """The JSON values of a stream, without the [DONE]."""
    wanted = (body.get("stream_options") or {}).get("include_usage")
    frame = {"id": identifier(body), "object": "chat.completion.chunk", "created": CREATED, "model": body["model"],
             "service_tier": "default", "system_fingerprint": "fp_e2e", **({"usage": None} if wanted else {})}

    def chunk(delta, finish=None):
        return {**frame, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": None if made.calls else "", "refusal": None})
    for piece in made.pieces:
        yield chunk({"content": piece})
    for index, call in enumerate(made.calls):
        opened = _call(call)
        opened["function"]["arguments"] = ""
        yield chunk({"tool_calls": [{"index": index, **opened}]})
        for piece in fragments(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, made.reason(WORDS))
    if wanted:
        yield {**frame, "choices": [], "usage": usage(body, made, seen)}


def embeddings(body):
    """One vector for each input; tokens stand for the text of their numbers."""
    given = body["input"]
    single = isinstance(given, str) or isinstance(given[0], int)
    inputs = [given] if single else given
    texts = [one if isinstance(one, str) else " ".join(map(str, one)) for one in inputs]
    count = sum(len(tokens(text)) for text in texts)
    made = [vector(text, body.get("dimensions", 1536)) for text in texts]
    if body.get("encoding_format") == "base64":
        made = [base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode() for values in made]
    return {"object": "list", "model": body["model"], "usage": {"prompt_tokens": count, "total_tokens": count},
            "data": [{"object": "embedding", "index": index, "embedding": values} for index, values in enumerate(made)]}
