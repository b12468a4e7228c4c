# A strict stand-in for an OpenAI-compatible service, over TLS, one thread per connection. It refuses what the
# real one refuses, records each request byte for byte, plays scripted answers (faults included), and notices at
# once when the gateway closes a connection. Standard library only; it shares no code with the gateway.

import itertools
import json
import re
import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

UPSTREAM_KEY = "sk-upstream-secret"
RECORD = 16384  # a TLS record's worth: nothing larger is encrypted at once, so `sent` stays honest

_REQUEST_LINE = re.compile(rb"(GET|POST) (/[!-~]*) HTTP/1\.1")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)")
_FORBIDDEN = re.compile(
    r"cookie|set-cookie|x-stainless-.*|x-api-key|api-key|x-provider|x-gateway-.*|te|trailer|upgrade|keep-alive|"
    r"proxy-.*|expect|forwarded|x-forwarded-.*|x-real-ip|origin|referer|http2-settings"
)


class PeerGone(Exception):
    """The gateway closed the connection (or reset it)."""


class Refused(Exception):
    """The request breaks a rule of the wire; carries the status the real service would answer."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Headers(list):
    """(name, value) pairs in order; lookups ignore case."""

    def get(self, name, default=None):
        for key, value in self:
            if key.lower() == name.lower():
                return value
        return default

    def all(self, name):
        return [value for key, value in self if key.lower() == name.lower()]

    def names(self):
        return [key.lower() for key, _ in self]

    def __contains__(self, name):
        return name.lower() in self.names()


@dataclass
class Request:
    method: str
    target: str
    headers: Headers
    head: bytes
    body: bytes = b""
    received_at: float = 0.0

    def json(self):
        return json.loads(self.body)


class Connection:
    """One accepted connection. All I/O is on its own thread; other threads only read the fields."""

    def __init__(self, upstream, listener, sock, number):
        self.upstream, self.listener, self.sock, self.number = upstream, listener, sock, number
        self.tls = None
        self.plain = bytearray()  # decrypted and not yet consumed
        self.opened_at = time.monotonic()
        self.closed_at = None
        self.closed_by = None
        self.gone = threading.Event()
        self.handshaken = False
        self.resumed = False
        self.server_name = None
        self.tls_version = None
        self.alpn = None
        self.raw_received = 0  # bytes off the socket, whatever they are
        self.application_received = 0  # decrypted bytes: 0 means that no request byte ever arrived
        self.sent = 0  # bytes the kernel took
        self.requests = 0
        self.busy = False

    # -- transport -----------------------------------------------------------------------------------------

    def start_tls(self, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._receive(max(0, deadline - time.monotonic()))
                if time.monotonic() > deadline:
                    raise PeerGone("handshake stalled") from None
        self._flush()
        self.handshaken, self.tls = True, tls
        self.resumed, self.tls_version = bool(tls.session_reused), tls.version()
        self.alpn = tls.selected_alpn_protocol()
        self._decrypt()

    def _receive(self, timeout):
        """Waits for bytes; False on time-out. Raises PeerGone at the end of the connection."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return False
        try:
            data = self.sock.recv(262144)
        except OSError as error:
            self._mark_gone()
            raise PeerGone(str(error)) from None
        if not data:
            self._mark_gone()
            raise PeerGone("end of file")
        self.raw_received += len(data)
        if self.listener.greeting:
            self.plain += data  # kept for the test to look at; whatever it is, it is not a request under TLS
        elif self.listener.context is None:
            self.application_received += len(data)
            self.plain += data
        else:
            self.incoming.write(data)
        return True

    def _decrypt(self):
        while self.tls is not None:
            try:
                data = self.tls.read(262144)
            except ssl.SSLWantReadError:
                return
            except (ssl.SSLZeroReturnError, ssl.SSLError) as error:
                self._mark_gone()
                raise PeerGone(str(error)) from None
            if not data:
                self._mark_gone()
                raise PeerGone("close_notify")
            self.application_received += len(data)
            self.plain += data

    def _mark_gone(self):
        if self.closed_at is None:
            self.closed_at, self.closed_by = time.monotonic(), "gateway"
            self.gone.set()

    def fill(self, timeout):
        """Adds what arrives within `timeout` to `plain`; False if nothing came."""
        if not self._receive(timeout):
            return False
        self._decrypt()
        return True

    def _flush(self):
        self._send_raw(self.outgoing.read())

    def _send_raw(self, data):
        view = memoryview(data)
        while view:
            readable, writable, _ = select.select([self.sock], [self.sock], [], 30)
            if readable:
                self._receive(0)
                self._decrypt()
            if writable:
                try:
                    count = self.sock.send(view)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._mark_gone()
                    raise PeerGone(str(error)) from None
                self.sent += count
                view = view[count:]

    def send(self, data):
        """Sends everything, however slowly the gateway reads; raises PeerGone when it is gone."""
        if self.listener.context is None:
            self._send_raw(data)
            return
        for start in range(0, len(data), RECORD):
            self.tls.write(data[start : start + RECORD])
            self._flush()

    def wait(self, seconds):
        """Sleeps, but wakes with PeerGone at the moment the gateway closes the connection."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.fill(left)

    def _mark_closed(self):
        if self.closed_at is None:
            self.closed_at, self.closed_by = time.monotonic(), "upstream"

    def close(self, notify=True):
        """Ends the connection with FIN; `notify=False` leaves TLS without its close_notify (a truncation)."""
        self._mark_closed()
        if notify and self.tls is not None:
            try:
                self.tls.unwrap()
            except ssl.SSLError:
                pass
            try:
                self._flush()
            except PeerGone:
                pass
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        """Ends the connection with RST."""
        self._mark_closed()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- requests ------------------------------------------------------------------------------------------

    def read_head(self):
        while (end := self.plain.find(b"\r\n\r\n")) < 0:
            if self.plain[:1] == b"\x16":
                raise Refused(400, "a TLS hello on a plain HTTP port")
            if len(self.plain) > 65536:
                raise Refused(431, "the head is too large")
            self.fill(3600)
            self.busy = True
        head = bytes(self.plain[: end + 4])
        del self.plain[: end + 4]
        self.busy = True
        lines = head[:-4].split(b"\r\n")
        line = _REQUEST_LINE.fullmatch(lines[0])
        if not line:
            raise Refused(400, f"request line {lines[0]!r}")
        headers = Headers()
        for raw in lines[1:]:
            match = _HEADER_LINE.fullmatch(raw)
            if not match:
                raise Refused(400, f"header line {raw!r}")
            headers.append((match[1].decode(), match[2].decode("latin-1").strip()))
        return Request(line[1].decode(), line[2].decode(), headers, head, received_at=time.monotonic())

    def read_body(self, request):
        lengths, codings = request.headers.all("content-length"), request.headers.all("transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise Refused(400, "ambiguous framing")
        if codings:
            if codings[0].lower() != "chunked":
                raise Refused(501, "unknown transfer coding")
            return self._read_chunked()
        if not lengths:
            return b""
        if not lengths[0].isascii() or not lengths[0].isdigit():
            raise Refused(400, "content-length")
        return self._take(int(lengths[0]))

    def _take(self, count):
        while len(self.plain) < count:
            self.fill(3600)
        taken = bytes(self.plain[:count])
        del self.plain[:count]
        return taken

    def _line(self):
        while (end := self.plain.find(b"\r\n")) < 0:
            self.fill(3600)
        return self._take(end + 2)[:-2]

    def _read_chunked(self):
        body = bytearray()
        while True:
            size = self._line()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise Refused(400, f"chunk size {size!r}")
            count = int(size, 16)
            if count == 0:
                if self._line():
                    raise Refused(400, "trailers")
                return bytes(body)
            body += self._take(count)
            if self._take(2) != b"\r\n":
                raise Refused(400, "chunk end")


class Exchange:
    """One request and the answer being played to it."""

    def __init__(self, connection, request):
        self.connection, self.request = connection, request
        self.index = connection.requests  # 0 on a fresh connection
        self.answered = threading.Event()
        self.marks = {}

    @property
    def reused(self):
        return self.index > 0

    def mark(self, name):
        self.marks[name] = time.monotonic()

    def send(self, data):
        self.connection.send(data if isinstance(data, bytes) else data.encode())

    def wait(self, seconds):
        self.connection.wait(seconds)

    def hang(self):
        self.wait(40)

    def close(self):
        self.connection.close()
        raise PeerGone("closed by the script")

    def close_without_notify(self):
        self.connection.close(notify=False)
        raise PeerGone("closed by the script")

    def reset(self):
        self.connection.reset()
        raise PeerGone("reset by the script")

    # -- well-formed answers -------------------------------------------------------------------------------

    def answer(self, body, status=200, headers=(), content_type="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send(head(status, [("content-type", content_type), ("content-length", len(body)), *headers]) + body)

    def error(self, status, message="scripted failure", code=None, headers=()):
        self.answer(error_body(message, code), status, headers)

    def start_stream(self, headers=(), content_type="text/event-stream; charset=utf-8"):
        self.send(head(200, [("content-type", content_type), ("transfer-encoding", "chunked"), *headers]))

    def write(self, data):
        """One HTTP chunk."""
        if not isinstance(data, bytes):
            data = data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, value):
        self.write(event(value))

    def finish(self):
        self.send(b"0\r\n\r\n")


REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


def head(status=200, headers=(), version="HTTP/1.1"):
    lines = [f"{version} {status} {REASONS.get(status, 'Scripted')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def error_body(message, code=None, kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def event(value):
    """`data: ...` and a blank line; a str is taken as it is, anything else is written as JSON."""
    return f"data: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\n\n".encode()


def completion(text, model="gpt-e2e", identifier="chatcmpl-e2e", message=None, finish="stop"):
    return {
        "id": identifier, "object": "chat.completion", "created": 1767225600, "model": model,
        "choices": [{
            "index": 0, "logprobs": None, "finish_reason": finish,
            "message": message or {"role": "assistant", "content": text, "refusal": None, "annotations": []},
        }],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        "service_tier": "default", "system_fingerprint": "fp_e2e",
    }


def chunk(delta=None, finish=None, model="gpt-e2e", identifier="chatcmpl-e2e", **extra):
    return {
        "id": identifier, "object": "chat.completion.chunk", "created": 1767225600, "model": model,
        "system_fingerprint": "fp_e2e",
        "choices": [{"index": 0, "delta": delta if delta is not None else {}, "logprobs": None,
                     "finish_reason": finish}],
        **extra,
    }


def usage_chunk(model="gpt-e2e"):
    value = chunk(model=model)
    value["choices"] = []
    value["usage"] = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    return value


def text_chunks(text, model="gpt-e2e"):
    """A whole well-formed stream's JSON chunks: role, one per word, finish."""
    words = re.findall(r"\S+\s*|\s+", text)
    return [
        chunk({"role": "assistant", "content": "", "refusal": None}, model=model),
        *[chunk({"content": word}, model=model) for word in words],
        chunk({}, "stop", model=model),
    ]


