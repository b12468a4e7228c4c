// HTTPHead.swift — the head of a message as ranges into the bytes it came in.
// Made by HTTP1Parser, read by both connection machines and by every handler. Copies nothing.

/// Where one field line lies inside its head.
@frozen
public struct HTTPFieldRange: Sendable {
    /// Offset of the name's first byte.
    public var nameStart: UInt32 = 0
    /// Bytes of the name, > 0.
    public var nameCount: UInt32 = 0
    /// Offset of the value's first byte, white space around it excluded.
    public var valueStart: UInt32 = 0
    /// Bytes of the value.
    public var valueCount: UInt32 = 0
}

/// The field lines of a head, in order of arrival; valid as long as the head is.
@frozen
public struct HTTPFields {
    @usableFromInline let bytes: UnsafePointer<UInt8>
    @usableFromInline let ranges: UnsafePointer<HTTPFieldRange>
    /// How many field lines there are.
    public let count: Int

    @usableFromInline
    init(bytes: UnsafePointer<UInt8>, ranges: UnsafePointer<HTTPFieldRange>, count: Int) {
        self.bytes = bytes
        self.ranges = ranges
        self.count = count
    }

    /// The name of field line `index`, in the spelling of the sender.
    @inlinable
    public func name(_ index: Int) -> ByteSlice {
        precondition(index >= 0 && index < count)
        let range = ranges[index]
        return ByteSlice(bytes + Int(range.nameStart), count: Int(range.nameCount))
    }

    /// The value of field line `index`, without surrounding white space.
    @inlinable
    public func value(_ index: Int) -> ByteSlice {
        precondition(index >= 0 && index < count)
        let range = ranges[index]
        return ByteSlice(bytes + Int(range.valueStart), count: Int(range.valueCount))
    }

    /// The value of the first field line called `name` (lower case), compared without case.
    @inlinable
    public func first(_ name: StaticString) -> ByteSlice? {
        for index in 0..<count
        where ranges[index].nameCount == name.utf8CodeUnitCount
            && self.name(index).equalsIgnoringCase(name)
        {
            return value(index)
        }
        return nil
    }
}

/// How the end of a message body is found (RFC 9112 section 6.3).
public enum BodyFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// The body has this many bytes, > 0.
    case length(UInt64)
    /// The body comes in chunks.
    case chunked
    /// The body ends with the connection; responses only.
    case untilClose
}

/// A message head that has arrived whole. Its slices are valid until the next call of a parser
/// with the same settings.
public struct HTTPHead {
    /// The field lines.
    public let fields: HTTPFields
    /// Requests: the method. Responses: `other`.
    public let method: HTTPMethod
    /// Requests: the request target as sent. Responses: empty.
    public let target: ByteSlice
    /// Responses: the status code. Requests: 0.
    public let status: Int
    /// The minor version: 0 or 1 (the major one is always 1).
    public let minorVersion: Int
    /// How the body ends.
    public let framing: BodyFraming
    /// Whether the sender lets the connection live on behind this message.
    public let keepsAlive: Bool
    /// Whether a Connection field lists `upgrade` and an Upgrade field is there.
    public let asksForUpgrade: Bool
    /// Bytes of the head, the final empty line included.
    public let byteCount: Int
}

/// Request methods that handlers tell apart (RFC 9110 section 9).
@frozen
public enum HTTPMethod: Equatable, Sendable {
    /// GET.
    case get
    /// HEAD.
    case head
    /// POST.
    case post
    /// PUT.
    case put
    /// DELETE.
    case delete
    /// OPTIONS.
    case options
    /// CONNECT, which no server of ours grants.
    case connect
    /// TRACE, which no server of ours answers with an echo.
    case trace
    /// PATCH (RFC 5789).
    case patch
    /// Any other method the parser knows.
    case other

    /// The method's token; `other` has none of its own.
    public var token: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other: "OTHER"
        }
    }
}
