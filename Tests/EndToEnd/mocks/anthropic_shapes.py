# The members of an Anthropic request that may be there at all: what a shape does not name is an extra input.
# The rules that need more than one member to be seen are in anthropic_rules.py.

import base64
import binascii
import re

from .shapes import Between, Misshapen, Tagged, check

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]+")
_SERVER_TOOL = re.compile(r"[a-z_]+_20\d{6}")
BETA = re.compile(r"[a-z0-9-]+-20\d\d(-\d\d-\d\d|\d{4})")


def matching(pattern):
    def shape(value, path):
        check(value, str, path)
        if not pattern.fullmatch(value):
            raise Misshapen(path, f"String should match pattern '^{pattern.pattern}$'", "value")

    return shape


def base64_data(value, path):
    check(value, str, path)
    try:
        good = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        good = b""
    if not good:
        raise Misshapen(path, "invalid base64 data", "value")


def filled_text(value, path):
    check(value, str, path)
    if not value:
        raise Misshapen(path, "text content blocks must be non-empty", "value")
    if not value.strip():
        raise Misshapen(path, "text content blocks must contain non-whitespace text", "value")


def _tool(value, path):
    check(value, dict, path)
    kind = value.get("type", "custom")
    if kind is None or kind == "custom":
        check(value, CUSTOM_TOOL, f"{path}.custom")
    elif not (isinstance(kind, str) and _SERVER_TOOL.fullmatch(kind)):
        raise Misshapen(f"{path}.type", f"Input tag '{kind}' does not match any of the expected tags", "value")
    else:
        check(value.get("name"), TOOL_NAME, f"{path}.{kind}.name")


def _metadata(value, path):
    check(value, {"user_id": (str, None)}, path)
    if len(value.get("user_id") or "") > 256:
        raise Misshapen(f"{path}.user_id", "String should have at most 256 characters", "value")


def _stop(value, path):
    check(value, str, path)
    if not value.strip():
        raise Misshapen("stop_sequences", "each stop sequence must contain non-whitespace", "value")


TOOL_NAME, TOOL_ID = matching(_TOOL_NAME), matching(_IDENTIFIER)
CACHED = {"cache_control": ({"type!": {"ephemeral"}, "ttl": {"5m", "1h"}}, None)}
CITED = {"citations": (list, dict, None)}
TEXT = {"text!": filled_text, **CACHED, **CITED}
SYSTEM_BLOCK = Tagged("type", text=TEXT)
IMAGE = {**CACHED, "source!": Tagged(
    "type", base64={"media_type!": {"image/jpeg", "image/png", "image/gif", "image/webp"}, "data!": base64_data},
    url={"url!": str}, file={"file_id!": str})}
DOCUMENT = {**CACHED, **CITED, "title": (str, None), "context": (str, None), "source!": Tagged(
    "type", base64={"media_type!": {"application/pdf"}, "data!": base64_data},
    text={"media_type!": {"text/plain"}, "data!": str}, url={"url!": str}, file={"file_id!": str}, content={"content!": (str, list)})}
SEARCH = {**CACHED, **CITED, "source!": str, "title!": str, "content!": [SYSTEM_BLOCK]}
TOOL_RESULT = {**CACHED, "tool_use_id!": TOOL_ID, "is_error": (bool, None), "content": (
    str, [Tagged("type", text=TEXT, image=IMAGE, document=DOCUMENT, search_result=SEARCH)], None)}
SERVER_TOOL = {**CACHED, "id!": TOOL_ID, "name!": str, "input!": dict}
USER_BLOCK = Tagged("type", text=TEXT, image=IMAGE, document=DOCUMENT, search_result=SEARCH, tool_result=TOOL_RESULT)
ASSISTANT_BLOCK = Tagged(
    "type", text=TEXT, tool_use={**CACHED, "id!": TOOL_ID, "name!": TOOL_NAME, "input!": dict},
    thinking={"thinking!": str, "signature!": str}, redacted_thinking={"data!": str}, server_tool_use=SERVER_TOOL,
    web_search_tool_result={**CACHED, "tool_use_id!": TOOL_ID, "content!": object})
CUSTOM_TOOL = {
    **CACHED, "type": ({"custom"}, None), "name!": TOOL_NAME, "description": str, "input_schema!": dict, "strict": bool,
    "input_examples": [dict], "eager_input_streaming": (bool, None), "defer_loading": bool}
PARALLEL = {"disable_parallel_tool_use": bool}
TOOL_CHOICE = Tagged("type", auto=PARALLEL, any=PARALLEL, tool={"name!": TOOL_NAME, **PARALLEL}, none={})
DISPLAY = {"display": ({"summarized", "omitted"}, None)}
THINKING = Tagged("type", enabled={"budget_tokens!": Between(1024, whole=True), **DISPLAY}, adaptive=DISPLAY, disabled={})
OUTPUT = {"effort": ({"low", "medium", "high", "xhigh", "max"}, None),
          "format": (Tagged("type", json_schema={"schema!": dict}), None)}

COUNTED = {
    "model!": str, "messages!": [{"role!": {"user", "assistant", "system"}, "content!": (str, list)}],
    "system": (str, [SYSTEM_BLOCK]), "tools": [_tool], "tool_choice": TOOL_CHOICE, "thinking": THINKING,
    "output_config": OUTPUT, **CACHED}
MESSAGES = {
    **COUNTED, "max_tokens!": Between(0, whole=True), "temperature": Between(0, 1), "top_p": Between(0, 1),
    "top_k": Between(0, whole=True), "stop_sequences": [_stop], "stream": bool, "metadata": _metadata,
    "service_tier": {"auto", "standard_only"}, "container": (str, dict, None), "inference_geo": (str, None)}
BETA_MEMBERS = {"context_management": (dict, None), "mcp_servers": [dict], "speed": ({"standard", "fast"}, None)}
VERTEX = {"anthropic_version!": {"vertex-2023-10-16", "2026-10-21"},  # SDK 2 and later send the second
          "anthropic_beta": [matching(BETA)]}
BEDROCK = {"anthropic_version!": {"bedrock-2023-05-31"}, "anthropic_beta": [matching(BETA)]}


def shape(surface, betas=False, counting=False):
    """The request's shape on `surface`: "api", or "vertex" and "bedrock", where the model is named in the path."""
    members = {**(COUNTED if counting else MESSAGES)}
    if betas:
        members |= BETA_MEMBERS
    if surface == "vertex":
        members |= VERTEX
        if not counting:  # on Vertex count-tokens has its model in the body
            del members["model!"]
    if surface == "bedrock":  # whether the answer is a stream, is said in the path too
        members |= BEDROCK
        del members["model!"], members["stream"]
    return members
