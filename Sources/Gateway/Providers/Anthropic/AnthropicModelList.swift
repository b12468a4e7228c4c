// AnthropicModelList.swift — Anthropic's list of models.
// Pure; borrows the tree. Imported by ModelListCodec.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum AnthropicModelList {
    private typealias Wire = AnthropicModelsWire

    static func appendTarget(cursor: ByteSlice, to target: inout ByteBuffer) {
        target.append(Wire.target)
        guard !cursor.isEmpty else { return }
        target.append(Wire.afterIDQuery)
        target.append(pathSegment: cursor)
    }

    static func appendFields(to fields: inout ByteBuffer) {
        fields.append(MessagesWire.versionField)
        fields.append(": \(AnthropicProvider().effectiveVersion)\r\n")
    }

    static func read(_ root: JSONValue) throws(Failure) -> ModelListPage {
        var page = ModelListPage()
        page.models = try ModelListCodec.models(root[Wire.data], Wire.data, model)
        if root[Wire.hasMore]?.bool == true, let last = root[Wire.lastID]?.string, !last.isEmpty {
            page.next = Array(last.raw)
        }
        return page
    }

    private static func model(_ value: JSONValue) -> CatalogModel? {
        guard let id = ModelListCodec.id(value[Wire.id]?.string) else { return nil }
        return CatalogModel(
            id: id, owner: "\(Wire.owner)",
            displayName: ModelListCodec.text(value[Wire.displayName]),
            createdSeconds: value[Wire.createdAt]?.string.flatMap(seconds),
            contextTokens: ModelListCodec.count(value[Wire.maxInputTokens]),
            outputTokensMax: ModelListCodec.count(value[Wire.maxTokens]))
    }

    /// Seconds since 1970 of `2026-01-01T00:00:00Z` (RFC 3339 section 5.6), fractions of them left
    /// out; nil for what is no time of UTC after 1970.
    static func seconds(_ text: ByteSlice) -> Int? {
        func number(_ place: Int, _ count: Int) -> Int? {
            text[place..<place + count].decimalValue
        }
        guard text.count >= 20, text.count <= 35, text[4] == UInt8(ascii: "-"),
            text[7] == UInt8(ascii: "-"), text[10] | 0x20 == UInt8(ascii: "t"),
            text[13] == ASCII.colon, text[16] == ASCII.colon,
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24,
            minute < 60, second <= 60, isUTC(text.dropFirst(19))
        else { return nil }
        // Years that begin on 1 March, so that a leap day is a year's last.
        let shifted = month <= 2 ? year - 1 : year
        let days =
            shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400
            + (153 * ((month + 9) % 12) + 2) / 5 + day - 1 - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// `Z`, or that with a fraction before it, or an offset of nothing.
    private static func isUTC(_ text: ByteSlice) -> Bool {
        var rest = text
        if rest[0] == UInt8(ascii: ".") {
            var end = 1
            while end < rest.count, ASCII.isDigit(rest[end]) { end += 1 }
            rest = rest.dropFirst(end)
        }
        return rest == "Z" || rest == "z" || rest == "+00:00"
    }
}
