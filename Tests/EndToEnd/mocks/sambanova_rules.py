# What SambaNova's API accepts, by its reference and the types of its official SDK: a parameter or a part that stands
# in neither is refused. The web session's completions are shaped in sambaweb_rules, with the same parts.

import re

from .anthropic_shapes import base64_data
from .shapes import Between, Filled, Misshapen, Tagged, check
from .turns import check_names, check_turns

CONTEXT = {"MiniMax-M2.7": 192000, "MiniMax-M3": 192000, "DeepSeek-V3.1": 128000, "DeepSeek-V3.2": 32000,
           "Meta-Llama-3.3-70B-Instruct": 128000, "gpt-oss-120b": 128000, "gemma-4-31B-it": 128000}
EMBEDDERS = ("E5-Mistral-7B-Instruct",)
REMOVED = ("DeepSeek-R1",)


def data_or_url(kind):
    """A data: URI of that kind of medium in base64, or an https URL."""

    def shape(value, path):
        check(value, str, path)
        match = re.fullmatch(rf"data:{kind}/[a-z0-9.+-]+;base64,(.+)", value)
        if match:
            base64_data(match[1], path)
        elif not re.fullmatch(r"https://[!-~]+", value):
            raise Misshapen(path, f"neither a data URI of {kind} in base64 nor an https URL", "value")

    return shape


def audio(value, path):
    check(value, str, path)
    match = re.fullmatch(r"data:audio/[a-z0-9.+-]+;base64,(.+)", value)
    if not match:
        raise Misshapen(path, "not a data URI of audio in base64", "value")
    base64_data(match[1], path)


def tool_name(value, path):
    check(value, str, path)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise Misshapen(path, f"{value!r} is no name of a tool", "value")


TEXT = Tagged("type", text={"text!": str})
PART = Tagged(
    "type", text={"text!": str}, image_url={"image_url!": {"url!": data_or_url("image")}},
    audio_content={"audio_content!": {"content!": audio}}, video_url={"video_url!": {"url!": data_or_url("video")}},
)
CALL = {"id!": str, "type!": {"function"}, "function!": {"name!": tool_name, "arguments!": str}, "index": (int, None)}
MESSAGE = Tagged(
    "role",
    system={"content!": (str, Filled(TEXT), None), "name": str},
    user={"content!": (str, Filled(PART), None), "name": str},
    assistant={"content": (str, Filled(TEXT), None), "name": str, "channel": (str, None), "reasoning": (str, None),
               "tool_calls": (Filled(CALL), None)},
    tool={"content!": (str, Filled(TEXT)), "tool_call_id!": str},
)
TOOL = {"type!": {"function"},
        "function!": {"name!": tool_name, "description": (str, None), "parameters": dict}}
FORMAT = Tagged("type", text={}, json_object={}, json_schema={"json_schema!": {
    "name!": str, "description": (str, None), "schema": object, "strict": (bool, None)}})
WHOLE = (Between(1, whole=True), None)
CHAT = {
    "model!": str, "messages!": Filled(MESSAGE), "chat_template_kwargs": ({"enable_thinking": bool}, None),
    "do_sample": (bool, None), "frequency_penalty": (Between(-2, 2), None), "logit_bias": (dict, None),
    "logprobs": (bool, None), "max_completion_tokens": WHOLE, "max_tokens": WHOLE, "n": WHOLE,
    "parallel_tool_calls": (bool, None), "presence_penalty": (Between(-2, 2), None),
    "reasoning_effort": ({"low", "medium", "high"}, None), "response_format": (FORMAT, None), "seed": (int, None),
    "stop": (str, [str], None), "stream": (bool, None), "stream_options": ({"include_usage": (bool, None)}, None),
    "temperature": (Between(0, 2), None),
    "tool_choice": ({"none", "auto", "required"}, {"type!": {"function"}, "function!": {"name!": str}}, None),
    "tools": ([TOOL], None), "top_k": WHOLE, "top_logprobs": (Between(0, 20, whole=True), None),
    "top_p": (Between(0, 1), None),
}
EMBEDDING = {"model!": str, "input!": (str, Filled(str)), "encoding_format": ({"float", "base64"}, None)}


def check_chat(body):
    """The rules that join several members; the shape has been checked."""
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Misshapen("stream_options", "only with stream", "value")
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Misshapen("max_tokens", "not together with max_completion_tokens", "value")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Misshapen("top_logprobs", "only with logprobs", "value")
    names = tool_names(body)
    check_names(names)
    choice = body.get("tool_choice")
    if choice is not None and not names:
        raise Misshapen("tool_choice", "there are no tools", "value")
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise Misshapen("tool_choice.function.name", "is not among the tools", "value")
    for index, message in enumerate(body["messages"]):
        if message["role"] == "assistant" and message.get("content") is None and not message.get("tool_calls"):
            raise Misshapen(f"messages[{index}].content", "is required without tool_calls", "missing")
    check_turns(
        body["messages"],
        lambda message: [(call["id"], call["function"]["name"]) for call in message.get("tool_calls") or ()],
        lambda message: (message["tool_call_id"], None),
    )


def tool_names(body):
    return [tool["function"]["name"] for tool in body.get("tools") or ()]
