# The rules of a Gemini request that join several of its members, in the words of the real services where they are
# known. Pure: a body in, Refused or nothing out.

import base64
import hashlib
import hmac
import re

from . import google_shapes as shapes
from .google_models import capability
from .shapes import Misshapen, check
from .transport import Refused

_SECRET = b"only this mock can sign its thoughts"


def signature(surface, generation):
    """A thought signature: good on one surface, for one generation of models."""
    seal = hmac.new(_SECRET, f"{surface} {generation}".encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x12" + seal).decode()


def invalid(message):
    return Refused(400, message)


def _snake(path):
    return re.sub(r"([A-Z])", lambda letter: "_" + letter[1].lower(), path)


def spelled(failure):
    """A Misshapen in the words of the JSON reader of the real services."""
    parent, _, name = failure.path.rpartition(".")
    text = str(failure).removeprefix(f"{failure.path}: ")
    if failure.kind == "unknown":
        place = f" at '{_snake(parent)}'" if parent else ""
        return invalid(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.')
    if failure.kind == "type":
        return invalid(f"Invalid value at '{_snake(failure.path)}': {text}")
    if failure.kind == "missing":
        return invalid(f"* {_snake(failure.path)}: {_snake(name)} is not specified")
    return invalid(f"* GenerateContentRequest.{_snake(failure.path)}: {text}")


def take(body, shape):
    try:
        check(body, shape)
    except Misshapen as failure:
        raise spelled(failure) from None


def generating(model, verb="generateContent"):
    can = capability(model)
    if can is None or can.embedding:
        raise Refused(404, f"models/{model} is not found for API version v1beta, or is not supported for {verb}. Call ListModels "
                           "to see the list of available models and their supported methods.")
    return can


def check_generate(body, model, surface):
    can = generating(model)
    take(body, shapes.generate(surface))
    check_contents(body["contents"], can, surface)
    declared = _check_tools(body, can)
    _check_tool_config(body, declared)
    _check_config(body, can, declared)


# -- contents --------------------------------------------------------------------------------------------------------


def check_contents(contents, can, surface):
    if not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified")
    for number, content in enumerate(contents):
        _check_parts(content, f"contents[{number}]", surface)
    roles = [content["role"] for content in contents]
    if roles[0] != "user":
        raise invalid("Please ensure that multiturn requests start with a user role.")
    if any(first == second for first, second in zip(roles, roles[1:])):
        raise invalid("Please ensure that multiturn requests alternate between user and model.")
    if roles[-1] != "user":
        raise invalid("Please ensure that multiturn requests end with a user role or a function response.")
    for before, after in zip([{"parts": []}, *contents], [*contents, {"parts": []}]):
        _check_pair(before, after)
    _check_signatures(contents, can, surface)


def _check_parts(content, path, surface):
    if not content["parts"]:
        raise invalid(f"* GenerateContentRequest.{path}.parts: contents.parts must not be empty.")
    for number, part in enumerate(content["parts"]):
        payloads = shapes.PAYLOADS & part.keys()
        place = f"{path}.parts[{number}]"
        if not payloads:
            raise invalid(f"* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field")
        if len(payloads) > 1:
            raise invalid(f"Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set '{max(payloads)}'")
        if part.get("text") == "" and "thoughtSignature" not in part:
            raise invalid("Unable to submit request because it has an empty text parameter. Add a value to the parameter and "
                          "try again.")
        wrong = {"user": {"functionCall"}, "model": {"functionResponse"}}[content["role"]] & payloads
        if wrong:
            raise invalid(f"{place}: {max(wrong)} is not allowed in a content of role {content['role']}")
        _check_file(part.get("fileData"), place, surface)


def _check_file(file, place, surface):
    if file is None:
        return
    if surface == "vertex" and "mimeType" not in file:
        raise invalid(f"{place}: mimeType parameter is required for fileData")
    own = ("https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/")
    if surface != "vertex" and not file["fileUri"].startswith(own):
        raise invalid(f"Unsupported file URI: {file['fileUri']}")


def _check_pair(before, after):
    """Calls and their answers: as many, in the same order, by the same names and ids, at once."""
    calls = [part["functionCall"] for part in before["parts"] if "functionCall" in part]
    answers = [part["functionResponse"] for part in after["parts"] if "functionResponse" in part]
    if answers and not calls:
        raise invalid("Please ensure that function response turn comes immediately after a function call turn.")
    if len(calls) != len(answers):
        raise invalid("Please ensure that the number of function response parts is equal to the number of function call parts of "
                      "the function call turn.")
    for call, answer in zip(calls, answers):
        if call["name"] != answer["name"]:
            raise invalid(f"function response {answer['name']!r} where the function call was {call['name']!r}")
        if call.get("id") != answer.get("id"):
            raise invalid(f"function response id {answer.get('id')!r} where the function call has {call.get('id')!r}")


def _check_signatures(contents, can, surface):
    good = {signature(surface, can.generation), shapes.SENTINEL}
    asked = [number for number, content in enumerate(contents)
             if content["role"] == "user" and not any("functionResponse" in part for part in content["parts"])]
    current = asked[-1] if asked else 0
    for number, content in enumerate(contents):
        for place, part in enumerate(content["parts"]):
            if "thoughtSignature" in part and part["thoughtSignature"] not in good:
                raise invalid(f"Invalid/Corrupted thought signature in contents[{number}].parts[{place}].")
        calls = [part for part in content["parts"] if "functionCall" in part]
        if can.signatures and number > current and calls and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"]["name"]
            raise invalid("Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
                          f"correctly. Function call `default_api:{name}`, position {number + 1}.")


# -- tools and configuration -----------------------------------------------------------------------------------------


def _check_tools(body, can):
    """The names of the declared functions."""
    tools = body.get("tools", [])
    declarations = [declaration for tool in tools for declaration in tool.get("functionDeclarations", ())]
    names = [declaration["name"] for declaration in declarations]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate function declaration found: {name}")
    for number, declaration in enumerate(declarations):
        place = f"tools[0].function_declarations[{number}]"
        if "parameters" in declaration and "parametersJsonSchema" in declaration:
            raise invalid(f"{place}: only one of parameters and parameters_json_schema may be set")
        schema = declaration.get("parameters", declaration.get("parametersJsonSchema"))
        if schema is None:
            continue
        if str(schema.get("type", "object")).upper() != "OBJECT":
            raise invalid(f"* GenerateContentRequest.{place}.parameters: schema type must be OBJECT")
        if not can.empty_objects and not schema.get("properties"):
            raise invalid(f"* GenerateContentRequest.{place}.parameters.properties: should be non-empty for OBJECT type")
    built_in = {name for tool in tools for name in tool if name != "functionDeclarations"}
    if names and built_in and not can.mixed_tools:
        raise invalid("Tool use with function calling is unsupported: multiple tools are supported only when they are all search "
                      "tools.")
    return names


def _check_tool_config(body, declared):
    config = body.get("toolConfig", {}).get("functionCallingConfig")
    if config is None:
        return
    if not declared:
        raise invalid("Function calling config is set without function_declarations.")
    allowed = config.get("allowedFunctionNames")
    if allowed is not None and config.get("mode") not in ("ANY", "VALIDATED"):
        raise invalid("Allowed function names should only be set when function calling mode is ANY.")
    for name in allowed or ():
        if name not in declared:
            raise invalid(f"allowed_function_names: {name} is not a declared function")


def _check_config(body, can, declared):
    config = body.get("generationConfig", {})
    if config.get("candidateCount", 1) > can.candidates:
        raise invalid(f"Only {can.candidates} candidate(s) can be specified for this model")
    if config.get("maxOutputTokens", 1) > can.max_output:
        raise invalid(f"Unable to submit request because it has a maxOutputTokens value of {config['maxOutputTokens']} but the "
                      f"supported range is from 1 (inclusive) to {can.max_output + 1} (exclusive).")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise invalid("logprobs is only allowed when response_logprobs is true")
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise invalid("only one of response_schema and response_json_schema may be set")
    mime = config.get("responseMimeType", "text/plain")
    if ("responseSchema" in config or "responseJsonSchema" in config) and mime == "text/plain":
        raise invalid("response_schema is only allowed with response_mime_type application/json or text/x.enum")
    if mime == "application/json" and declared and not can.json_with_tools:
        raise invalid("Function calling with a response mime type: 'application/json' is unsupported")
    _check_thinking(config.get("thinkingConfig"), can)


def _check_thinking(thinking, can):
    if thinking is None:
        return
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level is not None:
        raise invalid("You can only set only one of thinking budget and thinking level.")
    if can.budget is None and not can.levels:
        raise invalid("Thinking is not supported by this model.")
    if level is not None and level not in can.levels:
        raise invalid(f"Thinking level {level} is not supported for this model.")
    if budget is None:
        return
    if can.budget is None:
        raise invalid("Thinking budget is not supported for this model. Please use thinking level.")
    if not (budget == -1 and can.dynamic) and not can.budget[0] <= budget <= can.budget[1]:
        raise invalid(f"The thinking budget {budget} is invalid. Please choose a value between {can.budget[0]} and {can.budget[1]}.")


# -- the smaller calls -----------------------------------------------------------------------------------------------


def check_count(body, model, surface):
    can = generating(model, "countTokens")
    take(body, shapes.count(surface))
    if "generateContentRequest" in body:
        if "contents" in body:
            raise invalid("only one of contents and generate_content_request may be set")
        inner = {name: value for name, value in body["generateContentRequest"].items() if name != "model"}
        if body["generateContentRequest"]["model"] != f"models/{model}":
            raise invalid("the model in generate_content_request does not match the model in the path")
        check_generate(inner, model, surface)
    else:
        check_contents(body.get("contents", []), can, surface)


def check_embed(body, model, batch):
    """Raises Refused, or gives the single requests."""
    embedding(model)
    take(body, shapes.BATCH if batch else shapes.EMBED)
    requests = body["requests"] if batch else [body]
    if len(requests) > 100:
        raise invalid("at most 100 requests can be in one batch")
    for request in requests:
        if request.get("model", f"models/{model}") != f"models/{model}":
            raise invalid("the model of a request does not match the model in the path")
        _check_title(request.get("title"), request.get("taskType"))
    return requests


def check_predict(body, model):
    can = embedding(model)
    take(body, shapes.PREDICT)
    if len(body["instances"]) > can.batch:
        raise invalid(f"{len(body['instances'])} instance(s) is over the limit of {can.batch} per prediction request")
    for instance in body["instances"]:
        _check_title(instance.get("title"), instance.get("task_type"))


def _check_title(title, task):
    if title is not None and task != "RETRIEVAL_DOCUMENT":
        raise invalid("title is only allowed with the task type RETRIEVAL_DOCUMENT")


def embedding(model):
    can = capability(model)
    if can is None or not can.embedding:
        raise Refused(404, f"models/{model} is not found for API version v1beta, or is not supported for embedContent.")
    return can
