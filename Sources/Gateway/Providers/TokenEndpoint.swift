// TokenEndpoint.swift — an http or https URL without user, query and fragment, cut into what a
// connection and a request line need; and percent-encoding. Pure. Strict: these URLs come from files
// and from servers, and a credential goes where they point.

import GatewayModel
import ReactorCore

/// Where a token is asked for.
package struct TokenEndpoint: Equatable, Sendable {
    package let usesTLS: Bool
    /// A name or address in lower case, without brackets.
    package let host: String
    package let port: Int
    /// Empty, or from the first slash on.
    package let path: String

    package init(usesTLS: Bool, host: String, port: Int, path: String) {
        self.usesTLS = usesTLS
        self.host = host
        self.port = port
        self.path = path
    }

    /// `http[s]://host[:port][/path]`; nil for anything else.
    package static func parse(_ url: String) -> TokenEndpoint? {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ ASCII.isVisible($0) }),
            !url.utf8.contains(where: { "?#@\\\"<>".utf8.contains($0) })
        else { return nil }
        let lower = url.lowercased()
        let usesTLS = lower.hasPrefix("https://")
        guard usesTLS || lower.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(usesTLS ? 8 : 7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let (host, port) = hostAndPort(rest[..<slash].lowercased()) else { return nil }
        return TokenEndpoint(
            usesTLS: usesTLS, host: host, port: port ?? (usesTLS ? 443 : 80),
            path: String(rest[slash...]))
    }

    private static func hostAndPort(_ text: String) -> (String, Int?)? {
        var host = Substring(text)
        var behind = Substring()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            behind = text[text.index(after: end)...]
            guard host.contains(":"),
                host.utf8.allSatisfy({ ASCII.hexValue($0) != nil || $0 == 0x3A || $0 == 0x2E })
            else { return nil }
        } else {
            if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                behind = text[colon...]
            }
            let isName = host.utf8.allSatisfy {
                ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x2E
            }
            guard isName, !host.isEmpty, !host.hasPrefix("."), !host.contains("..") else {
                return nil
            }
        }
        guard host.utf8.count <= 253 else { return nil }
        if behind.isEmpty { return (String(host), nil) }
        let digits = behind.dropFirst()
        guard behind.hasPrefix(":"), !digits.isEmpty, digits.utf8.allSatisfy(ASCII.isDigit),
            let port = Int(digits), (1...65_535).contains(port)
        else { return nil }
        return (String(host), port)
    }

    /// The Host value: without the port where it is the scheme's own.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (usesTLS ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Scheme and authority.
    package var origin: String { "\(usesTLS ? "https" : "http")://\(authority)" }

    package var url: String { origin + path }

    /// Whether a credential sent there can be read by others on the way: no TLS, and not this
    /// machine.
    package var isExposed: Bool {
        !usesTLS && host != "localhost" && host != "::1" && !host.hasPrefix("127.")
    }
}

/// `name=value` pairs, percent-encoded, as forms and queries have them.
struct FormWriter: ~Copyable {
    private var text = ByteBuffer()

    mutating func add(_ name: StaticString, _ value: ByteSlice) {
        if !text.isEmpty { text.append(0x26 as UInt8) }
        text.append(name)
        text.append(0x3D as UInt8)
        text.append(percentEncoding: value)
    }

    mutating func add(_ name: StaticString, _ value: StaticString) { add(name, ByteSlice(value)) }
    mutating func add(_ name: StaticString, _ value: String) {
        value.withByteSlice { add(name, $0) }
    }
    mutating func add(_ name: StaticString, _ value: Secret) {
        value.withBytes { add(name, $0) }
    }

    /// What was written.
    var secret: Secret { Secret(text.slice) }

    /// What was written, behind `path` and a question mark.
    func target(_ path: String) -> Secret {
        var target = ByteBuffer()
        target.append(path.isEmpty ? "/" : path)
        target.append(0x3F as UInt8)
        target.append(text.slice)
        return Secret(target.slice)
    }
}

extension ByteBuffer {
    /// Appends `bytes` with everything but unreserved characters (RFC 3986 section 2.3) escaped.
    fileprivate mutating func append(percentEncoding bytes: ByteSlice) {
        let digits = ByteSlice("0123456789ABCDEF" as StaticString)
        for index in 0..<bytes.count {
            let byte = bytes[index]
            switch byte {
            case _ where ASCII.isLetter(byte) || ASCII.isDigit(byte): append(byte)
            case 0x2D, 0x2E, 0x5F, 0x7E: append(byte)
            default:
                append(0x25 as UInt8)
                append(digits[Int(byte >> 4)])
                append(digits[Int(byte & 15)])
            }
        }
    }
}

/// Reads queries.
enum QueryReader {
    /// The value of the first parameter called `name` in the query of `url`, decoded.
    static func value(of name: String, in url: String) -> String? {
        guard let mark = url.firstIndex(of: "?") else { return nil }
        let query = url[url.index(after: mark)...].prefix { $0 != "#" }
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == name { return parts.count == 2 ? decoded(parts[1]) : "" }
        }
        return nil
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x2B: bytes.append(ASCII.space)
            case 0x25:
                guard let high = rest.popFirst().flatMap(ASCII.hexValue),
                    let low = rest.popFirst().flatMap(ASCII.hexValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
