# A client for the mocks' own tests: it says exactly what it is told to, over TLS, and looks at what comes back.

import json

from raw_http import RawClient, get, post


class MockClient:
    """`headers` are sent with each request unless a call replaces or (with None) leaves one out."""

    def __init__(self, mock, tls, headers=(), listener=None):
        self.listener = listener or mock.main
        self.mock, self.tls, self.headers = mock, tls, dict(headers)

    def _send(self, request, method):
        with RawClient(self.listener.port, tls=self.tls) as client:
            return client.ask(request, method)

    def _headers(self, headers):
        merged = {"Host": f"{self.listener.host}:{self.listener.port}", **self.headers, **(headers or {})}
        return [(name, value) for name, value in merged.items() if value is not None]

    def post(self, path, body, headers=None, content_type="application/json"):
        return self._send(post(path, body, self._headers(headers), content_type=content_type), "POST")

    def get(self, path, headers=None):
        return self._send(get(path, self._headers(headers), host=None), "GET")

    def streamed(self, path, body, headers=None):
        """(names, values) of a server-sent-event answer's events; data that is not JSON comes as text."""
        answer = self.post(path, body, headers)
        assert answer.status == 200, answer
        assert answer.headers.get("content-type").startswith("text/event-stream"), answer
        return events(answer.body)


def salesforce_client(mock, tls):
    """A client with a fresh token and the headers that every Models call carries."""
    return MockClient(mock, tls, {
        "Authorization": f"Bearer {mock.org.issue().text}", "x-sfdc-app-context": "EinsteinGPT",
        "x-client-feature-id": "ai-platform-models-connected-app",
    })


def events(body):
    """[(name, value)] of a whole event stream; the name is None where there is no event line."""
    found = []
    for block in body.decode().replace("\r\n", "\n").split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            data = fields["data"]
            found.append((fields.get("event"), json.loads(data) if data[0] in "{[" and data != "[DONE]" else data))
    return found
