# What Salesforce's Models surfaces answer. The objects called `parameters` are the model provider's own, so their
# words differ from model to model; the four styles here are OpenAI's, Anthropic's, Gemini's and Nova's.

import json
import zlib
from dataclasses import dataclass

from .convention import fragments, plan, plan_in_text, tokens

CREATED = 1767225600
WORDS = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"}
STOP_REASONS = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tool_calls": "tool_use"}


@dataclass(frozen=True)
class Style:
    """How one provider spells the end of an answer and its usage (prompt, completion, total or None)."""

    provider: str
    answering: str  # the model that the answer names
    reasons: dict
    counts: tuple
    stop_reason: bool = False  # in the outer parameters, instead of a finish_reason in the generation's

    def usage(self, made):
        values = (made.prompt_tokens, made.completion_tokens, made.total_tokens)
        return {name: value for name, value in zip(self.counts, values) if name}


OPENAI = Style("OpenAI", "gpt-4o-2024-11-20", WORDS, ("prompt_tokens", "completion_tokens", "total_tokens"))
CLAUDE = Style("Anthropic", "claude-sonnet-e2e", STOP_REASONS, ("input_tokens", "output_tokens", None), True)
GEMINI = Style("VertexAI", "gemini-e2e", {**dict.fromkeys(WORDS, "STOP"), "length": "MAX_TOKENS"},
               ("inputTokenCount", "outputTokenCount", "totalTokenCount"))
NOVA = Style("AmazonBedrock", "nova-e2e", STOP_REASONS, ("inputTokens", "outputTokens", "totalTokens"), True)


def style_of(model):
    for word, style in (("Claude", CLAUDE), ("Gemini", GEMINI), ("Nova", NOVA)):
        if word in model:
            return style
    return OPENAI


def identifier(body, prefix="chatcmpl-"):
    """The same for the same body, so that an answer can be foretold."""
    return f"{prefix}{zlib.crc32(json.dumps(body, sort_keys=True).encode()):08x}"


def outer_parameters(style, made, faults=frozenset()):
    usage = style.usage(made)
    if style is OPENAI:
        usage |= {
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
                                          "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
        }
    value = {"provider": style.provider, "model": "rerouted-model" if "rerouted" in faults else style.answering}
    if style is OPENAI:
        value |= {"created": CREATED, "object": "chat.completion", "system_fingerprint": "fp_e2e"}
    if style.stop_reason:
        value |= {"stop_reason": made.reason(style.reasons), "stop_sequence": made.stop_sequence}
    if "nousage" not in faults:
        value["usage"] = usage
    return value


def inner_parameters(style, made):
    if style.stop_reason:
        return {"index": 0}
    value = {"finish_reason": made.reason(style.reasons), "index": 0}
    if style is OPENAI:
        value |= {"refusal": None, "annotations": [], "logprobs": None}
    return value


def quality():
    return {"scanToxicity": {"isDetected": False, "categories": [{"categoryName": "hate", "score": 0.0}]}}


# -- surface A ---------------------------------------------------------------------------------------------------


def models_plan(body, faults):
    """Surface A takes neither limits nor tools: the echo only echoes, unless the prompt tells of tools."""
    if "prompt" in body:
        text = prompt = body["prompt"]
    else:
        text = next((m["content"] for m in reversed(body["messages"]) if m["role"] == "user"), "")
        prompt = "\n".join(m["content"] for m in body["messages"])
    made = plan_in_text(text, prompt)
    if "empty" in faults:
        made.text, made.completion_tokens = "", 0
    return made


def generation(body, model, faults):
    made, style, name = models_plan(body, faults), style_of(model), identifier(body)
    return {
        "id": name,
        "generation": {"id": f"{name}-0", "generatedText": made.text, "contentQuality": quality(),
                       "parameters": inner_parameters(style, made)},
        "moreGenerations": None, "prompt": None, "parameters": outer_parameters(style, made, faults),
    }


def chat_generation(body, model, faults):
    made, style, name = models_plan(body, faults), style_of(model), identifier(body)
    return {
        "id": name,
        "generationDetails": {
            "generations": [{"id": f"{name}-0", "role": "assistant", "content": made.text, "timestamp": CREATED * 1000,
                             "parameters": inner_parameters(style, made), "contentQuality": quality()}],
            "parameters": outer_parameters(style, made, faults),
        },
    }


