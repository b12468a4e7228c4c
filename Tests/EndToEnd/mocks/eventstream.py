# AWS event-stream frames, both ways: `encode` for the mocks, `Decoder` for the tests that look at what they sent.
# total u32 | headers u32 | crc of those 8 bytes | headers | payload | crc of all before; big-endian, IEEE CRC.

import json
import struct
import zlib

STRING = 7
LIMIT_HEADERS, LIMIT_PAYLOAD = 128 * 1024, 24 * 1024 * 1024


def encode(headers, payload=b""):
    """One frame; `headers` are (name, text) and get type 7, `payload` is bytes or something to write as JSON."""
    if not isinstance(payload, bytes):
        payload = json.dumps(payload, separators=(",", ":")).encode()
    block = b"".join(
        bytes([len(name)]) + name.encode() + struct.pack(">BH", STRING, len(value.encode())) + value.encode()
        for name, value in headers
    )
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, payload, content_type="application/json"):
    return encode([(":event-type", kind), (":content-type", content_type), (":message-type", "event")], payload)


def exception(kind, message):
    return encode([(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")],
                  {"message": message})


def error(code, message):
    return encode([(":error-code", code), (":error-message", message), (":message-type", "error")])


class BadFrame(Exception):
    pass


class Decoder:
    """Bytes in any pieces in, (headers, payload) out; raises BadFrame, and at `end()` if something is left over."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= 12:
            total, length, crc = struct.unpack(">III", self.buffer[:12])
            if crc != zlib.crc32(self.buffer[:8]):
                raise BadFrame("the prelude's checksum")
            if total < 16 + length or length > LIMIT_HEADERS or total - length - 16 > LIMIT_PAYLOAD:
                raise BadFrame("lengths")
            if len(self.buffer) < total:
                return
            message, self.buffer = self.buffer[:total], self.buffer[total:]
            if struct.unpack(">I", message[-4:])[0] != zlib.crc32(message[:-4]):
                raise BadFrame("the frame's checksum")
            yield _headers(message[12 : 12 + length]), message[12 + length : -4]

    def end(self):
        if self.buffer:
            raise BadFrame(f"{len(self.buffer)} bytes of a frame that never ended")


def _headers(block):
    headers, at = {}, 0
    while at < len(block):
        name = block[at + 1 : at + 1 + block[at]].decode()
        at += 1 + block[at]
        kind, length = struct.unpack(">BH", block[at : at + 3])
        if kind != STRING or name in headers:
            raise BadFrame(f"header {name}")
        headers[name] = block[at + 3 : at + 3 + length].decode()
        at += 3 + length
    return headers


def decode(data):
    """All frames of a whole body."""
    decoder = Decoder()
    frames = list(decoder.feed(data))
    decoder.end()
    return frames
