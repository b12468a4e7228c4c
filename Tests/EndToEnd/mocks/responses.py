# OpenAI's Responses mock: POST /v1/responses of api.openai.com, stateless, for the relay lane. Shapes are those of the
# public reference; what it answers is made in responses_answers. Thoughts come back as they were issued or not at all.
#
# Words in a model's name: those of mocks/mock.py and mocks/routed.py, and the statuses of mocks/openai.py.

from .openai import OPENAI_KEY, STATUS_FAULTS, OpenAIExchange
from .responses_answers import events, make, proof, response
from .routed import RoutedMock
from .sambanova_rules import tool_name
from .service import event
from .shapes import Between, Filled, Misshapen, Tagged, check
from .transport import Refused
from .turns import check_names

_PARTS = Filled(Tagged(
    "type", input_text={"text!": str}, input_image={"image_url": (str, None), "file_id": (str, None),
                                                    "detail": {"auto", "low", "high", "original"}},
    input_file={"file_id": str, "file_data": str, "file_url": str, "filename": str},
    output_text={"text!": str, "annotations": list, "logprobs": list}, refusal={"refusal!": str}))
_STATUS = {"in_progress", "completed", "incomplete"}
_OUTPUT = {"call_id!": str, "output!": (str, _PARTS), "id": (str, None), "status": (_STATUS, None)}
_MESSAGE = {"type": {"message"}, "role!": {"user", "assistant", "system", "developer"}, "content!": (str, _PARTS),
            "id": str, "status": _STATUS, "phase": (str, None)}
_ITEM = Tagged(
    "type", message={name: shape for name, shape in _MESSAGE.items() if name != "type"},
    function_call={"call_id!": str, "name!": tool_name, "arguments!": str, "id": str, "status": _STATUS,
                   "namespace": (str, None)},
    function_call_output=_OUTPUT, custom_tool_call_output=_OUTPUT,
    custom_tool_call={"call_id!": str, "name!": tool_name, "input!": str, "id": str, "status": _STATUS},
    reasoning={"summary!": [{"type!": {"summary_text"}, "text!": str}], "id": str, "content": (list, None),
               "encrypted_content": (str, None), "status": (_STATUS, None)},
    web_search_call={"id!": str, "status!": str, "action": dict})


def _item(value, path):
    check(value, _ITEM if isinstance(value, dict) and "type" in value else _MESSAGE, path)


_TOOL = Tagged(
    "type", function={"name!": tool_name, "description": (str, None), "parameters": (dict, None), "strict": (bool, None),
                      "defer_loading": bool},
    custom={"name!": tool_name, "description": str, "format": dict}, web_search={"external_web_access": bool},
    local_shell={}, namespace={"name!": str, "description": str, "tools!": [dict]})
_FORMAT = Tagged("type", text={}, json_object={}, json_schema={
    "name!": tool_name, "schema!": dict, "description": str, "strict": (bool, None)})
BODY = {
    "model!": str, "input!": (str, Filled(_item)), "instructions": (str, None), "stream": (bool, None),
    "max_output_tokens": (Between(1, whole=True), None), "tools": [_TOOL], "parallel_tool_calls": (bool, None),
    "tool_choice": ({"none", "auto", "required"}, Tagged("type", function={"name!": str}, custom={"name!": str})),
    "text": {"format": _FORMAT, "verbosity": {"low", "medium", "high"}}, "temperature": (Between(0, 2), None),
    "reasoning": ({"effort": (str, None), "summary": ({"auto", "concise", "detailed"}, None)}, None),
    "include": ([{"reasoning.encrypted_content"}], None), "store": (bool, None), "metadata": (dict, None),
    "previous_response_id": (str, None), "prompt_cache_key": (str, None), "safety_identifier": str, "user": str,
    "prompt_cache_retention": ({"in_memory", "24h"}, None),
    "service_tier": (str, None), "truncation": ({"auto", "disabled"}, None), "stream_options": (dict, None),
    "client_metadata": dict, "top_p": (Between(0, 1), None),
}


class ResponsesMock(RoutedMock):
    """`url` ends in /v1."""

    exchange_type = OpenAIExchange
    base_path = "/v1"
    script_prefix = "gpt-5"
    status_faults = STATUS_FAULTS
    routes = (("POST", "/v1/responses", "responses"),)

    def __init__(self, certificates, key=OPENAI_KEY):
        super().__init__(certificates)
        self.key = key

    def answer_refusal(self, exchange, refusal, headers):
        details = refusal.details
        exchange.error(refusal.status, str(refusal), details.get("code"), details.get("type", "invalid_request_error"),
                       details.get("path"), headers)

    def check_responses(self, exchange):
        if exchange.request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, "Incorrect API key provided", code="invalid_api_key")
        exchange.model = exchange.body.get("model")
        body = self.shaped_body(exchange, BODY)
        if body.get("previous_response_id"):
            raise Refused(400, "Previous response not found.", blamed=False, code="previous_response_not_found")
        check_names([tool["name"] for tool in body.get("tools", ()) if tool["type"] in ("function", "custom")])
        if isinstance(body["input"], list):
            _check_items(body["input"])
        self.check_accept(exchange.request, "text/event-stream" if body.get("stream") else "application/json")
        return exchange.model

    def answer_responses(self, exchange):
        made = make(exchange.body)
        if not exchange.body.get("stream"):
            exchange.answer(response(exchange.body, made), headers=[("x-request-id", "req_mock")])
            return
        frames = [f"event: {value['type']}\n".encode() + event(value) for value in events(exchange.body, made)]
        failure = b"event: error\n" + event({"type": "error", "code": "server_error", "message": "The model went away.",
                                             "param": None, "sequence_number": 3})
        exchange.play(frames, failure, [b": a comment\n\n"], headers=[("x-request-id", "req_mock")])


def _check_items(items):
    """Each call has its output somewhere behind it, each output its call; thoughts are as they were issued."""
    waiting = {}
    for index, item in enumerate(items):
        path, kind = f"input[{index}]", item.get("type", "message")
        if kind in ("function_call", "custom_tool_call"):
            waiting[item["call_id"]] = kind
        elif kind in ("function_call_output", "custom_tool_call_output"):
            if waiting.pop(item["call_id"], None) != kind.removesuffix("_output"):
                raise Misshapen(path, f"No tool call found for {kind} with call_id {item['call_id']}.", "value")
        elif kind == "reasoning":
            text = "".join(part["text"] for part in item["summary"])
            if item.get("encrypted_content") not in (None, proof(text)):
                raise Misshapen(path, "The encrypted content could not be verified.", "value")
    if waiting:
        raise Misshapen("input", f"No tool output found for function call {sorted(waiting)[0]}.", "value")
