# What a request says, read out of each dialect's body as it reached a mock, so that one expectation serves every
# provider. Forgives nothing that matters: an unknown role or part is a KeyError.

import base64
import json
import re
from dataclasses import dataclass, field


@dataclass
class Reached:
    """`turns` are (user | assistant, text), consecutive ones of a side merged; `choice` is None, auto, none, required or
    the one name; `effort` is whatever the dialect says of thinking."""

    system: str = ""
    turns: list = field(default_factory=list)
    images: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    results: list = field(default_factory=list)
    tools: list = field(default_factory=list)
    choice: object = None
    parallel: object = None
    limit: object = None
    stop: list = field(default_factory=list)
    schema: object = None
    effort: object = None
    temperature: object = None

    def say(self, side, text):
        if self.turns and self.turns[-1][0] == side:
            self.turns[-1] = (side, "\n".join(filter(None, (self.turns[-1][1], text))))
        else:
            self.turns.append((side, text))

    def instruct(self, text):
        self.system = "\n".join(filter(None, (self.system, text)))


def _data_uri(url):
    kind, data = re.fullmatch(r"data:([^;]+);base64,(.+)", url).groups()
    return kind, base64.b64decode(data)


def _chat_text(reached, content):
    if not isinstance(content, list):
        return content or ""
    texts = []
    for part in content:
        if part["type"] == "image_url":
            reached.images.append(_data_uri(part["image_url"]["url"]))
        else:
            texts.append(part["text"])
    return "\n".join(texts)


def _read_text(reached):
    """Tools that were told in text: definitions in the instructions, calls and results in the turns."""
    told = re.search(r"<tools>\n(.*?)\n</tools>", reached.system, re.S)
    if told:
        reached.tools = [json.loads(line) for line in told[1].split("\n")]
        named = re.search(r"must call the tool (\S+)\.(?:\n|$)", reached.system)
        reached.choice = named[1] if named else "required" if "must call at least one tool" in reached.system else None
    for side, text in reached.turns:
        if side == "assistant":
            for block in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text, re.S):
                made = json.loads(block)
                reached.calls.append((None, made["name"], made["arguments"]))
        else:
            found = re.findall(r"<tool_response[^>]*>\n(.*?)\n</tool_response>", text, re.S)
            reached.results += [(None, result) for result in found]
    return reached


def chat(body):
    """OpenAI's chat dialect: openai, sambanova, Vertex AI's compatible endpoint."""
    reached = Reached(
        limit=body.get("max_completion_tokens") or body.get("max_tokens"), effort=body.get("reasoning_effort"),
        temperature=body.get("temperature"), parallel=body.get("parallel_tool_calls"))
    for message in body["messages"]:
        text, role = _chat_text(reached, message.get("content")), message["role"]
        if role in ("system", "developer"):
            reached.instruct(text)
        elif role == "tool":
            reached.results.append((message["tool_call_id"], text))
        else:
            reached.say({"user": "user", "assistant": "assistant"}[role], text)
        for call in message.get("tool_calls") or ():
            made = call["function"]
            reached.calls.append((call["id"], made["name"], json.loads(made["arguments"])))
    reached.tools = [tool["function"] for tool in body.get("tools", ())]
    choice, stop = body.get("tool_choice"), body.get("stop") or []
    reached.choice = choice["function"]["name"] if isinstance(choice, dict) else choice
    reached.stop = [stop] if isinstance(stop, str) else stop
    shape = body.get("response_format")
    reached.schema = shape and (shape["json_schema"]["schema"] if shape["type"] == "json_schema" else shape["type"])
    return reached


