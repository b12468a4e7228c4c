# The order of tool calls and their results, which every chat dialect with a role `tool` demands alike.

from .shapes import Misshapen


def check_turns(messages, calls, result):
    """Each call is answered by one tool message directly behind. `calls(message)` gives [(id, name)], `result(message)`
    (id, name) of a tool message, the name None where the dialect has none; raises Misshapen."""
    waiting = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if message["role"] == "tool":
            identifier, name = result(message)
            called = waiting.pop(identifier, None)
            if called is None:
                raise Misshapen(path, "a tool message must follow the call that it answers", "value")
            if name not in (None, called):
                raise Misshapen(path, f"the call was one of {called!r}, not of {name!r}", "value")
            continue
        _check_none_left(waiting, path)
        if message["role"] == "assistant":
            for identifier, name in calls(message):
                if identifier in waiting:
                    raise Misshapen(path, f"two calls are named {identifier!r}", "value")
                waiting[identifier] = name
    _check_none_left(waiting, "messages")


def _check_none_left(waiting, path):
    if waiting:
        raise Misshapen(path, f"the calls {sorted(waiting)} must be followed by tool messages", "value")


def check_names(names, path="tools"):
    if len(set(names)) != len(names):
        raise Misshapen(path, "two tools have one name", "value")
