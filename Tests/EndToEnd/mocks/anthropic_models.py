# What each generation of Claude can do, by the beginning of its name. The strict mock refuses the rest, with the
# words of the real service where they are known; only the Anthropic rules import it.

from dataclasses import dataclass, replace

from .mock import base_name


@dataclass(frozen=True)
class Capability:
    max_output: int = 64000
    sampling: bool = True  # temperature, top_p, top_k
    both_samplings: bool = False  # temperature together with top_p
    thinking: frozenset = frozenset({"enabled", "disabled"})
    effort: bool = False
    formats: bool = True  # output_config.format
    forced_tool_choice: bool = True
    prefill: bool = True
    system_turns: bool = False  # role system between the other messages


_THIRD = Capability(max_output=8192, both_samplings=True, thinking=frozenset({"disabled"}), formats=False)
_FOURTH = Capability()
_SIXTH = replace(_FOURTH, thinking=frozenset({"enabled", "adaptive", "disabled"}), effort=True, prefill=False)
_SEVENTH = replace(_SIXTH, max_output=128000, sampling=False, thinking=frozenset({"adaptive", "disabled"}),
                   system_turns=True)

_BY_PREFIX = {
    "claude-3": _THIRD,
    "claude-3-7": replace(_THIRD, max_output=64000, thinking=frozenset({"enabled", "disabled"})),
    "claude-opus-4": replace(_FOURTH, max_output=32000, formats=False),
    "claude-sonnet-4": replace(_FOURTH, formats=False),
    "claude-opus-4-5": replace(_FOURTH, effort=True),
    "claude-sonnet-4-5": _FOURTH,
    "claude-haiku-4-5": _FOURTH,
    "claude-opus-4-6": replace(_SIXTH, max_output=128000),
    "claude-sonnet-4-6": _SIXTH,
    "claude-opus-4-7": _SEVENTH,
    "claude-opus-4-8": _SEVENTH,
    "claude-opus-5": _SEVENTH,
    "claude-sonnet-5": _SEVENTH,
    "claude-opus-5-5": replace(_SEVENTH, thinking=frozenset({"adaptive"})),
    "claude-sonnet-5-5": replace(_SEVENTH, thinking=frozenset({"adaptive"}), forced_tool_choice=False),
    "claude-": _FOURTH,
}


def capability(model):
    """The row of the longest prefix that fits; None for a model that does not exist."""
    name = base_name(model)
    fitting = [prefix for prefix in _BY_PREFIX if name.startswith(prefix)]
    return _BY_PREFIX[max(fitting, key=len)] if fitting else None


LISTED = ["claude-opus-4-7", "claude-sonnet-5", "claude-sonnet-4-5", "claude-haiku-4-5", "claude-3-5-haiku"]


def description(model):
    """A model as GET /v1/models tells it."""
    return {
        "type": "model", "id": model, "display_name": model.replace("-", " ").title(), "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": 200000, "max_tokens": capability(model).max_output,
    }