def _blocks(content):
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def messages(body):
    """Anthropic's Messages: api.anthropic.com, Vertex AI, Bedrock's form."""
    reached = Reached(limit=body.get("max_tokens"), stop=body.get("stop_sequences", []),
                      temperature=body.get("temperature"))
    reached.instruct("\n".join(block["text"] for block in _blocks(body.get("system", []))))
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            kind = block["type"]
            if kind == "text":
                reached.say(message["role"], block["text"])
            elif kind == "image":
                source = block["source"]
                reached.images.append((source["media_type"], base64.b64decode(source["data"])))
            elif kind == "tool_use":
                reached.say("assistant", "")
                reached.calls.append((block["id"], block["name"], block["input"]))
            elif kind == "tool_result":
                parts = _blocks(block["content"])
                text = "\n".join(part["text"] for part in parts if part["type"] != "image")
                reached.images += [(part["source"]["media_type"], base64.b64decode(part["source"]["data"]))
                                   for part in parts if part["type"] == "image"]
                reached.results.append((block["tool_use_id"], text))
            elif kind not in ("thinking", "redacted_thinking"):
                raise KeyError(kind)
    reached.tools = [{"name": tool["name"], "description": tool.get("description"), "parameters": tool["input_schema"]}
                     for tool in body.get("tools", ())]
    choice = body.get("tool_choice")
    if choice:
        reached.choice = {"any": "required", "tool": choice.get("name")}.get(choice["type"], choice["type"])
        reached.parallel = not choice["disable_parallel_tool_use"] if "disable_parallel_tool_use" in choice else None
    output = body.get("output_config", {})
    reached.schema = output["format"]["schema"] if "format" in output else None
    reached.effort = output.get("effort") or body.get("thinking", {}).get("budget_tokens")
    return reached


def gemini(body):
    """generateContent, of the Developer API and of Vertex AI. Calls have ids with later models only."""
    config = body.get("generationConfig", {})
    reached = Reached(limit=config.get("maxOutputTokens"), stop=config.get("stopSequences", []),
                      temperature=config.get("temperature"))
    reached.instruct("\n".join(part["text"] for part in body.get("systemInstruction", {"parts": ()})["parts"]))
    for content in body["contents"]:
        side = {"user": "user", "model": "assistant"}[content["role"]]
        for part in content["parts"]:
            if part.get("thought"):
                continue
            if "inlineData" in part:
                reached.images.append((part["inlineData"]["mimeType"], base64.b64decode(part["inlineData"]["data"])))
            elif "functionCall" in part:
                reached.say(side, "")
                call = part["functionCall"]
                reached.calls.append((call.get("id"), call["name"], call.get("args", {})))
            elif "functionResponse" in part:
                answer = part["functionResponse"]
                value = answer["response"]
                text = value["output"] if set(value) == {"output"} else json.dumps(value, ensure_ascii=False)
                reached.results.append((answer.get("id"), text))
            else:
                reached.say(side, part["text"])
    for tool in body.get("tools", ()):
        for declared in tool["functionDeclarations"]:
            reached.tools.append({**declared, "parameters": declared.get("parametersJsonSchema", declared.get("parameters"))})
    choice = body.get("toolConfig", {}).get("functionCallingConfig")
    if choice:
        names = choice.get("allowedFunctionNames")
        reached.choice = names[0] if names else {"ANY": "required"}.get(choice["mode"], choice["mode"].lower())
    reached.schema = config.get("responseJsonSchema", config.get("responseSchema"))
    if reached.schema is None and config.get("responseMimeType") == "application/json":
        reached.schema = "json_object"
    thinking = config.get("thinkingConfig", {})
    reached.effort = thinking.get("thinkingLevel") or thinking.get("thinkingBudget")
    return reached


def salesforce(body):
    """Both of Salesforce's own forms: the Models API's messages and the LLM gateway's."""
    settings = body.get("generation_settings", {})
    reached = Reached(limit=settings.get("max_tokens"), stop=settings.get("stop_sequences", []),
                      temperature=settings.get("temperature"))
    for message in body["messages"]:
        if message["role"] == "system":
            reached.instruct(message["content"])
        elif message["role"] == "tool":
            reached.results.append((message["tool_call_id"], message["content"]))
        else:
            reached.say(message["role"], message["content"])
        for call in message.get("tool_invocations", ()):
            reached.calls.append((call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])))
    reached.tools = [tool["function"] for tool in body.get("tools", ())]
    if "tool_config" in body:
        allowed = body["tool_config"].get("allowed_tools")
        mode = body["tool_config"]["mode"]
        reached.choice = allowed[0] if allowed else {"any": "required"}.get(mode, mode)
    return reached if reached.tools else _read_text(reached)


def sambaweb(body):
    return _read_text(chat(body["body"]))