def text_stream(text, model="gpt-e2e", done=True):
    """The same as canonical bytes."""
    return b"".join(map(event, text_chunks(text, model))) + (event("[DONE]") if done else b"")


def _last_text(body):
    content = body["messages"][-1].get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def well_behaved(exchange):
    """What a real service does: echoes the last message; calls the first tool if tools are given."""
    body = exchange.request.json()
    model, text = body["model"], _last_text(body)
    tools = body.get("tools")
    if not body.get("stream"):
        if tools:
            call = {"id": "call_e2e", "type": "function",
                    "function": {"name": tools[0]["function"]["name"], "arguments": '{"city":"Köln"}'}}
            message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
            exchange.answer(completion(None, model, message=message, finish="tool_calls"))
        else:
            exchange.answer(completion(text, model))
        return
    options = body.get("stream_options") or {}
    if tools:
        chunks = tool_chunks(tools[0]["function"]["name"], model)
    else:
        chunks = text_chunks(text, model)
    exchange.start_stream()
    for value in chunks:
        if options.get("include_usage"):
            value["usage"] = None
        exchange.event(value)
    if options.get("include_usage"):
        exchange.event(usage_chunk(model))
    exchange.event("[DONE]")
    exchange.finish()


def tool_chunks(name, model="gpt-e2e"):
    def call(fields):
        return chunk({"tool_calls": [{"index": 0, **fields}]}, model=model)

    return [
        chunk({"role": "assistant", "content": None}, model=model),
        call({"id": "call_e2e", "type": "function", "function": {"name": name, "arguments": ""}}),
        *[call({"function": {"arguments": piece}}) for piece in ('{"ci', 'ty":"K', 'öln"', "}")],
        chunk({}, "tool_calls", model=model),
    ]


