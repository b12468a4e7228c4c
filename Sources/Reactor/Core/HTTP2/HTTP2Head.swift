// HTTP2Head.swift — the field lines of one response as they come out of nghttp2, kept in the shape
// that HTTP/1 heads have, so that whoever reads heads need not know which protocol brought them.

import CUV

/// Memory for one response's head; used again for the next.
final class HTTP2Head {
    /// Room for what `HTTP2Limits.fieldCountMax` allows.
    private let ranges: UnsafeMutablePointer<HTTPFieldRange>
    private let limits: HTTP2Limits
    private var bytes = ByteBuffer()
    private var count = 0
    private(set) var status = 0
    private var length: UInt64?
    private var isBroken = false

    init(limits: HTTP2Limits) {
        self.limits = limits
        ranges = .allocate(capacity: limits.fieldCountMax)
    }

    deinit { ranges.deallocate() }

    func begin() {
        bytes.removeAll()
        count = 0
        status = 0
        length = nil
        isBroken = false
    }

    /// Takes one field line, whose syntax nghttp2 has checked (RFC 9113 section 8.2.1).
    /// - Returns: false above a limit; the rest of the head is then dropped.
    func append(name: ByteSlice, value: ByteSlice) -> Bool {
        guard !isBroken else { return false }
        if name.count > 0, name[0] == 0x3A {
            // Of the pseudo fields a response has this one only.
            status = value.decimalValue ?? 0
            return true
        }
        guard count < limits.fieldCountMax,
            bytes.count + name.count + value.count <= limits.headBytesMax
        else {
            isBroken = true
            return false
        }
        if name.equalsIgnoringCase("content-length") {
            length = value.decimalValue.map(UInt64.init)
        }
        var range = HTTPFieldRange()
        range.nameStart = UInt32(bytes.count)
        range.nameCount = UInt32(name.count)
        bytes.append(name)
        range.valueStart = UInt32(bytes.count)
        range.valueCount = UInt32(value.count)
        bytes.append(value)
        ranges[count] = range
        count += 1
        return true
    }

    /// The head; its slices are valid until `begin`.
    func head(endsStream: Bool) -> HTTPHead {
        let framing: BodyFraming =
            if endsStream {
                .none
            } else if let length, length > 0 {
                .length(length)
            } else {
                // As with chunks, the end is told by the framing.
                .chunked
            }
        return HTTPHead(
            fields: HTTPFields(bytes: bytes.slice.base, ranges: ranges, count: count),
            method: .other, target: .empty, status: status, minorVersion: 1, framing: framing,
            keepsAlive: true, asksForUpgrade: false, byteCount: bytes.count)
    }
}