def other_shape(body, model, faults):
    """Shapes that programs have met in place of the documented one; None if no word of the name asks for one."""
    made, style = models_plan(body, faults), style_of(model)
    inner, outer = inner_parameters(style, made), outer_parameters(style, made, faults)
    usage = {"parameters": outer}
    shapes = {
        "generatedtext": {"generation": {"generatedText": made.text, "parameters": inner}, **usage},
        "generationtext": {"generation": {"text": made.text, "parameters": inner}, **usage},
        "text": {"generations": [{"text": made.text, "parameters": inner}], **usage},
        "content": {"generations": [{"content": made.text, "parameters": inner}], **usage},
        "choices": {"choices": [{"index": 0, "message": {"role": "assistant", "content": made.text},
                                 "finish_reason": made.reason(WORDS)}], "usage": OPENAI.usage(made)},
        "anthropic": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": made.text}],
                      "stop_reason": made.reason(STOP_REASONS), "usage": CLAUDE.usage(made)},
    }
    for word, shape in shapes.items():
        if word in faults:
            return {"id": identifier(body), **shape}
    return None


def vector(text, size=8):
    """The same text gives the same direction; its length is about one."""
    seeds = [zlib.crc32(f"{index}:{text}".encode()) for index in range(size)]
    return [round((seed % 2001 - 1000) / 1000 / size**0.5, 6) for seed in seeds]


def embeddings(body):
    count = sum(len(tokens(text)) for text in body["input"])
    return {
        "embeddings": [{"embedding": vector(text), "index": index} for index, text in enumerate(body["input"])],
        "parameters": {"usage": {"prompt_tokens": count, "total_tokens": count},
                       "model": "text-embedding-ada-002-v2", "object": "list"},
    }


# -- surface B ---------------------------------------------------------------------------------------------------


def gateway_plan(body):
    messages, settings = body["messages"], body.get("generation_settings", {})
    results = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, message["content"])
    text = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    names = [tool["function"]["name"] for tool in body.get("tools", ())]
    choice = body.get("tool_config", {"mode": "auto"})
    allowed = choice.get("allowed_tools", names) if choice["mode"] != "none" else []
    return plan(
        text, "\n".join(m["content"] for m in messages), allowed, allowed[0] if choice["mode"] == "any" else None,
        results or None, settings.get("max_tokens"), settings.get("stop_sequences", ()),
    )


def invocation(call):
    return {"id": call.identifier, "function": {"name": call.name, "arguments": call.arguments}}


def gateway_answer(body, model, faults):
    made, style, name = gateway_plan(body), style_of(model), identifier(body, "g-")
    entry = {"id": f"{name}-0", "role": "assistant", "content": made.text, "parameters": inner_parameters(style, made)}
    if made.calls:
        entry["tool_invocations"] = [invocation(call) for call in made.calls]
    return {"id": name, "generation_details": {"generations": [entry],
                                               "parameters": outer_parameters(style, made, faults)}}


def frame(data, event="generation"):
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"event: {event}\ndata: {text}\n\n".encode()


def gateway_frames(body, model, faults):
    """The whole stream, one SSE event each: deltas among scores, the finish, usage alone, the end."""
    made, style, name = gateway_plan(body), style_of(model), identifier(body, "g-")

    def delta(content="", parameters=None, **members):
        entry = {"id": f"{name}-0", "role": "assistant", "content": content, "parameters": parameters or {"index": 0}}
        return frame({"id": name, "generation_details": {"generations": [{**entry, **members}], "parameters": {
            "provider": style.provider, "model": style.answering}}})

    frames = [delta(piece) for piece in made.pieces]
    for index, call in enumerate(made.calls):
        first = {"index": index, "id": call.identifier, "function": {"name": call.name, "arguments": ""}}
        frames.append(delta(tool_invocations=[first]))
        frames += [delta(tool_invocations=[{"index": index, "function": {"arguments": piece}}])
                   for piece in fragments(call.arguments)]
    frames.insert(1, frame({"id": name}, "scoringStarted"))
    outer = outer_parameters(style, made, faults)
    usage = outer.pop("usage", None)
    last = {"id": f"{name}-0", "role": "assistant", "content": "", "parameters": inner_parameters(style, made)}
    frames.append(frame({"id": name, "generation_details": {"generations": [last], "parameters": outer}}))
    frames.append(frame({"id": name, "scores": [{"categoryName": "hate", "score": 0.0}]}, "scores"))
    if usage is not None:
        frames.append(frame({"id": name, "generation_details": {"parameters": {"usage": usage}}}))
    frames.append(frame({"id": name}, "scoringCompleted"))
    return frames + [frame("[DONE]")]