# -- scripts that misbehave before there is a request at all (for Listener.greeting) -----------------------------


def silent(connection):
    """Accepts and says nothing: a TLS handshake that stalls."""
    while True:
        connection._receive(40)


def says(data, then_wait=0.5):
    """Sends fixed bytes at once, whatever the client says."""

    def greet(connection):
        connection._send_raw(data)
        deadline = time.monotonic() + then_wait
        while time.monotonic() < deadline:
            connection._receive(deadline - time.monotonic())

    return greet


def resets(connection):
    connection.reset()
    raise PeerGone("reset on accept")



class Listener:
    """One port. `context=None` speaks plain HTTP; `greeting` replaces TLS and HTTP by a script of raw bytes."""

    def __init__(self, upstream, context, greeting=None, label=""):
        self.upstream, self.context, self.greeting, self.label = upstream, context, greeting, label
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"{'http' if self.context is None and not self.greeting else 'https'}://localhost:{self.port}/v1"

    def _accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            connection = Connection(self.upstream, self, sock, next(self.upstream.numbers))
            self.connections.append(connection)
            self.upstream.connections.append(connection)
            threading.Thread(target=self.upstream.serve, args=(connection,), daemon=True).start()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


class FakeUpstream:
    """Listeners, the table of scripts by model name, and everything that was received."""

    def __init__(self, certificates, key=UPSTREAM_KEY):
        self.certificates, self.key = certificates, key
        self.numbers = itertools.count(1)
        self.names = itertools.count(1)
        self.connections, self.listeners = [], []
        self.exchanges, self.by_model = [], {}
        self.violations = []
        self.scripts = {}
        self.early_script = None  # played once, after the next request's head and before its body is read
        self.models = ["gpt-live-1", "gpt-live-2"]
        self.main = self.listen(self.tls_context(certificates.good))

    @property
    def url(self):
        return self.main.url

    def tls_context(self, leaf, minimum=None, maximum=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf.certificate, leaf.private_key)
        context.set_alpn_protocols(["http/1.1"])
        if maximum in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = minimum or ssl.TLSVersion.TLSv1_2
        if maximum:
            context.maximum_version = maximum

        def name_seen(tls, name, _):
            seen.append(name)

        seen = context.names_seen = []
        context.sni_callback = name_seen
        return context

    def listen(self, context=None, greeting=None, label=""):
        listener = Listener(self, context, greeting, label)
        self.listeners.append(listener)
        return listener

    def close(self):
        for listener in self.listeners:
            listener.close()
        for connection in self.connections:
            if connection.closed_at is None:
                try:
                    connection.sock.close()
                except OSError:
                    pass

    # -- what tests ask --------------------------------------------------------------------------------------

    def script(self, play, prefix="gpt-e2e"):
        """Registers `play(exchange)` and returns the model name that selects it."""
        name = f"{prefix}-{next(self.names)}"
        self.scripts[name] = play
        return name

    def of(self, model):
        """The exchanges a model name has had, oldest first."""
        return list(self.by_model.get(model, ()))

    def await_exchange(self, model, count=1, within=5.0):
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = self.of(model)
            if len(found) >= count:
                return found[count - 1]
            time.sleep(0.001)
        raise AssertionError(f"the upstream saw {len(self.of(model))} of {count} requests for {model}")

    def idle_connections(self, listener=None):
        return [c for c in (listener or self.main).connections
                if c.closed_at is None and c.handshaken and not c.busy]

    def drop_idle(self, listener=None):
        """Closes what waits in the gateway's pool and gives the gateway a moment to notice."""
        time.sleep(0.01)  # the thread of an exchange that just ended may not have marked it so yet
        for connection in self.idle_connections(listener):
            connection._mark_closed()
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        time.sleep(0.05)

    def open_connections(self, listener=None):
        return [c for c in (listener or self.main).connections if c.closed_at is None]

    # -- serving ---------------------------------------------------------------------------------------------

    def serve(self, connection):
        try:
            if connection.listener.greeting:
                connection.listener.greeting(connection)
                connection.close(notify=False)
                return
            if connection.listener.context is not None:
                connection.start_tls(connection.listener.context)
            while True:
                connection.busy = False
                try:
                    request = connection.read_head()
                except Refused as refusal:
                    if self.plain_hello(connection):
                        connection.send(head(400, [("content-length", 0), ("connection", "close")]))
                    else:
                        self.violations.append(str(refusal))
                    connection.close()
                    return
                self._serve_one(connection, request)
                connection.requests += 1
        except PeerGone:
            pass
        except (ssl.SSLError, OSError, ValueError):
            pass  # a handshake the gateway refused, or a socket a test closed
        finally:
            if connection.closed_at is None:
                connection._mark_gone()
            connection.gone.set()
            try:
                connection.sock.close()
            except OSError:
                pass

    @staticmethod
    def plain_hello(connection):
        return connection.listener.context is None and connection.plain[:1] == b"\x16"

    def _serve_one(self, connection, request):
        exchange = Exchange(connection, request)
        try:
            self._check_head(connection, request)
            if self.early_script is not None:
                early, self.early_script = self.early_script, None
                self._record(exchange, "early")
                early(exchange)
                exchange.close()  # the body was never read: this connection cannot go on
            request.body = connection.read_body(request)
            model = self._check_body(request)
        except Refused as refusal:
            self.violations.append(f"{refusal}: {request.head!r}")
            exchange.error(refusal.status, f"upstream refused: {refusal}")
            exchange.close()
        self._record(exchange, model)
        try:
            if request.method == "GET":
                self._answer_models(exchange)
            else:
                self.scripts.get(model, well_behaved)(exchange)
        finally:
            exchange.mark("end")
            exchange.answered.set()

    def _record(self, exchange, model):
        self.by_model.setdefault(model, []).append(exchange)
        self.exchanges.append(exchange)

    def _check_head(self, connection, request):
        headers = request.headers
        if headers.all("host") != [f"localhost:{connection.listener.port}"]:
            raise Refused(400, f"host {headers.all('host')}")
        for name in headers.names():
            if _FORBIDDEN.fullmatch(name):
                raise Refused(400, f"header {name} must not arrive")
        if headers.get("connection", "keep-alive").lower() not in ("keep-alive", "close"):
            raise Refused(400, "connection")
        repeated = [name for name in set(headers.names()) if len(headers.all(name)) > 1]
        if repeated:
            raise Refused(400, f"repeated headers {repeated}")
        if headers.all("authorization") != [f"Bearer {self.key}"]:
            raise Refused(401, "incorrect API key provided")
        if request.target not in ("/v1/chat/completions", "/v1/models"):
            raise Refused(404, f"unknown path {request.target}")
        if (request.method == "GET") != (request.target == "/v1/models"):
            raise Refused(405, "method")

    def _check_body(self, request):
        if request.method == "GET":
            return None
        if not re.fullmatch(r"application/json(; ?charset=utf-8)?", request.headers.get("content-type", ""), re.I):
            raise Refused(415, "content type")
        try:
            body = json.loads(request.body.decode("utf-8"))
        except ValueError:
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            raise Refused(400, "model")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise Refused(400, "messages")
        if "stream_options" in body and body["stream_options"] is not None and not body.get("stream"):
            raise Refused(400, "stream_options without stream")
        return body["model"]

    def _answer_models(self, exchange):
        exchange.answer({"object": "list", "data": [
            {"id": name, "object": "model", "created": 1767225600, "owned_by": "openai"} for name in self.models
        ]})
