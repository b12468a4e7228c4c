import GatewayCodec
import ReactorCore
import Testing

@Suite struct YAMLTreeTests {
    private func parse(
        _ text: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLFailure) -> YAMLNode {
        try YAMLTree.parse(Array(text.utf8), source: "f", limits: limits)
    }

    private func failure(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) -> YAMLFailure? {
        do throws(YAMLFailure) {
            _ = try YAMLTree.parse(bytes, source: "f", limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String, limits: YAMLLimits = YAMLLimits()) -> YAMLFailure? {
        failure(Array(text.utf8), limits: limits)
    }

    /// A tree in short: plain scalars bare, others quoted, each with its place.
    private func outline(_ node: YAMLNode) -> String {
        let place = "@\(node.mark.line):\(node.mark.column)"
        switch node.content {
        case .scalar(let text, let isPlain): return (isPlain ? text : "'\(text)'") + place
        case .sequence(let nodes):
            return "[" + nodes.map(outline).joined(separator: " ") + "]" + place
        case .mapping(let entries):
            let inner = entries.map {
                "\($0.key)@\($0.keyMark.line):\($0.keyMark.column)=\(outline($0.value))"
            }
            return "{" + inner.joined(separator: " ") + "}" + place
        }
    }

    @Test func knowsWhereEverythingStands() throws {
        let text = """
            server: # comment
              port: 8000
              hosts: [a, "b", 'c']
            "é": |
              x
              y
            empty:
            """
        let expected =
            "{server@1:1={port@2:3=8000@2:9 hosts@3:3=[a@3:11 'b'@3:14 'c'@3:19]@3:10}@2:3 "
            + "é@4:1='x\ny\n'@4:6 empty@7:1=@7:7}@1:1"
        #expect(outline(try parse(text)) == expected)
    }

    @Test func readsJSON() throws {
        let text = #"{"a": {"b": [1, true, null, "x\n\u00e9"]},"c":""}"#
        #expect(
            outline(try parse(text))
                == "{a@1:2={b@1:8=[1@1:14 true@1:17 null@1:23 'x\né'@1:29]@1:13}@1:7 c@1:43=''@1:47}@1:1"
        )
    }

    @Test func tellsNothingFromEmptyText() throws {
        let root = try parse("{a: , b: ~, c: null, d: '', e: 'null', f: nil}")
        let isNull = ["a", "b", "c", "d", "e", "f"].map { root[$0]?.isNull }
        #expect(isNull == [true, true, true, false, false, false])
        #expect(root["z"] == nil)
        #expect(try parse("x")["a"] == nil)
    }

    @Test(arguments: ["", "# nothing\n", "\u{FEFF}", "---\n", "\n\n"])
    func anEmptyDocumentIsNull(text: String) throws {
        #expect(try parse(text).isNull)
    }

    @Test func skipsAByteOrderMark() throws {
        #expect(try parse("\u{FEFF}a: 1")["a"] != nil)
    }

    @Test func repeatsAnchors() throws {
        let root = try parse("a: &x {k: [1]}\nb: *x\nc: &y 2\nd: *y")
        #expect(root["a"] == root["b"])
        #expect(root["c"] == root["d"])
    }

    @Test func namesThePlaceOfAMistake() {
        let cases: [(String, YAMLFailure.Reason, Int, Int)] = [
            ("a: 1\na: 2", .duplicateKey, 2, 1),
            ("a: {b: 1, 'b': 2}", .duplicateKey, 1, 11),
            ("a: 1\n---\nb: 2", .secondDocument, 2, 1),
            ("a: 1\n...\n---\n", .secondDocument, 3, 1),
            ("a: *b", .unknownAlias, 1, 4),
            ("a: &a [*a]", .unknownAlias, 1, 8),
            ("[a]: 1", .keyNotText, 1, 1),
            ("? {a: 1}\n: 2", .keyNotText, 1, 3),
            ("a: !!str 1", .tag, 1, 4),
            ("a: !x [1]", .tag, 1, 4),
            ("a: !<y> {b: 1}", .tag, 1, 4),
            ("a: [1, 2\nb: 3", .syntax, 2, 2),
            ("a: \"x", .syntax, 1, 6),
            ("a:\n\t- b", .syntax, 2, 1),
            ("a: b: c", .syntax, 1, 5),
            ("a: @x", .syntax, 1, 4),
            ("a: {b: [1,", .syntax, 2, 1),
        ]
        for (text, reason, line, column) in cases {
            let failure = failure(text)
            #expect(failure?.reason == reason, "\(text): \(String(describing: failure))")
            #expect(failure?.mark == YAMLMark(source: "f", line: line, column: column), "\(text)")
            #expect(failure?.message.isEmpty == false)
        }
        #expect(failure("a: 1\na: 2")?.description.hasPrefix("f:2:1: the key 'a'") == true)
    }

    @Test func refusesWhatIsNoText() {
        let bad = failure(Array("a: 1\né: ".utf8) + [0xFF, 0x0A])
        #expect(bad?.mark == YAMLMark(source: "f", line: 2, column: 4))
        #expect(bad?.reason == .syntax)
        #expect(failure([0x61, 0x00, 0x62])?.reason == .syntax)
        #expect(failure([0xFF, 0xFE, 0x61, 0x00])?.reason == .syntax)
        #expect(failure("a: \u{7}")?.mark.line == 1)
    }

    @Test func holdsItsBounds() throws {
        var limits = YAMLLimits()
        limits.bytesMax = 4
        #expect(failure("a: 12", limits: limits)?.reason == .tooLarge)
        #expect(failure("a: 1", limits: limits) == nil)

        limits = YAMLLimits()
        let deep = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(failure(deep(limits.depthMax)) == nil)
        #expect(failure(deep(limits.depthMax + 1))?.mark.column == limits.depthMax + 1)
        #expect(failure(deep(5000))?.reason == .tooDeep)

        limits.nodesMax = 5
        #expect(failure("[1, 2, 3, 4]", limits: limits) == nil)
        #expect(failure("[1, 2, 3, 4, 5]", limits: limits)?.reason == .tooManyNodes)
        #expect(failure("{a: 1, b: 2, c: 3}", limits: limits)?.reason == .tooManyNodes)
    }

    @Test func countsWhatAliasesRepeat() {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let copies = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(copies)]\n"
        }
        #expect(failure(bomb)?.reason == .tooManyNodes)

        var tower = "a0: &a0 []\n"
        for level in 1...40 { tower += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(failure(tower)?.reason == .tooDeep)
    }

    /// Whatever is cut off or damaged, an answer comes and nothing breaks.
    @Test func survivesDamage() {
        let text = Array(
            "a: &x {b: [1, \"é\\n\", 'q']}\nc: |\n  t\nd: *x\n? e\n: >\n  f\n...\n".utf8)
        for count in 0...text.count { _ = failure(Array(text[..<count])) }
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        for _ in 0..<3000 {
            var bytes = text
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let position = Int(state >> 33) % bytes.count
                bytes[position] = UInt8(truncatingIfNeeded: state >> 20)
            }
            if let failure = failure(bytes) {
                #expect(!failure.message.isEmpty, "seed \(seed)")
            }
        }
    }
}
