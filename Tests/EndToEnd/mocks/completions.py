# OpenAI's older text completions as it takes and answers them: the shapes of a request, and answers made by the
# convention. The prompt's own text comes back, behind the prompt itself where `echo` asks for it. Pure.

from .convention import plan, tokens
from .salesforce_answers import identifier
from .shapes import Between, Filled, Misshapen

WHOLE = (Between(1, whole=True), None)
COMPLETION = {
    "model!": str, "prompt!": (str, Filled(str), Filled(int), Filled(Filled(int)), None), "suffix": (str, None),
    "max_tokens": (Between(0, whole=True), None), "temperature": (Between(0, 2), None), "top_p": (Between(0, 1), None),
    "n": (Between(1, 128, whole=True), None), "best_of": (Between(1, 20, whole=True), None), "stream": (bool, None),
    "stream_options": ({"include_usage": bool, "include_obfuscation": bool}, None),
    "logprobs": (Between(0, 5, whole=True), None), "echo": (bool, None), "stop": (str, [str], None),
    "presence_penalty": (Between(-2, 2), None), "frequency_penalty": (Between(-2, 2), None), "logit_bias": (dict, None),
    "seed": (int, None), "user": str,
}
WORDS = {"stop": "stop", "stop_sequence": "stop", "length": "length"}
CREATED = 1767225600


def check_completion(body):
    """The rules that join several members; the shape has been checked."""
    if body.get("stream_options") is not None and not body.get("stream"):
        raise Misshapen("stream_options", "only with stream", "value")
    if body.get("best_of") is not None:
        if body["best_of"] < (body.get("n") or 1):
            raise Misshapen("best_of", "must be at least n", "range")
        if body.get("stream"):
            raise Misshapen("best_of", "cannot be streamed", "range")


def prompts(body):
    """The texts that are to be completed; tokens are told by their numbers."""
    prompt = body["prompt"]
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt[0], int):
        return ["tokens " + " ".join(map(str, prompt))]
    return [one if isinstance(one, str) else "tokens " + " ".join(map(str, one)) for one in prompt]


def make(body):
    """(prompt, plan) for every choice, in the order of their indexes."""
    stop = body.get("stop") or ()
    made = []
    for prompt in prompts(body):
        text = prompt + (f" before {body['suffix']}" if body.get("suffix") else "")
        limit = 16 if body.get("max_tokens") is None else body["max_tokens"]
        one = plan(text, prompt, max_tokens=limit, stop=[stop] if isinstance(stop, str) else stop)
        made += [(prompt, one)] * (body.get("n") or 1)
    return made


def usage(body, made):
    count = sum(len(tokens(prompt)) for prompt in prompts(body))
    answered = sum(len(one.pieces) for _, one in made)
    return {"prompt_tokens": count, "completion_tokens": answered, "total_tokens": count + answered}


def _logprobs(body, pieces, start=0):
    """`start` is where the first piece stands in the choice's text."""
    if body.get("logprobs") is None:
        return None
    offsets = []
    for piece in pieces:
        offsets.append(start)
        start += len(piece)
    return {"tokens": pieces, "token_logprobs": [-0.5] * len(pieces), "text_offset": offsets,
            "top_logprobs": [{piece: -0.5} for piece in pieces] if body["logprobs"] else None}


def _frame(body):
    return {"id": identifier(body, "cmpl-"), "object": "text_completion", "created": CREATED, "model": body["model"]}


def completion(body):
    made = make(body)
    choices = []
    for index, (prompt, one) in enumerate(made):
        echo = tokens(prompt) if body.get("echo") else []
        choices.append({"text": "".join([*echo, *one.pieces]), "index": index, "finish_reason": one.reason(WORDS),
                        "logprobs": _logprobs(body, [*echo, *one.pieces])})
    return {**_frame(body), "choices": choices, "usage": usage(body, made)}


def chunks(body):
    """The JSON values of a stream, without the [DONE]. Choices come in turn."""
    wanted = (body.get("stream_options") or {}).get("include_usage")
    frame, made = _frame(body) | ({"usage": None} if wanted else {}), make(body)

    def chunk(index, text, finish=None, start=0):
        return {**frame, "choices": [{"text": text, "index": index, "finish_reason": finish,
                                      "logprobs": _logprobs(body, [text], start) if text else None}]}

    lines = [[*(tokens(prompt) if body.get("echo") else []), *one.pieces] for prompt, one in made]
    told = [0] * len(lines)
    for place in range(max(map(len, lines))):
        for index, pieces in enumerate(lines):
            if place < len(pieces):
                yield chunk(index, pieces[place], start=told[index])
                told[index] += len(pieces[place])
    for index, (_, one) in enumerate(made):
        yield chunk(index, "", one.reason(WORDS))
    if wanted:
        yield {**frame, "choices": [], "usage": usage(body, made)}
