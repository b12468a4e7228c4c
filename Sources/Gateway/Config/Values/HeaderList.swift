// HeaderList.swift — header fields in one text, as OpenTelemetry's variables have them. Pure.
// Source: OpenTelemetry Protocol Exporter specification, "Specifying headers via environment variables".

import GatewayModel
import ReactorCore

enum HeaderList {
    /// `name=value` with commas between; values may be percent-encoded.
    static func parse(_ text: String) throws(Refusal) -> [HeaderConfiguration] {
        var found: [HeaderConfiguration] = []
        for item in text.split(separator: ",") {
            guard let sign = item.firstIndex(of: "=") else {
                throw Refusal("is not a list of name=value with commas between")
            }
            let name = try OperatorName.checkField(trimmed(item[..<sign]))
            let value = try decoded(trimmed(item[item.index(after: sign)...]))
            found.append(HeaderConfiguration(name: name, value: Secret(value)))
        }
        return found
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " { text.removeFirst() }
        while let last = text.last, last == " " { text.removeLast() }
        return String(text)
    }

    private static func decoded(_ text: String) throws(Refusal) -> String {
        var bytes: [UInt8] = []
        let encoded = Array(text.utf8)
        var index = 0
        while index < encoded.count {
            if encoded[index] == UInt8(ascii: "%"), index + 2 < encoded.count,
                let high = ASCII.hexValue(encoded[index + 1]),
                let low = ASCII.hexValue(encoded[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(encoded[index])
                index += 1
            }
        }
        guard bytes.allSatisfy({ ASCII.isVisible($0) || $0 == ASCII.space }) else {
            throw Refusal("holds a character that a header field cannot hold")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
