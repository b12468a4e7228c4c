import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONWriterTests {
    @Test func writesNestedValues() {
        var out = ByteBuffer()
        out.append("data: " as StaticString)
        out.writeJSON { json in
            json.beginObject()
            json.field("id", "x")
            json.field("n", -3)
            json.field("d", 0.25)
            json.field("yes", true)
            json.null("none")
            json.field("text", text: "a\"b")
            json.beginArray("list")
            json.value(1)
            json.beginObject()
            json.endObject()
            json.beginArray()
            json.endArray()
            json.value(false)
            json.null()
            json.raw(ByteSlice(#"{"raw":1}"#))
            json.endArray()
            json.beginObject("inner")
            json.key(ByteSlice("k\n" as StaticString))
            json.string { out in
                out.append(jsonEscaping: ByteSlice("one\t" as StaticString))
                out.append(jsonEscaping: ByteSlice("two" as StaticString))
            }
            json.endObject()
            json.endObject()
        }
        let expected =
            #"data: {"id":"x","n":-3,"d":0.25,"yes":true,"none":null,"text":"a\"b","#
            + #""list":[1,{},[],false,null,{"raw":1}],"inner":{"k\n":"one\ttwo"}}"#
        #expect(out.string == expected)
    }

    @Test(
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/", #""a\"b\\c/""#),
            (
                "\u{0}\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}",
                "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}\""
            ),
            ("é €😀\u{2028}", "\"é €😀\u{2028}\""),
        ])
    func escapes(_ text: String, _ json: String) {
        #expect(text.withByteSlice { escaped($0) } == json)
    }

    /// The reference is the standard library's repair, which follows the same practice.
    @Test func repairsInvalidUTF8() {
        let cases: [[UInt8]] = [
            [0x61, 0xFF, 0x62], [0xC3], [0xC3, 0x28], [0xE2, 0x82], [0xE2, 0x28, 0xA1],
            [0xF0, 0x9F, 0x98], [0xF0, 0x28, 0x8C, 0xBC], [0xC0, 0xAF], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80, 0xAF], [0xF8, 0x88, 0x80, 0x80, 0x80], [0x80],
        ]
        for bytes in cases { check(bytes) }
    }

    /// Names are looked at sixteen bytes at a time, of which some overlap.
    @Test func aByteThatNeedsAnEscapeGetsItAtEveryPlaceOfAName() {
        for count in 0...70 {
            for place in 0...count {
                for stop: UInt8 in [0x22, 0x5C, 0x00, 0x1F, 0xC3] {
                    var name = [UInt8](repeating: 0x61, count: count)
                    if place < count { name[place] = stop }
                    var whole = ByteBuffer()
                    var pieces = ByteBuffer()
                    name.withUnsafeBytes { bytes in
                        let name = ByteSlice(bytes)
                        whole.append(jsonEscaping: name)
                        pieces.append(upTo: 6 * count + 16) { $0.put(jsonEscaping: name) }
                    }
                    #expect(whole.string == pieces.string)
                }
            }
        }
    }

    /// Random bytes at every alignment of the eight-byte steps, read back by the other half.
    @Test func survivesAnyBytes() {
        var state: UInt64 = 0x5EED
        func draw() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        let alphabet: [UInt8] = [
            0x00, 0x1F, 0x20, 0x22, 0x5C, 0x61, 0x62, 0x7F, 0x80, 0xBF, 0xC2, 0xC3, 0xE0, 0xE2,
            0xED,
            0xEF, 0xF0, 0xF4, 0xF5, 0xFF, 0x63, 0x64, 0x65, 0x9F, 0xA0, 0x90, 0x8F,
        ]
        for step in 0..<5_000 {
            // Long ones are looked at 64 bytes at a time.
            let count = Int(draw() % (step < 4_000 ? 40 : 400))
            let plain = draw() % 2 == 0
            check(
                (0..<count).map { _ in
                    plain && draw() % (step < 4_000 ? 8 : 80) != 0
                        ? UInt8(0x61 + draw() % 26) : alphabet[Int(draw()) % alphabet.count]
                })
        }
    }

    @Test(
        arguments: [
            0, -0.0, 1, 0.1, -2.5, 1e21, 1e-7, 123456.789, .pi, .leastNonzeroMagnitude,
            .greatestFiniteMagnitude, -1.7976931348623157e308,
        ] as [Double])
    func writesDoubles(_ value: Double) throws {
        var out = ByteBuffer()
        out.append(json: value)
        #expect(Double(out.string) == value)
        let arena = JSONArena()
        let tree = try arena.read(out.slice)
        #expect(tree.root.double == value)
    }

    @Test func writesShortDecimalsShortest() {
        for thousands in stride(from: 0, to: 3_000_000, by: 7) {
            let value = Double(thousands) / 1000
            var out = ByteBuffer()
            out.append(json: value)
            // Swift's own description is the shortest, too.
            let isShortest = out.string == "\(value)"
            #expect(isShortest, "\(value)")
            if !isShortest { return }
        }
        for value in [0.1 + 0.2, 1.0005, 0.0001, 999_999.9995] {
            var out = ByteBuffer()
            out.append(json: value)
            #expect(Double(out.string) == value)
        }
    }

    @Test(
        arguments: [
            (0, "0.0"), (0.1, "0.1"), (-2.5, "-2.5"), (0.012345679, "0.012345679"),
            (1e-5, "1e-05"), (3.4028235e38, "3.4028235e+38"), (.leastNonzeroMagnitude, "1e-45"),
            (.infinity, "null"), (.nan, "null"),
        ] as [(Float, String)])
    func writesShortestFloats(_ value: Float, _ text: String) throws {
        var out = ByteBuffer()
        out.writeJSON { $0.value(value) }
        #expect(out.string == text)
        let tree = try JSONArena().read(out.slice)
        if value.isFinite { #expect(tree.root.double.map { Float($0) } == value) }
    }

    @Test func writesEveryFloatSoThatItReadsBack() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
            guard value.isFinite else { continue }
            var out = ByteBuffer()
            out.append(json: value)
            #expect(out.count <= 15)
            let tree = try JSONArena().read(out.slice)
            #expect(tree.root.double.map { Float($0) } == value)
        }
    }

    @Test func hasNoInfinity() {
        var out = ByteBuffer()
        out.writeJSON { json in
            json.beginArray()
            json.value(Double.nan)
            json.value(Double.infinity)
            json.endArray()
        }
        #expect(out.string == "[null,null]")
    }

    private func check(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let json = bytes.withUnsafeBytes { escaped(ByteSlice($0)) }
        let arena = JSONArena()
        let back: String? = json.withByteSlice { json in
            do throws(JSONFailure) {
                let tree = try arena.read(json)
                return tree.root.string?.string
            } catch {
                return nil
            }
        }
        #expect(back == text, "\(bytes)")
    }

    private func escaped(_ text: ByteSlice) -> String {
        var out = ByteBuffer()
        out.append(jsonString: text)
        return out.string
    }
}
