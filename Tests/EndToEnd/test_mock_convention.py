# Proves what all mocks share: the convention by which a request says what its answer is to be.

import json

import pytest

from mocks.convention import fragments, plan, tokens


def test_the_last_user_text_comes_back_and_usage_adds_up():
    made = plan("Grüße an  alle\n", prompt="Be brief. Grüße an  alle\n")
    assert (made.text, made.calls, made.finish) == ("Grüße an  alle\n", [], "stop")
    assert "".join(made.pieces) == made.text and len(made.pieces) > 2
    assert made.total_tokens == made.prompt_tokens + made.completion_tokens == 6 + 4


@pytest.mark.parametrize("text", ["", " ", "a", " a", "a b ", "\n\na\n", "a\tb", "👋 é"])
def test_tokens_lose_nothing(text):
    assert "".join(tokens(text)) == text


def test_lines_call_tools_only_when_the_tools_are_there():
    text = 'call wx {"c": "Köln"}\ncall clock\ncall unknown {}'
    made = plan(text, tools=("wx", "clock"))
    assert [(call.name, call.arguments) for call in made.calls] == [("wx", '{"c": "Köln"}'), ("clock", "{}")]
    assert made.finish == "tool_calls" and made.text == "" and made.completion_tokens > 0
    assert made.calls[0].identifier != made.calls[1].identifier and made.calls[0].input == {"c": "Köln"}
    assert "".join(fragments(made.calls[0].arguments)) == '{"c": "Köln"}'
    assert plan(text).text == text and plan(text).finish == "stop"
    with pytest.raises(json.JSONDecodeError):
        plan("call wx {broken}", tools=("wx",))


def test_a_required_tool_is_called_and_results_end_the_loop():
    assert [call.name for call in plan("Hi", tools=("wx",), required="wx").calls] == ["wx"]
    made = plan("call wx {}", tools=("wx",), required="wx", results=["4C", "rain"])
    assert (made.text, made.calls, made.finish) == ("4C\nrain", [], "stop")


def test_limits_are_honoured():
    cut = plan("one two STOP three END", stop=("END", "STOP"))
    assert (cut.text, cut.finish, cut.stop_sequence) == ("one two ", "stop_sequence", "STOP")
    short = plan("one two three", max_tokens=2)
    assert (short.text, short.finish, short.completion_tokens) == ("one two", "length", 2)
    assert plan("one two", max_tokens=2).finish == "stop"
    first = plan("one two three END", max_tokens=1, stop=("END",))
    assert (first.text, first.finish, first.stop_sequence) == ("one", "length", None)


def test_a_finish_reason_is_forced_and_spelled_as_it_is():
    spelling = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tool_calls": "tool_use"}
    assert plan("Hi").reason(spelling) == "end_turn"
    assert plan("Hi\nfinish content_filter").reason(spelling) == "content_filter"
    assert plan("call wx {}", tools=("wx",)).reason(spelling) == "tool_use"
