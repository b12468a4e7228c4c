# Says what a JSON body may look like, key by key, so that a mock's rules read like the service's reference. A shape
# names everything that is allowed; what it does not name is refused. Also a JSON reader that forgives nothing.

import json


class Misshapen(Exception):
    """`path` is where (`messages[0].content`), `kind` is missing, unknown, type, value,
    range (a number that is too small or too large) or json."""

    def __init__(self, path, message, kind):
        super().__init__(f"{path}: {message}" if path else message)
        self.path, self.kind = path, kind


def _no_twins(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def parse(data):
    """Bytes of UTF-8 to a value; refuses keys that stand twice, NaN and the like, and bytes that are not UTF-8."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Misshapen("", f"the body is not JSON: {error}", "json") from None


class Between:
    """A number in a range; `whole` leaves out fractions."""

    def __init__(self, least=None, most=None, whole=False):
        self.least, self.most, self.whole = least, most, whole

    def check(self, value, path):
        check(value, int if self.whole else float, path)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise Misshapen(path, f"{value} is not between {self.least} and {self.most}", "range")


class Filled:
    """A list of one shape with at least one element."""

    def __init__(self, element):
        self.element = element

    def check(self, value, path):
        check(value, [self.element], path)
        if not value:
            raise Misshapen(path, "must not be empty", "value")


class Tagged:
    """An object whose member `key` says which of several shapes it has."""

    def __init__(self, key, **shapes):
        self.key, self.shapes = key, shapes

    def check(self, value, path):
        check(value, dict, path)
        if self.key not in value:
            raise Misshapen(f"{path}.{self.key}", "is required", "missing")
        tag = value[self.key]
        if not isinstance(tag, str) or tag not in self.shapes:
            raise Misshapen(f"{path}.{self.key}", f"{tag!r} is none of {sorted(self.shapes)}", "value")
        check(value, {f"{self.key}!": str, **self.shapes[tag]}, path)


def check(value, shape, path=""):
    """Raises Misshapen unless `value` has `shape`:

    str, bool, int, float (any number), dict, list, None: that type; `object`: anything
    {"a", "b"}: one of these values; (x, y): one of these shapes; [x]: a list of x
    {"key!": x, "other": y}: an object with these members only, `!` marks the required ones
    Between, Filled, Tagged: as they say; a function (value, path): raises by itself"""
    if shape is object:
        return
    if isinstance(shape, (Between, Filled, Tagged)):
        shape.check(value, path)
    elif shape is None or isinstance(shape, type):
        _check_type(value, shape, path)
    elif isinstance(shape, (set, frozenset)):
        if isinstance(value, (dict, list)) or value not in shape or isinstance(value, bool):
            raise Misshapen(path, f"{value!r} is none of {sorted(shape)}", "value")
    elif isinstance(shape, tuple):
        _check_any(value, shape, path)
    elif isinstance(shape, list):
        _check_type(value, list, path)
        for index, element in enumerate(value):
            check(element, shape[0], f"{path}[{index}]")
    elif isinstance(shape, dict):
        _check_members(value, shape, path)
    else:
        shape(value, path)


def _check_type(value, kind, path):
    if kind is None:
        good = value is None
    elif kind is float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
    elif kind is int:
        good = isinstance(value, int) and not isinstance(value, bool)
    else:
        good = isinstance(value, kind)
    if not good:
        wanted = "null" if kind is None else kind.__name__
        raise Misshapen(path, f"{type(value).__name__} where {wanted} is wanted", "type")


def _check_any(value, shapes, path):
    """The failure told is that of the alternative which came furthest into the value."""
    failures = []
    for shape in shapes:
        try:
            return check(value, shape, path)
        except Misshapen as failure:
            failures.append(failure)
    raise max(failures, key=lambda failure: len(failure.path))


def _check_members(value, shape, path):
    _check_type(value, dict, path)
    names = {key.rstrip("!"): member for key, member in shape.items()}
    inside = f"{path}." if path else ""
    for key in shape:
        if key.endswith("!") and key[:-1] not in value:
            raise Misshapen(f"{inside}{key[:-1]}", "is required", "missing")
    for key, member in value.items():
        if key not in names:
            raise Misshapen(f"{inside}{key}", "is not known", "unknown")
        check(member, names[key], f"{inside}{key}")
