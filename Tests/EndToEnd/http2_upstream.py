# An OpenAI-compatible service that speaks HTTP/2 only. The protocol is the `h2` package's, which refuses what RFC 9113
# refuses: a request it cannot take ends the connection and is written down in `violations`.

import asyncio
import json
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from fake_upstream import UPSTREAM_KEY, completion, error_body, event, text_chunks

# More than fits into the buffers between a server and a client that does not read.
BIG = ("x" * 99_999 + " ") * 200
FORBIDDEN = {"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "proxy-connection", "te"}


class Stream:
    """One request and what became of it."""

    def __init__(self, connection, number, headers):
        self.connection, self.number = connection, number
        self.headers = dict(headers)
        self.pieces = []
        self.reset = None  # the code that the client ended it with
        self.output, self.sent, self.ends = b"", 0, False

    def json(self):
        return json.loads(b"".join(self.pieces))

    def head(self, status=200, content_type="application/json", end=False, extra=()):
        fields = [(":status", str(status)), ("content-type", content_type), ("x-request-id", f"req-{self.number}"), *extra]
        self.connection.h2.send_headers(self.number, fields, end_stream=end)

    def send(self, data, end=False):
        self.output += data
        self.ends = self.ends or end
        self.connection.flush(self)

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.head(status, extra=[("content-length", str(len(data)))])
        self.send(data, end=True)

    def rst(self, code):
        self.connection.h2.reset_stream(self.number, code)


class Connection(asyncio.Protocol):
    def __init__(self, service):
        self.service = service
        self.streams = {}
        self.ended = False

    def connection_made(self, transport):
        self.transport = transport
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        if self.service.streams_max is not None:
            wanted = {SettingCodes.MAX_CONCURRENT_STREAMS: self.service.streams_max}
            self.h2.local_settings = Settings(client=False, initial_values=wanted)
        self.h2.initiate_connection()
        self.write()
        self.service.connections.append(self)

    def connection_lost(self, exc):
        self.ended = True

    def write(self):
        data = self.h2.data_to_send()
        if data:
            self.transport.write(data)

    def data_received(self, data):
        try:
            for happened in self.h2.receive_data(data):
                self.perform(happened)
        except h2.exceptions.ProtocolError as broken:
            self.service.violations.append(repr(broken))
            self.write()
            self.transport.close()
            return
        self.write()

    def perform(self, happened):
        number = getattr(happened, "stream_id", None)
        if isinstance(happened, h2.events.RequestReceived):
            decoded = [(name.decode(), value.decode()) for name, value in happened.headers]
            stream = self.streams[number] = Stream(self, number, decoded)
            self.service.check(stream)
            self.service.open_now += 1
            self.service.open_most = max(self.service.open_most, self.service.open_now)
        elif isinstance(happened, h2.events.DataReceived):
            self.streams[number].pieces.append(happened.data)
            self.h2.acknowledge_received_data(happened.flow_controlled_length, number)
        elif isinstance(happened, h2.events.StreamEnded):
            self.service.requests.append(self.streams[number])
            self.service.play(self.streams[number])
        elif isinstance(happened, h2.events.StreamReset):
            self.streams[number].reset = happened.error_code
            self.service.open_now -= 1
        elif isinstance(happened, h2.events.WindowUpdated):
            for stream in list(self.streams.values()):
                if number in (0, stream.number) and (stream.sent < len(stream.output) or stream.ends):
                    self.flush(stream)
        elif isinstance(happened, h2.events.ConnectionTerminated):
            self.service.goodbyes.append(happened.error_code)

    def flush(self, stream):
        """Sends what the windows allow."""
        if stream.reset is not None or self.ended:
            return
        while stream.sent < len(stream.output):
            room = min(self.h2.local_flow_control_window(stream.number), self.h2.max_outbound_frame_size,
                       len(stream.output) - stream.sent)
            if room <= 0:
                break
            self.h2.send_data(stream.number, stream.output[stream.sent:stream.sent + room])
            stream.sent += room
        if stream.ends and stream.sent == len(stream.output):
            stream.ends = False
            self.h2.end_stream(stream.number)
            self.service.open_now -= 1
        self.write()


class HTTP2Upstream:
    """Listens on localhost; what it does is the model's name, see `play`."""

    def __init__(self, certificates, streams_max=None):
        self.streams_max = streams_max
        self.connections, self.requests, self.violations, self.goodbyes = [], [], [], []
        self.open_now = self.open_most = 0
        self.refused = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.good.certificate, certificates.good.private_key)
        context.set_alpn_protocols(["h2"])
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            make = self.loop.create_server(lambda: Connection(self), "127.0.0.1", 0, ssl=context)
            self.server = self.loop.run_until_complete(make)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        assert started.wait(5)

    @property
    def url(self):
        return f"https://localhost:{self.port}/v1"

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def check(self, stream):
        headers = stream.headers
        for name in headers:
            if name != name.lower() or name in FORBIDDEN:
                self.violations.append(f"field {name}")
        if headers.get(":scheme") != "https" or headers.get(":authority") != f"localhost:{self.port}":
            self.violations.append(f"pseudo fields {headers}")
        if headers.get("authorization") != f"Bearer {UPSTREAM_KEY}":
            self.violations.append("credential")

    def later(self, seconds, act):
        self.loop.call_later(seconds, act)

    def play(self, stream):
        body = stream.json()
        action = body["model"]
        text = BIG if action == "big" else body["messages"][-1]["content"]
        plain = lambda: stream.answer(completion(text, action))  # noqa: E731
        if action == "refuse-once" and not self.refused:
            self.refused = True
            stream.rst(ErrorCodes.REFUSED_STREAM)
        elif action == "refuse":
            stream.rst(ErrorCodes.REFUSED_STREAM)
        elif action == "reset":
            stream.rst(ErrorCodes.INTERNAL_ERROR)
        elif action == "goaway" and not self.refused:
            self.refused = True
            connection = stream.connection
            connection.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=max(stream.number - 2, 0))
            connection.write()
            connection.transport.close()
        elif action == "http11":
            stream.rst(ErrorCodes.HTTP_1_1_REQUIRED)
        elif action == "silent":
            pass
        elif action == "slow":
            self.later(body.get("n", 1) * 0.3, plain)
        elif action == "limited":
            stream.answer(error_body("Slow down.", "rate_limit_exceeded"), 429)
        elif action == "cut":
            stream.head(content_type="text/event-stream")
            stream.send(event(text_chunks(text)[0]))
            self.later(0.1, stream.connection.transport.abort)
        elif action == "half":
            stream.head(content_type="text/event-stream")
            stream.send(event(text_chunks(text)[0]))
            self.later(0.1, lambda: (stream.rst(ErrorCodes.INTERNAL_ERROR), stream.connection.write()))
        elif action == "lies":
            # A body that is longer than the head says.
            stream.head(extra=[("content-length", "2")])
            stream.send(b"{}{}", end=True)
        elif body.get("stream"):
            stream.head(content_type="text/event-stream")
            pieces = [event(one) for one in text_chunks(text, action)] + [event("[DONE]")]
            if action == "endless":
                self.drip(stream, pieces[1])
            elif action == "paced":
                for place, piece in enumerate(pieces):
                    self.later(place * 0.05, lambda piece=piece, last=place == len(pieces) - 1: stream.send(piece, last))
            else:
                stream.send(b"".join(pieces), end=True)
        else:
            plain()

    def drip(self, stream, piece):
        if stream.reset is None and not stream.connection.ended:
            stream.send(piece)
            self.later(0.02, lambda: self.drip(stream, piece))

    def wait(self, what, condition, within=5.0):
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.01)
