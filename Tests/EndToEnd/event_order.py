# Whether a stream of the two dialects with named events is legal, told by its bytes: SDKs forgive what these do not.

import json

_DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "tool_use": "input_json_delta"}


def named_events(data):
    """(name, value) of each event; every one has a name, one line of data, and says its type there too."""
    text = data.decode("utf-8")
    assert "\r" not in text and text.endswith("\n\n"), text[-200:]
    found = []
    for block in text.split("\n\n")[:-1]:
        if block.startswith(":"):
            assert block == ":ka", block
            continue
        name, line = block.split("\n")
        assert name.startswith("event: ") and line.startswith("data: "), block
        value = json.loads(line[6:])
        assert value["type"] == name[7:], block
        found.append((name[7:], value))
    return found


def check_messages(data, ends_in_error=False):
    """Anthropic's order: message_start, blocks one behind the other, message_delta, message_stop; pings anywhere behind
    the start. Returns the blocks as they opened, each with the types of its deltas."""
    events = [(name, value) for name, value in named_events(data)]
    if ends_in_error:
        name, value = events.pop()
        assert name == "error" and set(value) >= {"type", "error", "request_id"}, value
        assert set(value["error"]) >= {"type", "message"}, value
        assert all(name != "error" for name, _ in events)
    if ends_in_error and not events:
        return []
    assert events[0][0] == "message_start"
    message = events[0][1]["message"]
    assert message["content"] == [] and message["stop_reason"] is None and message["role"] == "assistant"
    assert isinstance(message["usage"]["input_tokens"], int) and isinstance(message["usage"]["output_tokens"], int)
    blocks, is_open, state = [], False, "blocks"
    for name, value in events[1:]:
        if name == "ping":
            assert value == {"type": "ping"}
            continue
        if name == "content_block_start":
            assert state == "blocks" and not is_open and value["index"] == len(blocks), value
            blocks.append((value["content_block"], []))
            is_open = True
        elif name == "content_block_delta":
            assert is_open and value["index"] == len(blocks) - 1, value
            kind, seen = blocks[-1][0]["type"], blocks[-1][1]
            assert value["delta"]["type"] in (_DELTAS[kind], "signature_delta" if kind == "thinking" else None), value
            assert "signature_delta" not in seen, "a signature ends its thought"
            seen.append(value["delta"]["type"])
        elif name == "content_block_stop":
            assert is_open and value["index"] == len(blocks) - 1, value
            assert blocks[-1][0]["type"] != "thinking" or blocks[-1][1][-1] == "signature_delta"
            is_open = False
        elif name == "message_delta":
            assert not is_open and state in ("blocks", "delta"), value
            assert value["delta"]["stop_reason"] and isinstance(value["usage"]["output_tokens"], int)
            state = "delta"
        else:
            assert name == "message_stop" and state == "delta", (name, value)
            state = "over"
    assert state == "over" or ends_in_error, state
    return blocks


_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}


def check_responses(data, ends_in_error=False):
    """OpenAI's order: created, in_progress, items one behind the other with their parts, one terminal event that repeats
    the items. Returns the terminal event's response, None behind an `error`."""
    events = named_events(data)
    assert [value["sequence_number"] for _, value in events] == list(range(len(events)))
    if ends_in_error:
        name, value = events.pop()
        assert name == "error" and set(value) >= {"code", "message", "param"}, value
        return None
    assert [name for name, _ in events[:2]] == ["response.created", "response.in_progress"]
    assert all(value["response"]["status"] == "in_progress" and value["response"]["output"] == [] for _, value in events[:2])
    name, last = events[-1]
    assert last["response"]["status"] == _ENDS[name]
    assert {value["response"]["id"] for name, value in events if "response" in value} == {last["response"]["id"]}
    walk = _Items()
    for kind, value in events[2:-1]:
        walk.take(kind, value)
    assert walk.item is None or name == "response.failed", "an item is left open"
    assert walk.done == last["response"]["output"]
    return last["response"]


_TEXTS = {"response.output_text": "text", "response.refusal": "refusal", "response.function_call_arguments": "arguments",
          "response.custom_tool_call_input": "input", "response.reasoning_summary_text": "text", "response.reasoning_text": "text"}
_PARTS = {"response.content_part": "content_index", "response.reasoning_summary_part": "summary_index"}


class _Items:
    def __init__(self):
        self.done, self.item, self.part, self.parts, self.text, self.told = [], None, None, 0, "", None

    def take(self, name, value):
        kind, _, step = name.rpartition(".")
        assert value["output_index"] == len(self.done), value
        if kind == "response.output_item":
            return self.added(value["item"]) if step == "added" else self.finished(value["item"])
        assert self.item is not None and value["item_id"] == self.item["id"], value
        if kind in _PARTS:
            assert value[_PARTS[kind]] == self.parts, value
            if step == "added":
                assert self.part is None
                self.part, self.text, self.told = value["part"], "", None
            else:
                assert step == "done" and self.told is not None and self.told in value["part"].values(), value
                self.part, self.parts = None, self.parts + 1
        elif kind in _TEXTS and step == "delta":
            assert self.told is None and value["delta"]
            self.text += value["delta"]
        elif kind in _TEXTS:
            assert step == "done" and value[_TEXTS[kind]] == self.text, value
            self.told = self.text
        else:
            raise AssertionError(f"an event that nobody knows: {name}")

    def added(self, item):
        assert self.item is None and item.get("status") in ("in_progress", None), item
        self.item, self.parts, self.text, self.told = item, 0, "", None

    def finished(self, item):
        assert self.part is None and item["id"] == self.item["id"] and item["type"] == self.item["type"]
        assert item.get("status") in ("completed", "incomplete", None), item
        if item["type"] in ("function_call", "custom_tool_call"):
            assert self.told == item["arguments" if item["type"] == "function_call" else "input"]
        self.done.append(item)
        self.item = None
