# How a mock tells what it was sent, and a value that satisfies a JSON schema: both are the same for every dialect, so
# that one test can be run against each of them.

import base64
import re


def acknowledged(media_type, data):
    """What a mock answers to an image, a sound or a document that stood in the request (base64)."""
    kind = media_type.split("/")[0]
    return f"[{'document' if kind in ('application', 'text') else kind} {media_type} {len(base64.b64decode(data))} bytes]"


def satisfying(schema, root=None, text="text"):
    """The same value for the same schema: every property, first alternatives, `text` where a string may be free."""
    root = schema if root is None else root
    if "$ref" in schema:
        return satisfying(_referred(root, schema["$ref"]), root, text)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if schema.get("enum"):
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return satisfying(schema[word][0], root, text)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        named = schema.get("properties", {})
        wanted = schema.get("required") if "$ref" in str(named) else None  # an optional reference may lead in a circle
        return {name: satisfying(part, root, text) for name, part in named.items() if wanted is None or name in wanted}
    if kind == "array":
        return [satisfying(schema.get("items", {}), root, text)] * max(1, schema.get("minItems", 1))
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"boolean": True, "null": None}.get(kind, _string(schema, text))


def _string(schema, text):
    formats = {"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "email": "a@example.org"}
    return formats.get(schema.get("format"), text)


def _referred(root, reference):
    """`#/$defs/x` within the schema."""
    found = root
    for step in re.split("/", reference)[1:]:
        found = found[step]
    return found
