# A raw HTTP/1.1 client for tests that need exact bytes, exact timing, or malformed requests. It checks every
# answer strictly (framing, header grammar, nothing behind the end) because SDKs would forgive what it must not.

import json
import re
import socket
import ssl
import struct
import time

from fake_upstream import Headers

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2}) ([\t -~]*)")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\t -~]*)")


class Closed(Exception):
    """The server ended the connection before a whole answer was there."""


class Answer:
    def __init__(self, version, status, headers):
        self.version, self.status, self.headers = version, status, headers
        self.body = b""
        self.interim = []  # 1xx statuses that came before
        self.chunks = []  # (arrival, bytes) of a chunked body

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object; fails unless the answer is JSON in the OpenAI shape."""
        assert self.headers.get("content-type") == "application/json; charset=utf-8", self.headers
        error = self.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        assert isinstance(error["message"], str) and error["message"], error
        assert isinstance(error["type"], str) and error["type"], error
        return error

    def __repr__(self):
        return f"<{self.status} {list(self.headers)} {self.body[:600]!r}>"


def post(path, body, headers=(), host="127.0.0.1", version="HTTP/1.1", content_type="application/json"):
    """The bytes of one well-formed POST; a header given twice by the caller is sent twice."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    given = {name.lower() for name, _ in headers}
    lines = [f"POST {path} {version}"]
    if "host" not in given:
        lines.append(f"Host: {host}")
    if "content-type" not in given and content_type:
        lines.append(f"Content-Type: {content_type}")
    if "content-length" not in given and "transfer-encoding" not in given:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chat(model, text="Hello there", stream=False, headers=(), **fields):
    """The bytes of one chat completion request."""
    return post("/v1/chat/completions", chat_body(model, text, stream, **fields), headers)


def chat_body(model, text="Hello there", stream=False, **fields):
    body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    if stream:
        body["stream"] = True
    return body


def get(path, headers=(), method="GET", host="127.0.0.1", version="HTTP/1.1"):
    lines = [f"{method} {path} {version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(body, size, extension=b""):
    """A body in chunks of `size`, terminated."""
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    coded = b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces)
    return coded + b"0\r\n\r\n"


