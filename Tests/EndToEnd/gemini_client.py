# A client for the Google mock's own tests, and short ways to write the parts of a Gemini request.

import json

from mocks.google import GEMINI_KEY
from raw_http import RawClient, get, post

FLASH, THREE, TWO, EMBED = "gemini-2.5-flash", "gemini-3-flash", "gemini-2.0-flash", "gemini-embedding-001"
CITY = {"type": "OBJECT", "properties": {"c": {"type": "STRING"}}, "required": ["c"]}
WX = {"functionDeclarations": [{"name": "wx", "description": "d", "parameters": CITY}, {"name": "clock"}]}
DOT = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


class Talk:
    """Requests to the mock on one connection, with the right credentials unless told otherwise."""

    def __init__(self, mock, tls):
        self.mock, self.tls, self.host = mock, tls, f"localhost:{mock.main.port}"

    def send(self, path, body, headers=None, method="POST"):
        credential = ("x-goog-api-key", GEMINI_KEY)
        if path.startswith("/v1/projects/") and headers is None:
            credential = ("Authorization", f"Bearer {self.mock.tokens.issue()}")
        given = {"Host": self.host, **({credential[0]: credential[1]} if headers is None else headers)}
        pairs = [(name, value) for name, value in given.items() if value is not None]
        with RawClient(self.mock.main.port, tls=self.tls) as client:
            return client.ask(get(path, pairs, host=None) if method == "GET" else post(path, body, pairs))

    def gemini(self, body, model=FLASH, method="generateContent", vertex=False, headers=None):
        path = self.mock.vertex_path(model, method) if vertex else f"/v1beta/models/{model}:{method}"
        return self.send(path + ("?alt=sse" if method.startswith("stream") else ""), body, headers)

    def made(self, body, *arguments, **named):
        answer = self.gemini(body, *arguments, **named)
        assert answer.status == 200, answer
        return answer.json()

    def chunks(self, body, model=FLASH, **named):
        answer = self.gemini(body, model, "streamGenerateContent", **named)
        assert answer.status == 200, answer
        events = answer.body.decode().replace("\r\n", "\n").split("\n\n")[:-1]
        return [json.loads(event.removeprefix("data: ")) for event in events if not event.startswith(":")]

    def refused(self, *arguments, ask=None, **named):
        """(status, name, message) of a request that must be refused; exactly one violation must be recorded."""
        with self.mock.expecting() as violations:
            answer = (ask or self.gemini)(*arguments, **named)
        assert answer.status >= 400 and len(violations) == 1, (answer, violations)
        value = answer.json()
        value = value[0] if isinstance(value, list) else value
        assert value["error"]["code"] == answer.status
        return answer.status, value["error"]["status"], value["error"]["message"]


def user(*parts):
    return {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def model(*parts):
    return {"role": "model", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}


def call(name="wx", seal=None, **fields):
    return {"functionCall": {"name": name, "args": {}, **fields}, **({"thoughtSignature": seal} if seal else {})}


def result(name="wx", response=None, **fields):
    return {"functionResponse": {"name": name, "response": {"output": "4C"} if response is None else response, **fields}}


def ask(text="Grüße 👋 an alle", config=None, **fields):
    contents = text if isinstance(text, list) else [user(text)]
    return {"contents": contents, **({"generationConfig": config} if config else {}), **fields}


def text_of(response):
    parts = [part for candidate in response.get("candidates", ()) for part in candidate.get("content", {}).get("parts", ())]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))
