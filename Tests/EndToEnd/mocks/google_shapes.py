# The members of a Gemini request, as both products spell them. The JSON reader of the real services takes snake_case
# too; a gateway has no need of it, so here it is unknown.

import base64
import binascii
import re

from .shapes import Between, Filled, Misshapen, check

_FUNCTION = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
SENTINEL = "skip_thought_signature_validator"


def base64_data(value, path):
    check(value, str, path)
    try:
        good = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        good = b""
    if not good:
        raise Misshapen(path, f"Base64 decoding failed for {value[:20]!r}", "value")


def _function_name(value, path):
    check(value, str, path)
    if not _FUNCTION.fullmatch(value):
        raise Misshapen(path, "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, "
                              "A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.",
                        "value")


def _stops(value, path):
    check(value, [str], path)
    if len(value) > 5:
        raise Misshapen(path, "the number of stop sequences must be at most 5", "value")
    if not all(value):
        raise Misshapen(path, "a stop sequence must not be empty", "value")


_BLOB = {"mimeType!": str, "data!": base64_data}
PART = {
    "text": str, "inlineData": _BLOB, "fileData": {"mimeType": str, "fileUri!": str},
    "functionCall": {"id": str, "name!": _function_name, "args": dict},
    "functionResponse": {"id": str, "name!": _function_name, "response!": dict, "parts": [{"inlineData!": _BLOB}]},
    "executableCode": {"language!": str, "code!": str}, "codeExecutionResult": {"outcome!": str, "output": str},
    "thought": bool, "thoughtSignature": str, "videoMetadata": dict, "mediaResolution": (str, dict),
}
PAYLOADS = {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}
CONTENT = {"role!": {"user", "model"}, "parts!": [PART]}
SYSTEM = {"role": str, "parts!": Filled({"text!": str})}

_WORDS = {"format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems", "properties", "required",
          "minProperties", "maxProperties", "propertyOrdering", "minimum", "maximum", "minLength", "maxLength", "pattern",
          "example", "anyOf", "default", "type"}
_VERTEX_WORDS = {"additionalProperties", "$defs", "defs", "$ref", "ref"}


def schema(surface):
    """The subset of OpenAPI 3.0 that `parameters` and `responseSchema` take."""
    words = _WORDS | (_VERTEX_WORDS if surface == "vertex" else set())

    def one(value, path):
        check(value, dict, path)
        for word in value:
            if word not in words:
                raise Misshapen(f"{path}.{word}", "is not known", "unknown")
        kind = value.get("type", "STRING")
        if not isinstance(kind, str) or kind.upper() not in TYPES:
            raise Misshapen(f"{path}.type", f"Invalid value {kind!r}", "type")
        check({name: value[name] for name in ("enum", "required", "propertyOrdering") if name in value},
              {"enum": [str], "required": [str], "propertyOrdering": [str]}, path)
        _agreeing(value, kind.upper(), path)
        for name, part in value.get("properties", {}).items():
            one(part, f"{path}.properties.{name}")
        if "items" in value:
            one(value["items"], f"{path}.items")
        for index, part in enumerate(value.get("anyOf", ())):
            one(part, f"{path}.anyOf[{index}]")

    return one


def _agreeing(value, kind, path):
    if "enum" in value and kind != "STRING":
        raise Misshapen(f"{path}.enum", "only allowed for STRING type", "value")
    if kind == "ARRAY" and "items" not in value:
        raise Misshapen(f"{path}.items", "missing field.", "value")
    if "properties" in value and kind != "OBJECT":
        raise Misshapen(f"{path}.properties", "only allowed for OBJECT type", "value")
    for index, name in enumerate(value.get("required", ())):
        if name not in value.get("properties", {}):
            raise Misshapen(f"{path}.required[{index}]", "property is not defined", "value")


def tools(surface):
    declaration = {"name!": _function_name, "description": str, "parameters": schema(surface), "parametersJsonSchema": dict,
                   "response": schema(surface), "responseJsonSchema": dict, "behavior": {"BLOCKING", "NON_BLOCKING"}}
    return [{"functionDeclarations": Filled(declaration), "googleSearch": dict, "urlContext": {}, "codeExecution": {}}]


_CATEGORIES = {f"HARM_CATEGORY_{word}" for word in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT",
                                                   "CIVIC_INTEGRITY")}
_THRESHOLDS = {"BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"}
TASKS = {"RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING",
         "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY"}


def generation_config(surface):
    return {
        "temperature": Between(0, 2), "topP": Between(0, 1), "topK": Between(1, whole=True),
        "candidateCount": Between(1, whole=True), "maxOutputTokens": Between(1, whole=True), "stopSequences": _stops, "seed": int,
        "presencePenalty": Between(-2, 2), "frequencyPenalty": Between(-2, 2), "responseLogprobs": bool,
        "logprobs": Between(0, 20, whole=True), "responseMimeType": {"text/plain", "application/json", "text/x.enum"},
        "responseSchema": schema(surface), "responseJsonSchema": dict, "responseModalities": [{"TEXT", "IMAGE", "AUDIO"}],
        "thinkingConfig": {"includeThoughts": bool, "thinkingBudget": Between(-1, whole=True),
                           "thinkingLevel": {"MINIMAL", "LOW", "MEDIUM", "HIGH"}},
        "speechConfig": dict, "mediaResolution": str, "imageConfig": dict,
    }


def generate(surface):
    shape = {
        "contents!": [CONTENT], "systemInstruction": SYSTEM, "tools": tools(surface),
        "toolConfig": {"functionCallingConfig": {"mode": {"AUTO", "ANY", "NONE", "VALIDATED"}, "allowedFunctionNames": [str]},
                       "retrievalConfig": dict},
        "safetySettings": [{"category!": _CATEGORIES, "threshold!": _THRESHOLDS}],
        "generationConfig": generation_config(surface), "cachedContent": str,
    }
    return {**shape, "labels": dict} if surface == "vertex" else shape


def count(surface):
    if surface == "vertex":
        return {"contents!": [CONTENT], "systemInstruction": SYSTEM, "tools": tools(surface),
                "generationConfig": generation_config(surface)}
    return {"contents": [CONTENT], "generateContentRequest": {"model!": str, **generate(surface)}}


EMBED = {"model": str, "content!": {"role": str, "parts!": Filled({"text!": str})}, "taskType": TASKS, "title": str,
         "outputDimensionality": Between(1, whole=True)}
BATCH = {"requests!": Filled({**EMBED, "model!": str})}
PREDICT = {"instances!": Filled({"content!": str, "task_type": TASKS, "title": str}),
           "parameters": {"outputDimensionality": Between(1, whole=True), "autoTruncate": bool}}