class RawClient:
    """One connection to the gateway."""

    def __init__(self, port, timeout=10.0, receive_buffer=None, tls=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost", suppress_ragged_eofs=False)
        self.timeout = timeout
        self.buffer = bytearray()
        self.arrived_at = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def try_send(self, data):
        """Sends what the server will take; a server that has closed already is no failure of the test."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def _receive(self, deadline=None):
        left = self.timeout if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no bytes in time")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(262144)
        except (ConnectionResetError, BrokenPipeError):
            raise Closed("reset") from None
        except ssl.SSLEOFError:
            raise Closed("TLS ended without close_notify") from None
        if not data:
            raise Closed("end of file")
        self.arrived_at = time.monotonic()
        self.buffer += data

    def _take(self, count):
        while len(self.buffer) < count:
            self._receive()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def _line(self):
        while (end := self.buffer.find(b"\r\n")) < 0:
            self._receive()
        return self._take(end + 2)[:-2]

    def read_head(self):
        interim = []
        while True:
            while (end := self.buffer.find(b"\r\n\r\n")) < 0:
                self._receive()
            lines = self._take(end + 4)[:-4].split(b"\r\n")
            line = _STATUS_LINE.fullmatch(lines[0])
            assert line, f"status line {lines[0]!r}"
            headers = Headers()
            for raw in lines[1:]:
                match = _HEADER_LINE.fullmatch(raw)
                assert match, f"header line {raw!r}"
                headers.append((match[1].decode(), match[2].decode()))
            answer = Answer(f"1.{line[1].decode()}", int(line[2]), headers)
            if answer.status >= 200:
                answer.interim = interim
                return answer
            interim.append(answer.status)

    def read(self, method="POST"):
        """One whole answer. Raises Closed if the server ends the connection inside it."""
        answer = self.read_head()
        headers = answer.headers
        lengths, codings = headers.all("content-length"), headers.all("transfer-encoding")
        assert len(lengths) + len(codings) <= 1, f"ambiguous framing: {headers}"
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if codings:
            assert codings == ["chunked"], codings
            for piece in self._chunks():
                answer.chunks.append((self.arrived_at, piece))
            answer.body = b"".join(piece for _, piece in answer.chunks)
        elif lengths:
            answer.body = self._take(int(lengths[0]))
        else:
            assert "close" in (headers.get("connection") or "") or answer.version == "1.0", headers
            answer.body = self.read_to_end()
        return answer

    def _chunks(self):
        while True:
            size = self._line()
            assert re.fullmatch(rb"[0-9A-Fa-f]+", size), f"chunk size {size!r}"
            count = int(size, 16)
            if count == 0:
                assert self._line() == b""
                return
            piece = self._take(count)
            assert self._take(2) == b"\r\n"
            yield piece

    def events(self):
        """After read_head: (arrival, event text) one by one, as they come; the blank line is left out."""
        pending = b""
        for piece in self._chunks():
            pending += piece
            while (end := pending.find(b"\n\n")) >= 0:
                yield self.arrived_at, pending[:end].decode()
                pending = pending[end + 2 :]
        assert not pending, f"an unfinished event at the end of the stream: {pending[-200:]!r}"

    def ask(self, request, method="POST"):
        return self.send(request).read(method)

    def read_to_end(self, within=None):
        """Everything until the server closes."""
        deadline = time.monotonic() + (within or self.timeout)
        try:
            while True:
                self._receive(deadline)
        except Closed:
            rest, self.buffer = bytes(self.buffer), bytearray()
            return rest

    def expect_close(self, within=2.0):
        """Fails unless the server closes without another byte."""
        try:
            rest = self.read_to_end(within)
        except TimeoutError:
            raise AssertionError(f"the connection is still open after {within} s") from None
        assert rest == b"", f"bytes behind the answer: {rest[:300]!r}"

    def expect_silence(self, seconds):
        """Fails if anything arrives; an end of the connection counts as silence."""
        try:
            self._receive(time.monotonic() + seconds)
        except (TimeoutError, Closed):
            return
        raise AssertionError(f"unexpected bytes: {bytes(self.buffer[:300])!r}")


def ask(port, request, method="POST", timeout=10.0, tls=None):
    """One request on a connection of its own."""
    with RawClient(port, timeout, tls=tls) as client:
        return client.ask(request, method)


def parse_stream(body):
    """A whole body in canonical event-stream framing -> list of data payloads; comments come as ':...'.

    Canonical means: LF only, events are one or more `data:` lines (or one comment line) and a blank line."""
    text = body.decode("utf-8")
    assert "\r" not in text, "CR in a canonical stream"
    assert text == "" or text.endswith("\n\n"), f"unfinished: {text[-100:]!r}"
    return [payload(block) for block in text.split("\n\n")[:-1]]


def payload(block):
    lines = block.split("\n")
    if lines[0].startswith(":"):
        assert len(lines) == 1, f"a comment inside an event: {block!r}"
        return block
    for line in lines:
        assert line.startswith("data: "), f"not a data line: {line!r}"
    return "\n".join(line[6:] for line in lines)


def stream_text(payloads):
    """The text a client would show, the finish reason, and whether the stream ended well."""
    text, finish, done = [], None, False
    for value in payloads:
        if value.startswith(":"):
            continue
        assert not done, f"an event after [DONE]: {value!r}"
        if value == "[DONE]":
            done = True
            continue
        parsed = json.loads(value)
        for choice in parsed.get("choices", []):
            text.append(choice.get("delta", {}).get("content") or "")
            finish = choice.get("finish_reason") or finish
    return "".join(text), finish, done


def stream_error(payloads):
    """The in-band error object of a stream, or None."""
    for value in payloads:
        if value.startswith("{") and (error := json.loads(value).get("error")):
            return error
    return None
