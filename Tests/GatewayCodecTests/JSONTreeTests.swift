import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONTreeTests {
    private let arena = JSONArena()

    @Test func readsEveryKind() throws {
        let text = #"""
            {"s":"a\u00e9\n\"","i":-7,"u":18446744073709551615,"d":1.5,"whole":2.0,"t":true,
             "f":false,"z":null,"a":[1,[2,3],{"x":4},5],"o":{"k":"v"},"nul":"a\u0000b","":"empty"}
            """#
        let tree = try read(text)
        let root = tree.root
        #expect(root.kind == .object)
        #expect(root.count == 12)
        #expect(root["s"]?.string?.string == "aé\n\"")
        #expect(root["i"]?.int == -7)
        #expect(root["u"]?.int == nil)
        #expect(root["u"]?.double == 0x1p64)
        #expect(root["d"]?.int == nil)
        #expect(root["d"]?.double == 1.5)
        #expect(root["whole"]?.int == nil)
        #expect(root["i"]?.double == -7)
        #expect(root["t"]?.bool == true)
        #expect(root["f"]?.bool == false)
        #expect(root["z"]?.isNull == true)
        #expect(root["z"]?.bool == nil)
        #expect(root["nul"]?.string?.count == 3)
        #expect(root[""]?.string?.string == "empty")
        #expect(root["o"]?["k"]?.string?.string == "v")
        #expect(root["missing"] == nil)
        #expect(root["s"]?["k"] == nil)
        #expect(root["s"]?.count == 0)
    }

    @Test func walksArraysAndObjects() throws {
        let tree = try read(#"[1,[2,3],{"x":4,"y":[5]},{},[],6]"#)
        var kinds: [JSONValue.Kind] = []
        for element in tree.root.elements { kinds.append(element.kind) }
        #expect(kinds == [.number, .array, .object, .object, .array, .number])
        var names: [String] = []
        for element in tree.root.elements {
            for (name, value) in element.members { names.append("\(name.string)=\(value.kind)") }
        }
        #expect(names == ["x=number", "y=array"])
        #expect(Array(tree.root.members).isEmpty)
    }

    @Test func takesTheFirstOfTwins() throws {
        let tree = try read(#"{"a":1,"a":2}"#)
        #expect(tree.root["a"]?.int == 1)
        #expect(tree.root.count == 2)
    }

    @Test(
        arguments: [
            ("", .empty, 0), ("  ", .empty, 0), ("{", .unexpectedEnd, 1),
            ("{\"a\":1} x", .trailingContent, 8), ("[1,]", .unexpectedByte, 2),
            ("[01]", .invalidNumber, 1), ("{\"a\":\"\\x\"}", .invalidString, 7),
            ("{'a':1}", .unexpectedByte, 1), ("[nul]", .invalidLiteral, 1),
        ] as [(String, JSONFailure.Kind, Int)])
    func refuses(_ text: String, _ kind: JSONFailure.Kind, _ offset: Int) {
        #expect(failure(of: text) == JSONFailure(kind: kind, offset: offset))
    }

    @Test func refusesInvalidUTF8() {
        let bytes: [UInt8] = [0x22, 0x61, 0xC3, 0x28, 0x22]
        let failure = bytes.withUnsafeBytes { self.failure(of: ByteSlice($0)) }
        #expect(failure?.kind == .invalidString)
    }

    @Test func boundsTheDepth() throws {
        let inside = String(repeating: "[", count: 3) + String(repeating: "]", count: 3)
        #expect(failure(of: inside, depthMax: 3) == nil)
        #expect(
            failure(of: inside, depthMax: 2) == JSONFailure(kind: .tooDeep, offset: 2))
        let text = #"{"[[[\"":[[],[],[1]],"b":{"c":[[]]}}"#
        #expect(failure(of: text, depthMax: 4) == nil)
        let offset = try #require(text.utf8.firstIndex(of: UInt8(ascii: "c")))
        #expect(
            failure(of: text, depthMax: 3)
                == JSONFailure(
                    kind: .tooDeep,
                    offset: text.utf8.distance(from: text.startIndex, to: offset) + 4)
        )
        let hostile =
            String(repeating: "[", count: 200_000) + String(repeating: "]", count: 200_000)
        #expect(failure(of: hostile)?.kind == .tooDeep)
    }

    /// Small, larger than the pool may grow, and small again, with others open in between.
    @Test func outlivesItsNeighbours() throws {
        let arena = JSONArena(bytesMax: 64 << 10)
        let small = #"{"a":[1,2,3]}"#
        let large = "[" + String(repeating: "\"0123456789\",", count: 20_000) + "0]"
        for _ in 0..<3 {
            let first = try read(small, into: arena)
            let second = try read(large, into: arena)
            let third = try read(small, into: arena)
            #expect(second.root.count == 20_001)
            #expect(first.root["a"]?.count == 3)
            #expect(third.root["a"]?.count == 3)
        }
    }

    /// A tree is destroyed at the end of its scope, not behind its last use.
    @Test func livesToTheEndOfItsScope() throws {
        let arena = JSONArena()
        func text() throws(JSONFailure) -> String? {
            let tree = try read(#"{"a":"kept"}"#, into: arena)
            let value = tree.root["a"]?.string
            // Would land in the same memory if the first tree were gone.
            let other = try read(#"{"b":"lost"}"#, into: arena)
            _ = other.root
            return value?.string
        }
        #expect(try text() == "kept")
    }

    /// Every prefix of a document fails with an offset inside it, and never crashes.
    @Test func refusesEveryPrefix() {
        let text = #"{"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00"],"b":{"c":"é"}}"#
        let count = text.utf8.count
        for length in 0..<count {
            let failure = text.withByteSlice { self.failure(of: $0.prefix(length)) }
            #expect(failure != nil)
            #expect((failure?.offset ?? .max) <= length)
        }
        #expect(failure(of: text) == nil)
    }

    private func read(_ text: String) throws(JSONFailure) -> JSONTree {
        try read(text, into: arena)
    }

    private func read(_ text: String, into arena: JSONArena) throws(JSONFailure) -> JSONTree {
        var bytes = ByteBuffer()
        bytes.append(text)
        return try arena.read(bytes.slice)
    }

    private func failure(of text: String, depthMax: Int = 128) -> JSONFailure? {
        text.withByteSlice { failure(of: $0, depthMax: depthMax) }
    }

    private func failure(of bytes: ByteSlice, depthMax: Int = 128) -> JSONFailure? {
        do throws(JSONFailure) {
            let tree = try arena.read(bytes, depthMax: depthMax)
            _ = tree.root
            return nil
        } catch {
            return error
        }
    }
}
