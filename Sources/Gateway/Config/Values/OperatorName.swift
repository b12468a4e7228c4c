// OperatorName.swift — names that the operator makes up, and which ones will do.

import ReactorCore

/// Judges names of providers, keys, models and header fields.
enum OperatorName {
    private static let lengthMax = 64

    /// For providers and keys: no slash, because `provider/model` is a way to route.
    static func check(_ name: String) throws(Refusal) -> String {
        let isPlain = name.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
        }
        guard isPlain, (1...lengthMax).contains(name.utf8.count) else {
            throw Refusal("is not a name: up to \(lengthMax) letters, digits, '-', '_' and '.'")
        }
        return name
    }

    /// For models: what a client may ask for, with one `*` for any run of characters.
    static func checkModel(_ name: String) throws(Refusal) -> String {
        guard (1...256).contains(name.utf8.count), name.utf8.allSatisfy({ ASCII.isVisible($0) })
        else { throw Refusal("is not a model's name") }
        guard name.utf8.count(where: { $0 == UInt8(ascii: "*") }) <= 1 else {
            throw Refusal("holds more than one '*'")
        }
        return name
    }

    /// Fields that a proxy decides by itself: framing, the connection's own (RFC 9110 section
    /// 7.6.1), and what the gateway sets on every request.
    private static let ownFields: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "content-length", "expect", "host", "accept-encoding", "content-type",
    ]

    /// For fields that are sent to a provider.
    static func checkField(_ name: String) throws(Refusal) -> String {
        guard !name.isEmpty, name.utf8.count <= 256, name.utf8.allSatisfy({ ASCII.isToken($0) })
        else { throw Refusal("is not the name of a header field") }
        guard !ownFields.contains(name.lowercased()) else {
            throw Refusal("is a header field that the gateway itself must decide")
        }
        return name
    }
}
