import FuzzChecks
import GatewayCodec
import ReactorCore
import TestSupport
import Testing

@Suite struct JSONScannerTests {
    @Test func yieldsMembersInOrder() throws {
        let text = #"""
             {"s" : "a\n", "n":-1.5e3,"t":true,"f":false ,"z":null,"a":[1,{"x":[]}],"o":{"k":"}"},
            "k\u0065y":"plain" } 
            """#
        let seen = try text.withByteSlice { (bytes) throws(JSONFailure) -> [String] in
            var scanner = JSONScanner(bytes)
            var seen: [String] = []
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                let marks =
                    (member.key.hasEscapes ? "!" : "") + (member.value.hasEscapes ? "?" : "")
                let key = scanner.bytes(member.key.range).string
                let value = scanner.bytes(member.value.range).string
                seen.append("\(key)\(marks)=\(member.value.kind) \(value)")
            }
            try scanner.finish()
            return seen
        }
        #expect(
            seen == [
                #"s?=string "a\n""#, "n=number -1.5e3", "t=true true", "f=false false",
                "z=null null", #"a=array [1,{"x":[]}]"#, #"o=object {"k":"}"}"#,
                #"k\u0065y!=string "plain""#,
            ])
    }

    @Test func entersWhatTheCallerCaresFor() throws {
        let text = #"{"a":[{"i":1,"r":"stop"},{},{"r":null}],"b":[],"c":{}}"#
        let seen = try text.withByteSlice { (bytes) throws(JSONFailure) -> [String] in
            var scanner = JSONScanner(bytes)
            var seen: [String] = []
            try scanner.beginObject()
            while let key = try scanner.nextKey() {
                guard scanner.valueKind == .array else {
                    seen.append("\(scanner.bytes(key.range).string) skipped")
                    try scanner.value()
                    continue
                }
                try scanner.beginArray()
                while try scanner.nextElement() {
                    try scanner.beginObject()
                    while let member = try scanner.nextMember() {
                        seen.append(scanner.bytes(member.value.range).string)
                    }
                }
                seen.append("end")
            }
            try scanner.finish()
            return seen
        }
        #expect(seen == ["1", "\"stop\"", "null", "end", "end", "c skipped"])
    }

    @Test(arguments: JSONSamples.refused)
    func refuses(_ text: String, _ kind: JSONFailure.Kind, _ offset: Int) {
        let expected = JSONFailure(kind: kind, offset: offset)
        #expect(throws: expected) { try text.withByteSlice { _ = try JSONScanner.validate($0) } }
    }

    @Test(
        arguments: [
            [0x22, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE0, 0x9F, 0xBF, 0x22],
            [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF0, 0x8F, 0xBF, 0xBF, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
            [0x22, 0xE2, 0x82, 0x22, 0x22], [0x22, 0xFF, 0x22], [0x22, 0x1F, 0x22],
            [0x22, 0x00, 0x22],
        ] as [[UInt8]])
    func refusesWhatIsNoCharacter(_ bytes: [UInt8]) {
        // Also behind the blocks of 16 and 64 bytes that are taken at once.
        for padding in [0, 1, 14, 15, 16, 17, 63, 64, 79, 80, 200] {
            var document = bytes
            document.insert(contentsOf: [UInt8](repeating: 0x61, count: padding), at: 1)
            #expect(document.kind == nil, "padding \(padding)")
            document.replaceSubrange(padding + 1..<document.count - 1, with: Array("é€😀".utf8))
            #expect(document.kind == .string, "padding \(padding)")
        }
    }

    @Test func boundsTheDepth() throws {
        for (depth, depthMax) in [(128, 128), (129, 128), (1, 1), (2, 1), (100_000, 128)] {
            for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
                let text =
                    String(repeating: opening, count: depth) + "0"
                    + String(repeating: closing, count: depth)
                let kind = text.withByteSlice { try? JSONScanner.validate($0, depthMax: depthMax) }
                #expect((kind != nil) == (depth <= depthMax))
            }
        }
        // A level that the caller entered counts as one that was skipped.
        let failure = #"[[[1]]]"#.withByteSlice { (bytes) -> JSONFailure? in
            do throws(JSONFailure) {
                var scanner = JSONScanner(bytes, depthMax: 2)
                try scanner.beginArray()
                _ = try scanner.nextElement()
                try scanner.value()
                return nil
            } catch { return error }
        }
        #expect(failure == JSONFailure(kind: .tooDeep, offset: 2))
    }

    /// Which kind of container closes next is remembered over all 128 levels, mixed as they come.
    @Test func remembersEveryLevel() {
        for pattern in 1..<12 {
            var opening = ""
            var closing = ""
            for level in 0..<128 {
                let isObject = level % (pattern + 1) == 0 || level % 5 == pattern % 5
                opening += isObject ? "{\"a\":" : "["
                closing = (isObject ? "}" : "]") + closing
            }
            let text = Array((opening + "0" + closing).utf8)
            #expect(text.kind != nil)
            // Any single bracket closed as the other kind is seen.
            for index in text.count - 128..<text.count {
                var wrong = text
                wrong[index] =
                    wrong[index] == ASCII.closeBrace ? ASCII.closeBracket : ASCII.closeBrace
                #expect(wrong.kind == nil, "pattern \(pattern), byte \(index)")
            }
        }
    }

    /// A list of names finds what walking every key finds.
    @Test(arguments: [
        #"{"index":1,"delta":2,"finish_reason":3}"#,
        #"{"x":0,"delta":{"delta":9},"y":[1],"index":1}"#,
        #"{}"#, #"{"inde":1,"indexx":2,"finish_reasom":3,"finish_reaso":4,"finish_reason_":5}"#,
        #"{ "ind\u0065x" : 1 , "a":"b", "delta" : 2 }"#, #"{"delta":1,"delta":2}"#, #"{"delta":7}"#,
        #"{"a":1,"delta":-1.5e3}"#, #"{"a":"\n","index":"\"","b":{"index":1},"delta":null}"#,
    ])
    func findsNames(_ text: String) throws {
        let expected = try text.withByteSlice { (bytes) throws(JSONFailure) in
            try Self.walked(bytes)
        }
        let found = try text.withByteSlice { (bytes) throws(JSONFailure) in
            try Self.looked(bytes)
        }
        #expect(found == expected)
        for ahead in 0...3 {
            let found = try text.withByteSlice { try Self.guessed($0, ahead: ahead) }
            #expect(found == expected, "guessing \(ahead) ahead")
        }
        // Cut anywhere, it fails.
        for count in 0..<text.utf8.count {
            #expect(text.withByteSlice { Self.failsToLook($0.prefix(count)) }, "\(count)")
        }
    }

    private static let names = JSONNames("index", "delta", "finish_reason")
    private static let plainNames = ["index", "delta", "finish_reason"]

    private static func walked(_ bytes: ByteSlice) throws(JSONFailure) -> [String] {
        var found: [String] = []
        var scanner = JSONScanner(bytes)
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            var key = ByteBuffer()
            key.append(jsonUnescaping: scanner.bytes(member.key.range))
            guard plainNames.contains(key.string) else { continue }
            let value = scanner.bytes(member.value.range).string
            found.append("\(key.string) \(member.key.hasEscapes) \(value)")
        }
        try scanner.finish()
        return found
    }

    private static func looked(_ bytes: ByteSlice) throws(JSONFailure) -> [String] {
        var found: [String] = []
        var scanner = JSONScanner(bytes)
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names) {
            let value = scanner.bytes(try scanner.value().range).string
            found.append("\(plainNames[name.index]) \(name.hasEscapes) \(value)")
        }
        try scanner.finish()
        return found
    }

    /// The same, guessing which name comes next: right, one too far, or beyond the list.
    private static func guessed(_ bytes: ByteSlice, ahead: Int) throws(JSONFailure) -> [String] {
        var found: [String] = []
        var scanner = JSONScanner(bytes)
        var likely = ahead
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names, likely: likely) {
            likely = name.index + 1 + ahead
            let value = scanner.bytes(try scanner.value().range).string
            found.append("\(plainNames[name.index]) \(name.hasEscapes) \(value)")
        }
        try scanner.finish()
        return found
    }

    private static func failsToLook(_ bytes: ByteSlice) -> Bool {
        do throws(JSONFailure) {
            _ = try looked(bytes)
            return false
        } catch {
            do throws(JSONFailure) { _ = try guessed(bytes, ahead: 0) } catch let guessing {
                return error == guessing && error.offset <= bytes.count
            }
            return false
        }
    }

    private static let lengths: [(names: JSONNames, name: String)] = [
        (JSONNames("a"), "a"), (JSONNames("seven.."), "seven.."),
        (JSONNames("eight..."), "eight..."), (JSONNames("nine....."), "nine....."),
        (JSONNames("sixteen........."), "sixteen........."),
        (JSONNames("seventeen........"), "seventeen........"),
        (JSONNames("of thirty-one bytes............"), "of thirty-one bytes............"),
        (JSONNames("of thirty-two bytes............."), "of thirty-two bytes............."),
        (JSONNames("of thirty-three bytes............"), "of thirty-three bytes............"),
    ]

    /// Names of every length, and those that differ from them in one byte.
    @Test func namesOfEveryLength() throws {
        for (names, name) in Self.lengths {
            var texts = [(name, true), (name + "x", false), (String(name.dropLast()), false)]
            for index in name.indices {
                texts.append(
                    (name.replacingCharacters(at: index, by: "#"), false))
            }
            for (text, isNamed) in texts {
                for tail in ["", " ", ",\"z\":[]", ",\"a long name behind it, and a value\":\"x\""]
                {
                    for likely in [0, 1] {
                        let found = try "{\"\(text)\":1\(tail)}".withByteSlice {
                            try Self.first(of: names, likely, in: $0)
                        }
                        #expect(found == (isNamed ? 1 : nil), "\(text) \(tail)")
                    }
                }
            }
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("7", 7), ("123456789012345", 123_456_789_012_345),
            ("9007199254740993", 9_007_199_254_740_993),
            ("9223372036854775808", nil), ("-1", nil), ("1.0", nil), ("1e2", nil), ("true", nil),
            ("\"1\"", nil), ("[1]", nil), ("null", nil),
        ] as [(String, Int?)])
    func counts(_ text: String, _ expected: Int?) throws {
        for tail in ["", " ", "\n"] {
            let found = try "[\(text)\(tail),2]".withByteSlice { try Self.counts($0) }
            #expect(found == [expected, 2])
        }
    }

    @Test(arguments: ["01", "1x", "1 2", "--1", "1."])
    func noCounts(_ text: String) {
        #expect(throws: JSONFailure.self) {
            try "[\(text)]".withByteSlice { try Self.counts($0) }
        }
    }

    // The compiler does not survive these as closures.

    private static func first(
        of names: JSONNames, _ likely: Int, in bytes: ByteSlice
    ) throws(JSONFailure) -> Int? {
        var scanner = JSONScanner(bytes)
        try scanner.beginObject()
        guard try scanner.nextName(in: names, likely: likely) != nil else { return nil }
        return try scanner.count()
    }

    private static func counts(_ bytes: ByteSlice) throws(JSONFailure) -> [Int?] {
        var counts: [Int?] = []
        var scanner = JSONScanner(bytes)
        try scanner.beginArray()
        while try scanner.nextElement() { counts.append(try scanner.count()) }
        try scanner.finish()
        return counts
    }

    /// What ends a plain run, in every place of a block of sixteen bytes and across its end.
    @Test func stringsOfEveryLength() {
        let pieces: [(text: String, isValid: Bool)] = [
            ("", true), ("\\\"", true), ("\\\\", true), ("\\n\\t", true), ("\\u00e9", true),
            ("\\ud83d\\ude00", true), ("é", true), ("漢字", true), ("🙂\\\"é", true),
            ("\u{1}", false), ("\\x", false), ("\\ud83d", false), ("\\u12g4", false),
        ]
        for (piece, isValid) in pieces {
            for before in 0...33 {
                for behind in [0, 1, 5, 14, 15, 16, 17, 40] {
                    let inside =
                        String(repeating: "a", count: before) + piece + "b"
                        + String(repeating: "c", count: behind) + piece
                    let text = "[\"\(inside)\",1]"
                    let end = text.withByteSlice { JSONScanner.endOfString(in: $0, from: 2) }
                    #expect(end == (isValid ? 2 + inside.utf8.count : nil), "\(text)")
                }
            }
        }
    }

    @Test(arguments: [
        ("1e308", true), ("1e309", false), ("-1e309", false), ("1e-999999999999999999999", true),
        ("1e999999999999999999999", false), ("0e999999", true), ("0.0e999999", true),
        ("1.7976931348623157e308", true), ("1.7976931348623158e308", true),
        ("1.7976931348623159e308", false), ("17976931348623159e292", false),
        ("0.00017976931348623159e312", false), ("0.00017976931348623157e312", true),
        (String(repeating: "9", count: 308), true), (String(repeating: "9", count: 309), false),
        ("0." + String(repeating: "0", count: 400) + "1e700", true),
        ("0." + String(repeating: "0", count: 400) + "1e710", false),
    ])
    func knowsTheLargestNumber(_ text: String, _ isAccepted: Bool) {
        #expect((Array(text.utf8).kind == .number) == isAccepted)
        #expect(Array(text.utf8).isAcceptedByYYJSON == isAccepted)
    }

    @Test func failsOnEveryPrefix() throws {
        for text in JSONSamples.documents {
            let bytes = Array(text.utf8)
            #expect(bytes.kind == .object)
            for count in 0..<bytes.count {
                let failure = Array(bytes[..<count]).failure
                #expect(failure != nil, "\(count) bytes of \(text)")
                #expect(failure?.offset ?? 0 <= count)
            }
        }
    }

    /// The other reader is the oracle: mutated documents are accepted by both or by none.
    @Test func agreesWithYYJSON() {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: .min ... .max, using: &random)
        var draw = Draw(state: seed)
        let documents = JSONSamples.documents.map { Array($0.utf8) }
        var accepted = 0
        for round in 0..<20_000 {
            var bytes = documents[draw.below(documents.count)]
            for _ in 0...draw.below(3) { draw.mutate(&bytes) }
            if bytes.kind != nil { accepted += 1 }
            let complaint = bytes.complaint
            #expect(
                complaint == nil,
                "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
        }
        // Both outcomes must be met often, or the comparison says nothing.
        #expect(accepted > 1_000 && accepted < 19_000, "seed \(seed): \(accepted) accepted")
    }
}

@Suite struct JSONScannerCorpusTests {
    @Test func agreesOnTheCorpus() {
        let corpus = FuzzCorpus.inputs(of: "json-scanner")
        #expect(corpus.count >= 3)
        for (name, bytes) in corpus {
            #expect(bytes.complaint == nil, "\(name)")
        }
    }
}

private enum JSONSamples {
    static let documents = [
        #"{"model":"gpt-4o","messages":[{"role":"user","content":"Hi, \"you\" \\ \u00e9\ud83d\ude00"}],"stream":true}"#,
        #"{"a":-0.5e+10,"b":[1,2.25,3E-7,0,-0],"c":{"d":{"e":[[],{},[{}]]}},"f":null,"g":false}"#,
        #"{ "text" : "größer als 漢字 und 😀 und noch viel mehr Text, damit Blöcke voll werden" , "n" : [ true ] }"#,
        "{\"long\":\"\(String(repeating: "lorem ipsum ", count: 20))\\n\",\"x\":\"\"}",
    ]

    static let refused: [(String, JSONFailure.Kind, Int)] = [
        ("", .empty, 0), ("  \n", .empty, 0), ("{", .unexpectedEnd, 1),
        ("[1,]", .unexpectedByte, 3),
        ("{\"a\":1} x", .trailingContent, 8), ("{\"a\" 1}", .unexpectedByte, 5),
        ("{\"a\":1,}", .unexpectedByte, 7), ("{a:1}", .unexpectedByte, 1),
        ("[1 2]", .unexpectedByte, 3),
        ("[1}", .unexpectedByte, 2), ("{\"a\":1]", .unexpectedByte, 6),
        ("[01]", .unexpectedByte, 2),
        ("[+1]", .unexpectedByte, 1), ("[.5]", .unexpectedByte, 1), ("[1.]", .invalidNumber, 3),
        ("[1e]", .invalidNumber, 3), ("[-]", .invalidNumber, 2), ("[1e999]", .invalidNumber, 1),
        ("[tru]", .invalidLiteral, 4), ("[nulL]", .invalidLiteral, 4),
        ("[NaN]", .unexpectedByte, 1),
        (#"["\x"]"#, .invalidString, 3), (#"["\u12g4"]"#, .invalidString, 6),
        (#"["\ud800"]"#, .invalidString, 8), (#"["\ud800\n"]"#, .invalidString, 9),
        (#"["\udc00"]"#, .invalidString, 8), (#"["\ud800\u0041"]"#, .invalidString, 8),
        ("[\"a\tb\"]", .invalidString, 3), ("\u{FEFF}{}", .unexpectedByte, 0),
        ("[1]\0", .trailingContent, 3), ("[//\n1]", .unexpectedByte, 1),
        ("['a']", .unexpectedByte, 1),
        ("\"abc", .unexpectedEnd, 4), ("[\"\\", .unexpectedEnd, 3), ("tru", .unexpectedEnd, 3),
    ]
}

extension [UInt8] {
    fileprivate func scan<Result>(_ body: (ByteSlice) -> Result) -> Result {
        // A copy of exactly this length, so that a read past the end is seen by the sanitizer.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: self)
        return body(ByteSlice(UnsafeRawBufferPointer(copy)))
    }

    fileprivate var kind: JSONKind? { scan { try? JSONScanner.validate($0) } }

    fileprivate var failure: JSONFailure? {
        scan {
            do throws(JSONFailure) {
                try JSONScanner.validate($0)
                return nil
            } catch { return error }
        }
    }

    fileprivate var isAcceptedByYYJSON: Bool { scan { JSONScannerCheck.isAcceptedByYYJSON($0) } }

    fileprivate var complaint: String? { scan { JSONScannerCheck.run($0.raw) } }
}

/// SplitMix64, and the mutations drawn from it.
private struct Draw {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func mutate(_ bytes: inout [UInt8]) {
        let alphabet = Array("\"\\{}[]:,0123456789eE+-.tfnu abdDcC/\n\t\u{0}é€😀".utf8)
        let place = below(bytes.count + 1)
        switch below(6) {
        case 0: bytes.insert(alphabet[below(alphabet.count)], at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: next())
        case 3 where place < bytes.count: bytes[place] = alphabet[below(alphabet.count)]
        case 4: bytes.insert(contentsOf: "\\u\(below(2) == 0 ? "d83" : "00e")".utf8, at: place)
        default:
            // Swaps, which often leave the document valid.
            guard bytes.count > 1 else { return }
            bytes.swapAt(below(bytes.count), below(bytes.count))
        }
        if bytes.isEmpty { bytes = [ASCII.zero] }
    }
}

extension String {
    fileprivate func replacingCharacters(at index: Index, by character: Character) -> String {
        var copy = self
        copy.replaceSubrange(index...index, with: String(character))
        return copy
    }
}
