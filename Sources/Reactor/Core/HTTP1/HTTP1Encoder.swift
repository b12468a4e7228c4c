// HTTP1Encoder.swift — the fixed parts of outgoing messages.

/// Status lines and chunk framing (RFC 9112 sections 4 and 7.1).
public enum HTTP1Encoder {
    /// Room for the size line of a chunk that is still being filled: six digits and CR LF.
    public static let chunkPlaceholder: StaticString = "000000\r\n"
    /// The largest chunk that six hexadecimal digits can announce.
    static let chunkBytesMax = 0xFF_FFFF

    /// Writes the size of the chunk whose placeholder is at `start` and its closing CR LF. A chunk
    /// that stayed empty is taken back: an empty chunk would end the body.
    public static func closeChunk(startingAt start: Int, in buffer: inout ByteBuffer) {
        let size = buffer.count - start - chunkPlaceholder.utf8CodeUnitCount
        guard size > 0 else {
            buffer.truncate(to: start)
            return
        }
        precondition(size <= chunkBytesMax, "chunk over 16 MiB")
        var digits: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { raw in
            for index in 0..<6 {
                let nibble = UInt8(truncatingIfNeeded: size >> ((5 - index) * 4)) & 0xF
                raw[index] = nibble < 10 ? ASCII.zero + nibble : 0x61 + nibble - 10
            }
            buffer.overwrite(at: start, with: ByteSlice(UnsafeRawBufferPointer(raw)))
        }
        buffer.append("\r\n" as StaticString)
    }

    /// Appends `HTTP/1.1 200 OK` and its line end.
    public static func appendStatusLine(_ status: Int, to buffer: inout ByteBuffer) {
        if status == 200 {
            buffer.append("HTTP/1.1 200 OK\r\n" as StaticString)
            return
        }
        buffer.append("HTTP/1.1 " as StaticString)
        buffer.append(decimal: status)
        buffer.append(ASCII.space)
        buffer.append(reason(status))
        buffer.append("\r\n" as StaticString)
    }

    /// The usual phrase for a status (RFC 9110 section 15); empty for one without.
    public static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 529: "Overloaded"
        default: ""
        }
    }
}
