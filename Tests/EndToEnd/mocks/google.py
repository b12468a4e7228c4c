# The Google mock: the Gemini Developer API, Vertex AI (Gemini, Claude, embeddings, the OpenAI-compatible surface), the
# token endpoint and the metadata server on one port. Bodies are checked in google_rules and anthropic_rules.
#
# Model names choose the capabilities (google_models) and the faults: those of mocks/mock.py, and overloaded, ratelimited,
# broken, timeout, missing, forbidden, location (a status before any answer), array (errors in an array), blocked (the
# prompt), noparts (a content without parts), callids and nocallids, lf (streams with LF, not CRLF).

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from . import google_answers as answers
from . import google_openai, google_rules
from .anthropic import STATUS_FAULTS as CLAUDE_FAULTS
from .anthropic import AnthropicExchange
from .anthropic_answers import PromptCache
from .anthropic_answers import make as make_message
from .anthropic_rules import check_request
from .convention import tokens
from .google_auth import Tokens
from .google_models import LISTED, PUBLISHED, description, published
from .mock import Mock
from .transport import Refused

GEMINI_KEY = "AIza-upstream-secret"
PROJECT, LOCATIONS = "e2e-project", ("us-central1", "us-east5", "europe-west4", "global")
METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
           415: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
_ANY_METHOD = r"/models/([^/:]+):(\w+)"
_PATHS = [
    ("developer", re.compile(rf"/v1beta{_ANY_METHOD}")),
    ("developer-openai", re.compile(r"/v1beta/openai/chat/(completions)")),
    ("models", re.compile(r"/v1beta/models(?:/([^/:]+))?")),
    ("publishers", re.compile(r"/v1beta1/publishers/([a-z-]+)/models")),
    ("vertex", re.compile(rf"/v1(?:beta1)?/projects/([^/]+)/locations/([^/]+)/publishers/google{_ANY_METHOD}")),
    ("claude", re.compile(rf"/v1(?:beta1)?/projects/([^/]+)/locations/([^/]+)/publishers/anthropic{_ANY_METHOD}")),
    ("vertex-openai", re.compile(r"/v1(?:beta1)?/projects/([^/]+)/locations/([^/]+)/endpoints/openapi/chat/(completions)")),
    ("token", re.compile(r"/token")),
    ("metadata", re.compile(METADATA)),
]
_METHODS = {
    "developer": {"generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"},
    "vertex": {"generateContent", "streamGenerateContent", "countTokens", "predict", "embedContent"},
    "claude": {"rawPredict", "streamRawPredict"},
}

STATUS_FAULTS = {
    "overloaded": (503, "The model is overloaded. Please try again later.", {}, ()),
    "ratelimited": (429, "You exceeded your current quota.", {"retry": "1s"}, ()),
    "broken": (500, "An internal error has occurred.", {}, ()),
    "timeout": (504, "Deadline expired before operation could complete.", {}, ()),
    "missing": (404, "The model was not found.", {}, ()),
    "forbidden": (403, "Permission denied on resource project.", {}, ()),
    "location": (400, "User location is not supported for the API use.", {"name": "FAILED_PRECONDITION"}, ()),
}


def error_body(status, message, name=None, reason=None, retry=None):
    error = {"code": status, "message": message, "status": name or _STATUS.get(status, "UNKNOWN")}
    details = []
    if reason:
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"})
    if retry:
        details.append({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "requests"}]})
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry})
    return {"error": {**error, "details": details} if details else error}


class GoogleExchange(AnthropicExchange):
    """`surface` is developer, vertex, claude, developer-openai, vertex-openai, models, publishers, token or metadata."""

    surface = None
    place = ()

    @property
    def wrapped(self):
        """Errors stand in an array on the OpenAI-compatible surface, and where the test asks for it."""
        return "array" in (self.model or "").split("--")[1:] or (self.surface or "").endswith("-openai")

    def error(self, status, message, kind=None, headers=()):
        if self.surface == "claude" or kind:
            super().error(status, message, kind, headers)
        else:
            self.mock.refuse(self, Refused(status, message), headers)


