# Proves the checker of JSON shapes: whatever a shape does not name is refused, and the place is told.

import pytest

from mocks.shapes import Between, Filled, Misshapen, Tagged, check, parse

SHAPE = {
    "model!": str, "n": Between(1, 4, whole=True), "heat": (Between(0, 2), None), "mode": {"auto", "none"},
    "flag": bool, "items": Filled({"id!": int}), "free": dict, "any": object,
    "part": Tagged("type", text={"text!": str}, image={"url!": str}), "stop": (str, [str], None),
}
GOOD = {"model": "m", "n": 1, "heat": 0.5, "mode": "auto", "flag": True, "items": [{"id": 7}], "free": {"x": []},
        "any": [None], "part": {"type": "text", "text": "a"}, "stop": ["a"]}


def test_a_good_value_passes():
    check(GOOD, SHAPE)
    check({"model": "m", "heat": None, "stop": None}, SHAPE)


@pytest.mark.parametrize("change, path, kind", [
    ({"model": None}, "model", "type"), ({"other": 1}, "other", "unknown"), ({"n": 0}, "n", "range"),
    ({"n": 1.0}, "n", "type"), ({"n": True}, "n", "type"), ({"heat": 2.5}, "heat", "range"),
    ({"heat": "1"}, "heat", "type"), ({"mode": "any"}, "mode", "value"), ({"mode": ["auto"]}, "mode", "value"),
    ({"flag": 1}, "flag", "type"), ({"items": []}, "items", "value"),
    ({"items": [{"id": 1}, {}]}, "items[1].id", "missing"),
    ({"items": [{"id": 1, "x": 2}]}, "items[0].x", "unknown"), ({"items": {}}, "items", "type"),
    ({"free": []}, "free", "type"), ({"part": {"text": "a"}}, "part.type", "missing"),
    ({"part": {"type": "audio"}}, "part.type", "value"),
    ({"part": {"type": "image", "text": "a"}}, "part.url", "missing"),
    ({"stop": [1]}, "stop[0]", "type"), ({"stop": 1}, "stop", "type"),
])
def test_each_wrong_member_is_told_by_its_place(change, path, kind):
    with pytest.raises(Misshapen) as failure:
        check({**GOOD, **change}, SHAPE)
    assert (failure.value.path, failure.value.kind) == (path, kind)


def test_a_missing_member_is_told():
    with pytest.raises(Misshapen, match="model: is required"):
        check({}, SHAPE)


@pytest.mark.parametrize("data", [
    b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b"\xff", b"{", b'{"a":1} x', b"", b"[" * 99999,
])
def test_json_is_read_without_forgiving(data):
    with pytest.raises(Misshapen):
        parse(data)


def test_json_is_read():
    assert parse('{"a": "Köln"}'.encode()) == {"a": "Köln"}
