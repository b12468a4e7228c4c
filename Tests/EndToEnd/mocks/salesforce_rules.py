# What Salesforce's two Models surfaces accept. Surface A is documented; of surface B most is known from client code
# only, so its rules are those clients' habits. Where neither says anything, a body may hold what stands here, no more.

import json
import re

from .shapes import Between, Filled, Misshapen, Tagged
from .transport import Refused
from .turns import check_names, check_turns

MODELS = frozenset("sfdc_ai__Default" + name for name in """
    BedrockAnthropicClaude3Haiku BedrockAnthropicClaude37Sonnet BedrockAnthropicClaude4Sonnet
    BedrockAnthropicClaude45Sonnet BedrockAnthropicClaude45Haiku BedrockAnthropicClaude46Sonnet
    BedrockAnthropicClaude45Opus BedrockAnthropicClaude46Opus BedrockAnthropicClaude47Opus
    BedrockAnthropicClaude48Opus BedrockAnthropicClaude5Sonnet
    GPT4Omni GPT4OmniMini OpenAIGPT4OmniMini GPT41 GPT41Mini GPT5 GPT5Mini GPT52 O3 O4Mini
    VertexAIGemini25Flash001 VertexAIGemini25FlashLite001 VertexAIGeminiPro25 VertexAIGemini30Flash
    BedrockAmazonNovaLite BedrockAmazonNovaPro
    OpenAITextEmbeddingAda_002 AzureOpenAITextEmbeddingAda_002
""".split())

APP_CONTEXT = "EinsteinGPT"
FEATURE_ID = "ai-platform-models-connected-app"

# -- surface A ---------------------------------------------------------------------------------------------------


def locale(value, path):
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2})?", value):
        raise Misshapen(path, f"{value!r} is no locale", "value")


LOCALIZATION = {
    "defaultLocale!": locale,
    "inputLocales": [{"locale!": locale, "probability!": Between(0, 1)}],
    "expectedLocales": [locale],
}
GENERATION = {"prompt!": str, "localization": LOCALIZATION, "tags": dict}
CHAT_GENERATION = {
    "messages!": Filled({"role!": {"user", "assistant", "system"}, "content!": str}),
    "localization": LOCALIZATION, "tags": dict,
}
EMBEDDING = {"input!": Filled(str), "localization": LOCALIZATION, "tags": dict}
FEEDBACK = {
    "id!": str, "generationId!": str, "feedback!": {"GOOD", "BAD"}, "feedbackText": str, "source": str,
    "appFeedback": dict,
}

# -- surface B ---------------------------------------------------------------------------------------------------


def tool_name(value, path):
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise Misshapen(path, f"{value!r} is no name of a tool", "value")


def arguments(value, path):
    """A string that holds one JSON object."""
    try:
        good = isinstance(json.loads(value), dict)
    except (TypeError, ValueError):
        good = False
    if not good:
        raise Misshapen(path, f"{value!r} is not the text of a JSON object", "value")


def schema(value, path):
    if not isinstance(value, dict) or value.get("type") != "object":
        raise Misshapen(path, "a tool's parameters are a schema of type object", "value")


INVOCATION = {"id!": str, "function!": {"name!": tool_name, "arguments!": arguments}}
TOOL = {"type!": {"function"}, "function!": {"name!": tool_name, "description": str, "parameters": schema}}
CHAT = {  # of tool_config only `auto` has been seen; its other words, and allowed_tools, are an assumption
    "model!": str,
    "messages!": Filled(Tagged(
        "role", system={"content!": str}, user={"content!": str},
        assistant={"content!": str, "tool_invocations": Filled(INVOCATION)},
        tool={"content!": str, "tool_call_id!": str, "tool_call_name!": str},
    )),
    "tools": Filled(TOOL),
    "tool_config": {"mode!": {"auto", "any", "none"}, "allowed_tools": Filled(tool_name)},
    "system_prompt_strategy": {"use_model_parameter"},
    "generation_settings": {
        "max_tokens": Between(1, 200000, whole=True), "temperature": Between(0, 2), "stop_sequences": [str],
        "frequency_penalty": Between(-2, 2), "presence_penalty": Between(-2, 2), "parameters": dict,
    },
}


def check_invocations(body):
    """Each invocation is answered directly behind, under its id and its name."""
    check_turns(
        body["messages"],
        lambda message: [(call["id"], call["function"]["name"]) for call in message.get("tool_invocations", ())],
        lambda message: (message["tool_call_id"], message["tool_call_name"]),
    )


def check_tools(body):
    names = [tool["function"]["name"] for tool in body.get("tools", ())]
    check_names(names)
    choice = body.get("tool_config", {})
    if choice and not names:
        raise Misshapen("tool_config", "there are no tools", "value")
    if unknown := set(choice.get("allowed_tools", ())) - set(names):
        raise Misshapen("tool_config.allowed_tools", f"{sorted(unknown)} are not among the tools", "value")


# -- headers -----------------------------------------------------------------------------------------------------


def check_headers(request):
    for name, wanted in (("x-sfdc-app-context", APP_CONTEXT), ("x-client-feature-id", FEATURE_ID)):
        if request.headers.get(name) != wanted:
            raise Refused(400, f"header {name} is {request.headers.get(name)!r}, not {wanted}")


def check_token(request, org):
    """The token behind Authorization. One that is no longer good is refused and nobody's fault."""
    value = request.headers.get("authorization", "")
    if not value.startswith("Bearer ") or value[7:] not in org.tokens:
        raise Refused(401, "not a token of this org", code="INVALID_SESSION_ID")
    token = org.active(value[7:])
    if token is None or token.opaque:
        raise Refused(401, "Session expired or invalid", blamed=False, code="INVALID_SESSION_ID")
    token.calls += 1
    return token