class GoogleMock(Mock):
    """`url` is the Developer API's base, `vertex_url` Vertex AI's, `token_uri` the token endpoint, `metadata` the
    listener (plain HTTP) of the metadata server."""

    exchange_type = GoogleExchange
    base_path = "/v1beta"
    script_prefix = "gemini-e2e"
    stream_type = "text/event-stream"
    status_faults = STATUS_FAULTS
    publishers_page = 100  # models of one page at most

    def __init__(self, certificates, key=GEMINI_KEY):
        self.key, self.project, self.models = key, PROJECT, list(LISTED)
        self.publishers = {name: list(models) for name, models in PUBLISHED.items()}
        self.tokens = Tokens(PROJECT)
        self.cache = PromptCache()
        super().__init__(certificates)
        self.metadata = self.listen()

    @property
    def vertex_url(self):
        return f"{self.main.origin}/v1"

    @property
    def token_uri(self):
        return f"{self.main.origin}/token"

    def vertex_path(self, model, method, publisher="google", location="us-central1"):
        return f"/v1/projects/{PROJECT}/locations/{location}/publishers/{publisher}/models/{model}:{method}"

    def refuse(self, exchange, refusal, headers=()):
        details = refusal.details
        if "oauth" in details:
            exchange.answer({"error": details["oauth"], "error_description": str(refusal)}, refusal.status)
        elif "kind" in details:
            exchange.error(refusal.status, str(refusal), details["kind"], headers)
        else:
            body = error_body(refusal.status, str(refusal), details.get("name"), details.get("reason"), details.get("retry"))
            exchange.answer([body] if exchange.wrapped else body, refusal.status, headers,
                            content_type="application/json; charset=UTF-8")

    # -- checks ------------------------------------------------------------------------------------------------------

    def inspect(self, exchange):
        request = exchange.request
        target = urlsplit(request.target)
        self._find(exchange, unquote(target.path))
        self.check_transport(exchange.connection, request)
        if request.method != ("GET" if exchange.surface in ("models", "publishers", "metadata") else "POST"):
            raise Refused(405, "Method Not Allowed")
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        if exchange.surface in ("token", "metadata"):
            return self._inspect_grant(exchange, query)
        self._check_credentials(exchange)
        if exchange.surface == "models":
            return None
        if exchange.surface == "publishers":
            if query.keys() - {"pageSize", "pageToken", "listAllVersions", "view", "filter", "orderBy", "languageCode"}:
                raise Refused(400, f"unexpected query {target.query!r}")
            return "publishers"
        if query != ({"alt": "sse"} if exchange.operation == "streamGenerateContent" else {}):
            raise Refused(400, f"unexpected query {target.query!r}")
        body = self.json_body(request)
        if exchange.surface.endswith("-openai"):
            return google_openai.check_chat(body)
        if exchange.surface == "claude":
            return self._inspect_claude(exchange, body)
        self._check_body(exchange, body)
        return exchange.model

    def _find(self, exchange, path):
        for surface, pattern in _PATHS:
            if not (found := pattern.fullmatch(path)):
                continue
            exchange.surface, groups = surface, found.groups()
            if surface in _METHODS:
                exchange.model, exchange.operation = groups[-2:]
                exchange.place = groups[:-2]
                if exchange.operation not in _METHODS[surface]:
                    raise Refused(404, f"unknown method {exchange.operation}")
            elif surface.endswith("-openai"):
                exchange.operation, exchange.place = "chat", groups[:-1]
                name = exchange.body.get("model")
                exchange.model = name.removeprefix("google/") if isinstance(name, str) else None
            elif surface == "models":
                exchange.operation, exchange.listed = "models", groups[0]
            elif surface == "publishers":
                exchange.operation, exchange.publisher, exchange.model = "publishers", groups[0], "publishers"  # for mock.of
            return
        raise Refused(404, f"The requested URL {path} was not found on this server.")

    def _inspect_grant(self, exchange, query):
        headers = exchange.request.headers
        for name in ("authorization", "x-goog-api-key"):
            if name in headers:
                raise Refused(400, f"header {name} must not arrive", oauth="invalid_request")
        if exchange.surface == "token":
            exchange.granted = self.tokens.grant(exchange.request, self.token_uri)
        else:
            if query.keys() - {"scopes"}:
                raise Refused(400, f"unexpected query {query}", oauth="invalid_request")
            exchange.granted = self.tokens.metadata(exchange.request)
        return exchange.surface  # mock.of("token"), mock.of("metadata")

    def _check_credentials(self, exchange):
        headers = exchange.request.headers
        key, bearer = headers.get("x-goog-api-key"), headers.get("authorization")
        if exchange.surface in ("developer", "models", "developer-openai"):
            if exchange.surface == "developer-openai":
                key, bearer = (bearer or "").removeprefix("Bearer ") or None, key
            if bearer is not None:
                raise Refused(401, "two credentials, or one in the wrong header")
            if key is None:
                raise Refused(403, "Method doesn't allow unregistered callers (callers without established identity). Please use API "
                                   "Key or other form of API consumer identity to call this API.")
            if key != self.key:
                raise Refused(400, "API key not valid. Please pass a valid API key.", reason="API_KEY_INVALID")
            return
        if key is not None or "x-api-key" in headers:
            raise Refused(401, "an API key where a token is wanted")
        if bearer is None or not bearer.startswith("Bearer "):
            raise Refused(401, "Request is missing required authentication credential.", reason="CREDENTIALS_MISSING")
        token = bearer.removeprefix("Bearer ")
        self.tokens.check(token)
        if exchange.surface == "publishers":
            # The path names no project: a person's request has to say whose it is.
            project = headers.get("x-goog-user-project")
            if project is None and self.tokens.is_users(token):
                raise Refused(403, "Your application is authenticating by using local Application Default Credentials. The "
                                   "aiplatform.googleapis.com API requires a quota project, which is not set by default.")
            if project not in (None, PROJECT):
                raise Refused(403, f"Caller does not have required permission to use project {project}.",
                              reason="USER_PROJECT_DENIED")
            return
        if exchange.place[0] != PROJECT:
            raise Refused(403, f"Permission denied on resource project {exchange.place[0]}.", reason="CONSUMER_INVALID")
        if exchange.place[1] not in LOCATIONS:
            raise Refused(400, f"Unsupported region: {exchange.place[1]}")

    def _check_body(self, exchange, body):
        model, operation, surface = exchange.model, exchange.operation, exchange.surface
        if operation == "countTokens":
            google_rules.check_count(body, model, surface)
        elif operation == "predict":
            google_rules.check_predict(body, model)
        elif operation in ("embedContent", "batchEmbedContents"):
            exchange.requests = google_rules.check_embed(body, model, operation == "batchEmbedContents")
        else:
            google_rules.check_generate(body, model, surface)

    def _inspect_claude(self, exchange, body):
        for name in ("anthropic-version", "anthropic-beta"):
            if name in exchange.request.headers:
                raise Refused(400, f"header {name} must not arrive: its place is the body", kind="invalid_request_error")
        counting = exchange.model == "count-tokens"
        if counting:
            exchange.model = body["model"] if isinstance(body.get("model"), str) else None
        if bool(body.get("stream")) != (exchange.operation == "streamRawPredict"):
            raise Refused(400, f"stream does not agree with {exchange.operation}", kind="invalid_request_error")
        if exchange.model is None:
            raise Refused(400, "model: Field required", kind="invalid_request_error")
        exchange.counting = counting
        check_request(body, exchange.model, "vertex", bool(body.get("anthropic_beta")), counting)
        return exchange.model

    # -- answers -----------------------------------------------------------------------------------------------------

    def answer(self, exchange):
        if exchange.surface == "claude":
            for word in sorted(exchange.faults & CLAUDE_FAULTS.keys()):
                status, message, _, headers = CLAUDE_FAULTS[word]
                exchange.error(status, message, headers=headers)
                return
            self.behave(exchange)
        else:
            super().answer(exchange)

    def behave(self, exchange):
        body, model, operation = exchange.body, exchange.model, exchange.operation
        if exchange.surface in ("token", "metadata"):
            exchange.answer(exchange.granted, headers=[("Metadata-Flavor", "Google")] if exchange.surface == "metadata" else ())
        elif exchange.surface == "models":
            self._list(exchange)
        elif exchange.surface == "publishers":
            self._list_publisher(exchange)
        elif exchange.surface.endswith("-openai"):
            google_openai.answer(exchange)
        elif exchange.surface == "claude":
            self._behave_as_claude(exchange)
        elif operation == "generateContent":
            exchange.answer(answers.make(body, model, exchange.surface, exchange.faults))
        elif operation == "streamGenerateContent":
            lines = "\n" if "lf" in exchange.faults else "\r\n"
            made = answers.chunks(answers.make(body, model, exchange.surface, exchange.faults))
            wrong = error_body(503, "The model is overloaded. Please try again later.")
            exchange.play([answers.frame(value, lines) for value in made],
                          answers.frame([wrong] if exchange.wrapped else wrong, lines), [b": a comment\r\n\r\n"])
        elif operation == "countTokens":
            total = answers.prompt_tokens(body.get("generateContentRequest", body))
            extra = {"totalBillableCharacters": 4 * total} if exchange.surface == "vertex" else {}
            exchange.answer({"totalTokens": total, **extra, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]})
        else:
            self._embed(exchange)

    def _embed(self, exchange):
        size = google_rules.embedding(exchange.model).embedding
        if exchange.operation == "predict":
            size = exchange.body.get("parameters", {}).get("outputDimensionality", size)
            exchange.answer({"predictions": [{"embeddings": {
                "values": answers.vector(instance["content"], size),
                "statistics": {"token_count": len(tokens(instance["content"])), "truncated": False},
            }} for instance in exchange.body["instances"]]})
            return
        made = [{"values": answers.vector("".join(part["text"] for part in request["content"]["parts"]),
                                          request.get("outputDimensionality", size))} for request in exchange.requests]
        exchange.answer({"embeddings": made} if exchange.operation == "batchEmbedContents" else {"embedding": made[0]})

    def _behave_as_claude(self, exchange):
        if exchange.counting:
            exchange.answer({"input_tokens": sum(PromptCache().count(exchange.body, exchange.model))})
        else:
            exchange.answer_message(make_message(exchange.body, exchange.model, self.cache, exchange.faults))

    def _list(self, exchange):
        if exchange.listed is not None:
            if exchange.listed not in self.models:
                self.refuse(exchange, Refused(404, f"Model is not found: models/{exchange.listed}"))
                return
            exchange.answer(description(exchange.listed))
            return
        query = dict(parse_qsl(urlsplit(exchange.request.target).query))
        start, size = int(query.get("pageToken", 0)), min(1000, int(query.get("pageSize", 50)))
        page = self.models[start : start + size]
        more = {"nextPageToken": str(start + size)} if start + size < len(self.models) else {}
        exchange.answer({"models": [description(name) for name in page], **more})

    def _list_publisher(self, exchange):
        listed = self.publishers.get(exchange.publisher)
        if listed is None:
            self.refuse(exchange, Refused(404, f"Publisher {exchange.publisher} is not found."))
            return
        query = dict(parse_qsl(urlsplit(exchange.request.target).query))
        if query.get("listAllVersions") != "true":
            listed = listed[:1]
        start, size = int(query.get("pageToken", 0)), min(self.publishers_page, int(query.get("pageSize", 50)))
        page = [published(exchange.publisher, name) for name in listed[start : start + size]]
        more = {"nextPageToken": str(start + size)} if start + size < len(listed) else {}
        # As proto3 has it: a list without elements is not written.
        exchange.answer({**({"publisherModels": page} if page else {}), **more})
