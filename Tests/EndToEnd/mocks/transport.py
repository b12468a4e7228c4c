# Connections as a stand-in for a service sees them: TLS or plain, one thread each, every byte counted, and the
# moment noticed at which the gateway closes. It knows HTTP/1.1 framing and no service's rules; standard library only.

import json
import re
import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass

RECORD = 16384  # a TLS record's worth: nothing larger is encrypted at once, so `sent` stays honest

_REQUEST_LINE = re.compile(rb"(GET|POST) (/[!-~]*) HTTP/1\.1")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\x80-\xff]*)")

class PeerGone(Exception):
    """The gateway closed the connection (or reset it)."""


class Refused(Exception):
    """The request breaks a rule of the wire; carries the status the real service would answer, and what its error
    body says besides. `blamed=False` where a test made the service refuse: that is nobody's violation."""

    def __init__(self, status, message, blamed=True, **details):
        super().__init__(message)
        self.status, self.blamed, self.details = status, blamed, details


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


class Listener:
    """One port. `context=None` speaks plain HTTP; `greeting` replaces TLS and HTTP by a script of raw bytes."""

    def __init__(self, upstream, context, greeting=None, label="", host="localhost"):
        self.upstream, self.context, self.greeting, self.label = upstream, context, greeting, label
        self.host = host  # by which it is called
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return self.origin + self.upstream.base_path

    @property
    def origin(self):
        return f"{'http' if self.context is None and not self.greeting else 'https'}://{self.host}:{self.port}"

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
