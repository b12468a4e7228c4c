// JSONPicksTests.swift — what is found, and that a broken document is refused as by walking it. That
// picking and walking find the same in any document is JSONScannerCheck's.

import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONPicksTests {
    /// 0 to 3, within `choices` 4, within `usage` 5 and 6, within its `details` 7.
    private static let picks = JSONPicks(
        .known("id"), .wanted("model"),
        .within("choices", JSONPicks(.known("index"), .wanted("finish_reason"))),
        .within(
            "usage",
            JSONPicks(.wanted("n"), .within("details", JSONPicks(.wanted("cached_tokens"))))),
        .wanted("error"))

    private static func find(_ bytes: ByteSlice) throws(JSONFailure) -> [String] {
        var scanner = JSONScanner(bytes)
        var found = JSONFound()
        try scanner.find(picks, &found)
        try scanner.finish()
        return (0..<8).map { number in
            let text = found[number].map { bytes[$0.range].string } ?? "-"
            return found.isRepeated(number) ? text + " again" : text
        }
    }

    @Test(arguments: [
        (
            #"{"id":"x","model":"m","choices":[{"index":0,"finish_reason":"a"},{"index":1,"finish_reason":"b"}],"usage":{"n":1,"details":{"cached_tokens":2}},"error":null}"#,
            [#""m""#, "[", "{", "null", #""b" again"#, "1", "{", "2"]
        ),
        // Another order, white space, names that are not known.
        (
            #"{ "z":[{"model":1}], "usage" : {"more":{"n":3},"details":[],"n":4} ,"error":{"model":2},"choices":{"finish_reason":"c"},"model":"m"}"#,
            [#""m""#, "{", "{", #"{"model":2}"#, #""c""#, "4", "[", "-"]
        ),
        // What stood within a member that comes again does not count.
        (
            #"{"usage":{"n":1},"model":1,"usage":{"details":{}},"mod\u0065l":2}"#,
            ["2 again", "-", "{ again", "-", "-", "-", "{", "-"]
        ),
        ("{}", ["-", "-", "-", "-", "-", "-", "-", "-"]),
        (
            #"{"choices":[[{"finish_reason":1}],3,{},[]],"usage":[[[[[[{"n":1}]]]]]]}"#,
            ["-", "[", "[", "-", "-", "-", "-", "-"]
        ),
        ("[1]", ["-", "-", "-", "-", "-", "-", "-", "-"]),
    ])
    func finds(_ document: String, _ expected: [String]) throws {
        #expect(try document.withByteSlice { try Self.find($0) } == expected)
        for count in 0..<document.utf8.count {
            let failure = document.withByteSlice { Self.findFailure($0.prefix(count)) }
            #expect(failure != nil, "\(count)")
        }
    }

    @Test(arguments: [
        "{\"model\":}", "{\"model\":1,}", "{\"choices\":[1,]}", "{\"choices\":[{]}",
        "{\"usage\":{\"n\":1]}", "{\"model\":1 2}", "{model:1}", "{\"model\" 1}",
        "{\"usage\":{},,}", "{\"usage\":{}]", "{,}", "{\"a\":1}x", "{\"model\":01}",
        "{\"model\":tru}", "{\"usage\":\"\u{1}\"}",
    ])
    func refuses(_ document: String) {
        let found = document.withByteSlice { Self.findFailure($0) }
        #expect(found != nil && found == document.withByteSlice { Self.validateFailure($0) })
    }

    /// As deep as documents may be, and one deeper.
    @Test func depth() {
        for (depth, isAccepted) in [(JSONScanner.depthLimit, true), (129, false)] {
            for (open, close) in [("{\"usage\":", "}"), ("[", "]")] {
                let inner = depth - 2
                let text =
                    "{\"choices\":" + String(repeating: open, count: inner) + "[]"
                    + String(repeating: close, count: inner) + "}"
                let failure = text.withByteSlice { Self.findFailure($0) }
                #expect((failure == nil) == isAccepted, "\(depth) \(open)")
                #expect(failure == text.withByteSlice { Self.validateFailure($0) })
            }
        }
    }

    // The compiler does not survive these as closures.

    private static func findFailure(_ bytes: ByteSlice) -> JSONFailure? {
        do throws(JSONFailure) {
            _ = try find(bytes)
            return nil
        } catch { return error }
    }

    private static func validateFailure(_ bytes: ByteSlice) -> JSONFailure? {
        do throws(JSONFailure) {
            _ = try JSONScanner.validate(bytes)
            return nil
        } catch { return error }
    }
}
