// JSONScannerCheck.swift — what must hold of the JSON scanner for any bytes at all.
// Called by the fuzz target with made-up bytes and by the tests with the corpus and with mutated
// documents. The oracle is the other reader, yyjson.

import CUV
import GatewayCodec
import ReactorCore

/// Checks of the JSON scanner; each answers what is wrong, or nil.
package enum JSONScannerCheck {
    /// Both readers accept or both refuse, but for depth, which only the scanner bounds; and
    /// however a document is walked, ranges lie inside it and what skipping accepts is accepted.
    package static func run(_ raw: UnsafeRawBufferPointer) -> String? {
        let bytes = ByteSlice(raw)
        let failure = failure(of: bytes)
        if let failure {
            if failure.offset < 0 || failure.offset > bytes.count { return "offset outside" }
            if failure.kind == .tooDeep { return nil }
        }
        if isAcceptedByYYJSON(bytes) != (failure == nil) {
            return "the readers differ: \(failure.map { "\($0)" } ?? "accepted here")"
        }
        guard failure == nil else { return nil }
        do throws(JSONFailure) {
            var scanner = JSONScanner(bytes)
            var walk = Walk()
            try walk.value(&scanner, levels: 2)
            try scanner.finish()
            return walk.complaint
        } catch { return "walking fails where skipping does not: \(error)" }
    }

    package static func isAcceptedByYYJSON(_ bytes: ByteSlice) -> Bool {
        let text = UnsafeRawPointer(bytes.base).assumingMemoryBound(to: CChar.self)
        guard let document = yyjson_read(text, bytes.count, YYJSON_READ_NOFLAG) else {
            return false
        }
        yyjson_doc_free(document)
        return true
    }

    private static func failure(of bytes: ByteSlice) -> JSONFailure? {
        do throws(JSONFailure) {
            try JSONScanner.validate(bytes)
            return nil
        } catch { return error }
    }

    /// Walks a few levels by keys, elements and names.
    private struct Walk {
        static let names = JSONNames("model", "a", "finish_reason")

        var complaint: String?
        private var last = 0

        mutating func value(
            _ scanner: inout JSONScanner, levels: Int
        ) throws(JSONFailure) {
            if scanner.comesObject, levels > 0 {
                try names(of: scanner)
                try scanner.beginObject()
                while let key = try scanner.nextKey() {
                    check(key.range, scanner)
                    try value(&scanner, levels: levels - 1)
                    last = scanner.offset
                }
            } else if scanner.comesArray, levels > 0 {
                try scanner.beginArray()
                while try scanner.nextElement() { try value(&scanner, levels: levels - 1) }
            } else {
                let kind = scanner.valueKind
                var counting = scanner
                let value = try scanner.value()
                let count = value.kind == .number ? scanner.bytes(value.range).decimalValue : nil
                if try counting.count() != count || counting.offset != scanner.offset {
                    complaint = "a count differs"
                }
                if value.kind != kind { complaint = "kinds differ" }
                check(value.range, scanner)
                if value.kind == .string { check(string: value, scanner) }
            }
        }

        /// A list of names finds what walking every key finds.
        private mutating func names(of scanner: JSONScanner) throws(JSONFailure) {
            var byName = scanner
            var byKey = scanner
            var guess = 0
            try byName.beginObject()
            try byKey.beginObject()
            while let member = try byKey.nextMember() {
                var plain = ByteBuffer()
                plain.append(jsonUnescaping: byKey.bytes(member.key.range))
                let isNamed =
                    plain.slice == "model" || plain.slice == "a" || plain.slice == "finish_reason"
                guard isNamed else { continue }
                let likely = guess
                guard let name = try byName.nextName(in: Self.names, likely: likely),
                    name.hasEscapes == member.key.hasEscapes,
                    try byName.value().range == member.value.range
                else {
                    complaint = "a name is not found"
                    return
                }
                guess = name.index + 1
            }
            if try byName.nextName(in: Self.names) != nil { complaint = "a name too many" }
        }

        private mutating func check(_ range: Range<Int>, _ scanner: JSONScanner) {
            if range.lowerBound < last { complaint = "ranges overlap" }
            last = range.upperBound
            _ = scanner.bytes(range)
        }

        private mutating func check(string value: JSONSpan, _ scanner: JSONScanner) {
            let inside = scanner.bytes(value.inside)
            var plain = ByteBuffer()
            plain.append(jsonUnescaping: inside)
            if !value.hasEscapes, plain.count != inside.count { complaint = "an unseen escape" }
            var again = ByteBuffer()
            again.append(jsonEscaping: plain.slice)
            var back = ByteBuffer()
            back.append(jsonUnescaping: again.slice)
            if !(back.slice == plain.slice) { complaint = "escaping and back differs" }
        }
    }
}
