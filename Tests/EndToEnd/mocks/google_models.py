# What each generation of Gemini takes, by the beginning of its name. The strict mock refuses the rest; only the Google
# files import it.

from dataclasses import dataclass, replace

from .mock import base_name

_LEVELS = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"})


@dataclass(frozen=True)
class Capability:
    generation: str = "2.5"  # a thought signature is good for one generation only
    budget: tuple | None = (0, 24576)  # least and most of thinkingBudget; None: it is not taken
    dynamic: bool = True  # thinkingBudget -1
    levels: frozenset = frozenset()  # of thinkingLevel
    signatures: bool = False  # the first call of the current turn must carry its thoughtSignature
    call_ids: bool = False  # functionCall has an id
    candidates: int = 8
    empty_objects: bool = True  # {"type": "OBJECT", "properties": {}} as parameters
    json_with_tools: bool = False
    mixed_tools: bool = False  # built-in tools beside function declarations
    max_output: int = 65536
    embedding: int = 0  # numbers in a vector; 0: generates text
    batch: int = 250  # instances of one prediction


_SECOND = Capability(generation="2.0", budget=None, empty_objects=False, max_output=8192)
_HALF = Capability()
_THIRD = Capability(generation="3", budget=None, dynamic=False, levels=_LEVELS, signatures=True, call_ids=True,
                    candidates=1, json_with_tools=True, mixed_tools=True)

_BY_PREFIX = {
    "gemini-1.5": replace(_SECOND, generation="1.5"),
    "gemini-2.0": _SECOND,
    "gemini-2.5-flash": _HALF,
    "gemini-2.5-flash-lite": replace(_HALF, budget=(0, 24576)),
    "gemini-2.5-pro": replace(_HALF, budget=(128, 32768)),
    "gemini-3-pro": replace(_THIRD, levels=frozenset({"LOW", "HIGH"})),
    "gemini-3": _THIRD,
    "gemini-e2e": _HALF,
    "gemini-embedding-001": Capability(embedding=3072, batch=1),
    "gemini-embedding": Capability(embedding=3072),
    "text-embedding": Capability(embedding=768),
}
LISTED = ["gemini-3-pro", "gemini-3-flash", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.0-flash", "gemini-embedding-001"]
# What publishers list at Vertex AI, some of it once for each version, and much that no caller of text models can ask.
PUBLISHED = {
    "google": ["gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash", "gemini-3-pro", "imagen-4.0-generate-001", "bert-base",
               "gemini-embedding-001", "text-embedding-005"],
    "anthropic": ["claude-sonnet-4-5", "claude-haiku-4-5"],
}


def capability(model):
    """The row of the longest prefix that fits; None for a model that does not exist."""
    name = base_name(model)
    fitting = [prefix for prefix in _BY_PREFIX if name.startswith(prefix)]
    return _BY_PREFIX[max(fitting, key=len)] if fitting else None


def description(model):
    can = capability(model)
    methods = ["embedContent", "countTokens"] if can.embedding else ["generateContent", "countTokens", "createCachedContent"]
    return {"name": f"models/{model}", "version": "001", "displayName": model, "inputTokenLimit": 1048576,
            "outputTokenLimit": can.max_output, "supportedGenerationMethods": methods}


def published(publisher, model):
    return {"name": f"publishers/{publisher}/models/{model}", "versionId": "001", "openSourceCategory": "PROPRIETARY",
            "launchStage": "GA",
            "publisherModelTemplate": f"projects/{{project}}/locations/{{location}}/publishers/{publisher}/models/{model}"}
