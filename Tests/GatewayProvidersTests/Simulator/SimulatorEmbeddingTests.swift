import GatewayCodec
import ReactorCore
import Testing

@testable import GatewayProviders

@Suite struct SimulatorEmbeddingTests {
    private func ask(_ input: String, _ more: String = "", model: String = "sim") -> Play {
        play(#"{"model":"\#(model)","input":\#(input)\#(more)}"#, to: "/v1/embeddings")
    }

    private func vectors(_ played: Play) throws -> [[Double]] {
        let body = try #require(JSON(played.text))
        #expect(body["object"]?.string == "list")
        #expect(body["model"]?.string == "sim")
        let data = body["data"]?.array ?? []
        #expect(data.map { $0["index"]?.int } == Array(0..<data.count))
        return data.map { element in
            (element["embedding"]?.array ?? []).map {
                guard case .number(let value) = $0 else { return .nan }
                return value
            }
        }
    }

    @Test func isOfLengthOne() throws {
        let played = ask(#"["a","b"]"#)
        #expect(played.bodyBytes == played.text.utf8.count)
        let both = try vectors(played)
        #expect(both.map(\.count) == [1536, 1536])
        #expect(both[0] != both[1])
        for vector in both {
            let square = vector.reduce(0) { $0 + $1 * $1 }
            #expect(abs(square - 1) < 1e-5)
        }
        let body = try #require(JSON(played.text))
        #expect(body["usage"]?["prompt_tokens"]?.int == 2)
        #expect(body["usage"]?["total_tokens"]?.int == 2)
    }

    @Test func dependsOnTheTextAlone() throws {
        let alone = try vectors(ask(#""b""#, #","dimensions":8"#))
        let second = try vectors(ask(#"["a","b"]"#, #","dimensions":8,"user":"u""#))
        #expect(alone[0] == second[1])
        let tokens = try vectors(ask("[1,2]", #","dimensions":8"#))
        #expect(tokens.count == 1)
        #expect(try vectors(ask("[[1,2],[2,1]]", #","dimensions":8"#))[0] == tokens[0])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 1536])
    func encodesBase64(_ dimensions: Int) throws {
        let more = #","dimensions":\#(dimensions)"#
        let plain = try vectors(ask(#""text""#, more))[0]
        let body = try #require(JSON(ask(#""text""#, more + #","encoding_format":"base64""#).text))
        let text = try #require(body["data"]?[0]?["embedding"]?.string)
        #expect(text.utf8.count == (dimensions * 4 + 2) / 3 * 4)
        let bytes = decodeBase64(text)
        #expect(bytes.count == dimensions * 4)
        let floats = (0..<dimensions).map { index in
            Float(
                bitPattern: (0..<4).reduce(0 as UInt32) {
                    $0 | UInt32(bytes[index * 4 + $1]) << UInt32(8 * $1)
                })
        }
        #expect(floats.map { Double($0) } == plain)
    }

    @Test func writesManyOneByOne() throws {
        let inputs = "[" + (0..<40).map { "\"\($0)\"" }.joined(separator: ",") + "]"
        let played = ask(inputs, #","dimensions":4"#)
        #expect(played.bodyBytes == nil)
        #expect(played.bodies.count == 40)
        #expect(try vectors(played).count == 40)
        let cut = ask(inputs, #","dimensions":4"#, model: "sim-cut")
        #expect(cut.bodies.count == 20)
        #expect(cut.ending == "cut")
    }

    @Test(
        arguments: [
            (#""""#, "", "input"), ("[]", "", "input"), ("{}", "", "input"), ("[1.5]", "", "input"),
            (#"["a",1]"#, "", "input"), (#""a""#, #","dimensions":0"#, "dimensions"),
            (#""a""#, #","dimensions":4097"#, "dimensions"),
            (#""a""#, #","encoding_format":"hex""#, "encoding_format"),
            ("[" + String(repeating: "\"a\",", count: 2048) + "\"a\"]", "", "input"),
        ])
    func refuses(_ input: String, _ more: String, _ param: String) throws {
        let played = ask(input, more)
        #expect(played.status == 400)
        #expect(JSON(played.text)?["error"]?["param"]?.string == param)
    }

    private func decodeBase64(_ text: String) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var held = 0
        for character in text.utf8 where character != UInt8(ascii: "=") {
            bits = bits << 6 | UInt32(alphabet.firstIndex(of: character) ?? 0)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        return bytes
    }
}
