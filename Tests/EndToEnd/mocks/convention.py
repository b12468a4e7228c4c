# What every mock answers, whatever its dialect, so that one matrix of tests serves every provider. A dialect's
# answers module turns a conversation into `plan(...)` and spells the plan; nothing here knows a field name.
#
#   anything            the text of the last user turn comes back
#   call NAME {json}    a line of it, with tools at hand: that tool is called (several lines: parallel calls)
#   finish REASON       a line of it: the answer ends with exactly that reason
#
# A conversation that ends in tool results gets those results back as text, so that a loop of tools ends; a line of one
# that says `call NAME {json}` makes the next call instead, so that what one tool tells can be what the next is asked.

import itertools
import json
import re
from dataclasses import dataclass, field

_CALL = re.compile(r"call ([A-Za-z0-9_.-]+)(?: (\{.*\}))?[ \t]*")
_FINISH = re.compile(r"finish (\S+)[ \t]*")
_PIECE = re.compile(r"\s*\S+|\s+\Z")

_identifiers = itertools.count(1)


@dataclass
class Call:
    """One call of a tool: `arguments` is the JSON text, byte for byte as the user wrote it."""

    name: str
    arguments: str
    identifier: str

    @property
    def input(self):
        return json.loads(self.arguments)


@dataclass
class Plan:
    """What to answer. `finish` is stop, length, stop_sequence, tool_calls, or the reason that the user forced
    (then `forced` is set and the reason is to be spelled as it is)."""

    text: str
    calls: list = field(default_factory=list)
    finish: str = "stop"
    forced: bool = False
    stop_sequence: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total_tokens(self):
        return self.prompt_tokens + self.completion_tokens

    @property
    def pieces(self):
        """The text as deltas of one token each; joined they are the text."""
        return tokens(self.text)

    def reason(self, spelling):
        """The finish reason in a dialect's words; `spelling` maps the four of ours."""
        return self.finish if self.forced else spelling[self.finish]


def tokens(text):
    """A token is a word and the white space before it."""
    return _PIECE.findall(text)


def fragments(arguments, size=5):
    """A call's arguments in pieces, as a stream brings them."""
    return [arguments[start : start + size] for start in range(0, len(arguments), size)]


def plan(text, prompt="", tools=(), required=None, results=None, max_tokens=None, stop=(), call_prefix="call_",
         required_input="{}"):
    """text: the last user turn; prompt: all text of the conversation, for the count; tools: the names that may
    be called; required: a name that must be called, with required_input if the text does not say; results: texts of the
    tool results that end the conversation, None when it ends in a user turn; max_tokens and stop: the limits, where the
    surface has them."""
    made = Plan(text if results is None else "\n".join(results), prompt_tokens=len(tokens(prompt)))
    lines = made.text.split("\n")
    for line in lines:
        if (call := _CALL.fullmatch(line)) and call[1] in tools:
            made.calls.append(_call(call[1], call[2] or "{}", call_prefix))
    if required and results is None and not made.calls:
        made.calls.append(_call(required, required_input, call_prefix))
    if made.calls:
        made.text, made.finish = "", "tool_calls"
    _limit(made, max_tokens, stop)
    made.completion_tokens = len(made.pieces) + sum(len(tokens(call.arguments)) + 1 for call in made.calls)
    for line in lines:
        if finish := _FINISH.fullmatch(line):
            made.finish, made.forced = finish[1], True
    return made


def plan_in_text(text, prompt, **limits):
    """The same where tools are told in the prompt: a call is a block of text, and so is a result, whose lines may
    ask for the next call."""
    told = re.search(r"<tools>\n(.*?)\n</tools>", prompt, re.S)
    if not told:
        return plan(text, prompt, **limits)
    names = [json.loads(line)["name"] for line in told[1].split("\n")]
    named = re.search(r"must call the tool (\S+)\.(?:\n|$)", prompt)
    required = named[1] if named else names[0] if "must call at least one tool" in prompt else None
    said = re.sub(r"</?tool_response[^>]*>\n?", "", text).strip("\n")
    made = plan(said, prompt, tools=names, required=required, **limits)
    if made.calls:
        made.text = "\n".join(
            f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'
            for call in made.calls)
        made.calls, made.finish = [], "stop"
    return made


def _call(name, arguments, prefix):
    json.loads(arguments)  # a test that writes broken arguments wants a script, not the convention
    return Call(name, arguments, f"{prefix}{next(_identifiers):024d}")


def _limit(made, max_tokens, stop):
    """Cuts the text at the first stop sequence, then at the number of tokens."""
    found = [(made.text.find(word), word) for word in stop if word and word in made.text]
    if found:
        cut, made.stop_sequence = min(found)
        made.text, made.finish = made.text[:cut], "stop_sequence"
    if max_tokens is not None and len(made.pieces) > max_tokens:
        made.text = "".join(made.pieces[:max_tokens])
        made.finish, made.stop_sequence = "length", None
