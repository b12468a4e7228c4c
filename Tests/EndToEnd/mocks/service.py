# What every stand-in for a service is made of: listeners, scripts by model name, the record of what was received,
# the answers' HTTP framing, and the headers that must never reach any service. The rules of one service are added
# by its subclass.

import contextlib
import itertools
import json
import re
import socket
import ssl
import threading
import time

from .transport import Listener, PeerGone, Refused

_FORBIDDEN = re.compile(
    r"cookie|set-cookie|x-stainless-.*|x-api-key|api-key|x-provider|x-gateway-.*|te|trailer|upgrade|keep-alive|"
    r"proxy-.*|expect|forwarded|x-forwarded-.*|x-real-ip|origin|referer|http2-settings"
)


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

    def answer(self, body, status=200, headers=(), content_type="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send(head(status, [("content-type", content_type), ("content-length", len(body)), *headers]) + body)

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


def event(value):
    """`data: ...` and a blank line; a str is taken as it is, anything else is written as JSON."""
    return f"data: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\n\n".encode()


class Service:
    """Listeners, the table of scripts by model name, and everything that was received. A subclass says what is
    checked (`check_head`, `check_body`), how a refusal reads (`refuse`) and what is answered (`answer`)."""

    exchange_type = Exchange
    base_path = ""
    own_headers = frozenset()  # forbidden elsewhere, but this service's own
    script_prefix = "model-e2e"
    closes_on_refusal = True

    def __init__(self, certificates):
        self.certificates = certificates
        self.numbers = itertools.count(1)
        self.names = itertools.count(1)
        self.connections, self.listeners = [], []
        self.exchanges, self.by_model = [], {}
        self.violations = []
        self.scripts = {}
        self.early_script = None  # played once, after the next request's head and before its body is read
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

    def listen(self, context=None, greeting=None, label="", host="localhost"):
        listener = Listener(self, context, greeting, label, host)
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

    def script(self, play, prefix=None):
        """Registers `play(exchange)` and returns the model name that selects it."""
        name = f"{prefix or self.script_prefix}-{next(self.names)}"
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
        exchange = self.exchange_type(connection, request)
        whole = False
        try:
            self.check_head(connection, request)
            if self.early_script is not None:
                early, self.early_script = self.early_script, None
                self.record(exchange, "early")
                early(exchange)
                exchange.close()  # the body was never read: this connection cannot go on
            request.body = connection.read_body(request)
            whole = True
            model = self.check_body(exchange)
        except Refused as refusal:
            if refusal.blamed:
                self.violations.append(f"{refusal}: {request.head!r}")
            self.refuse(exchange, refusal)
            if self.closes_on_refusal or not whole:
                exchange.close()
            return
        self.record(exchange, model)
        try:
            self.scripts.get(model, self.answer)(exchange)
        except (LookupError, TypeError, AttributeError) as failure:
            self.violations.append(f"the stand-in itself failed: {failure!r}")
            raise
        finally:
            exchange.mark("end")
            exchange.answered.set()

    def record(self, exchange, model):
        self.by_model.setdefault(model, []).append(exchange)
        self.exchanges.append(exchange)

    def refuse(self, exchange, refusal):
        exchange.error(refusal.status, f"upstream refused: {refusal}")

    def check_transport(self, connection, request):
        """What no service may be sent, whatever its dialect."""
        headers = request.headers
        if headers.all("host") != [f"{connection.listener.host}:{connection.listener.port}"]:
            raise Refused(400, f"host {headers.all('host')}")
        for name in headers.names():
            if name not in self.own_headers and _FORBIDDEN.fullmatch(name):
                raise Refused(400, f"header {name} must not arrive")
        if headers.get("connection", "keep-alive").lower() not in ("keep-alive", "close"):
            raise Refused(400, "connection")
        repeated = [name for name in set(headers.names()) if len(headers.all(name)) > 1]
        if repeated:
            raise Refused(400, f"repeated headers {repeated}")

    def json_body(self, request):
        """The body as an object; its content type must say JSON in UTF-8."""
        if not re.fullmatch(r"application/json(; ?charset=utf-8)?", request.headers.get("content-type", ""), re.I):
            raise Refused(415, "content type")
        try:
            body = json.loads(request.body.decode("utf-8"))
        except ValueError:
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body is not an object")
        return body
