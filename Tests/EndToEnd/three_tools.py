# A task of three tools, each asked what the one before it told: what an agent, whosever it is, must bring to its end
# over every provider. The mocks play the model: a tool's result says which call it leads to (mocks/convention.py).

import json

TASK = 'call locate {"person": "Ada"}'
STEPS = [("locate", "Ada"), ("weather", "Adaton"), ("pack", "rain in Adaton")]
ANSWER = "an umbrella against rain in Adaton"


def functions():
    """(what is called, filled as it happens; the three functions)."""
    made = []

    def locate(person: str) -> str:
        """Tells where somebody lives."""
        made.append(("locate", person))
        return f"call weather {json.dumps({'town': person + 'ton'})}"

    def weather(town: str) -> str:
        """Tells the weather of a town."""
        made.append(("weather", town))
        return f"call pack {json.dumps({'sky': 'rain in ' + town})}"

    def pack(sky: str) -> str:
        """Tells what to take along under such a sky."""
        made.append(("pack", sky))
        return f"an umbrella against {sky}"

    return made, [locate, weather, pack]


DEFINITIONS = [
    {"type": "function", "function": {"name": name, "description": description, "parameters": {
        "type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}}}
    for name, argument, description in (
        ("locate", "person", "Tells where somebody lives."), ("weather", "town", "Tells the weather of a town."),
        ("pack", "sky", "Tells what to take along under such a sky."))]
