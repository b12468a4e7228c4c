import FuzzChecks
import GatewayCodec
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct ArgumentRecoveryTests {
    private func recover(_ text: String) -> (String, ArgumentRecovery)? {
        var out = ByteBuffer()
        guard let level = text.withByteSlice({ ArgumentRecovery.recover($0, into: &out) }) else {
            #expect(out.string == "")
            return nil
        }
        return (out.string, level)
    }

    /// Every case of the corpus comes out as it was meant. The rate is printed; it is to stay whole.
    @Test func repairsTheCorpus() throws {
        var count = 0
        var repaired = 0
        for file in GoldenFile.all(in: "tool-repair") {
            let broken = file.blocks("text broken")
            let meant = file.blocks("json meant")
            try #require(broken.count == meant.count)
            for (text, expected) in zip(broken, meant) {
                let text = text.split(separator: "~~~", omittingEmptySubsequences: false)
                    .joined(separator: "```")
                count += 1
                let found = recover(text)?.0
                let isSame =
                    expected == "none"
                    ? found == nil : found.map { GoldenJSON.areEqual($0, expected) } ?? false
                if isSame { repaired += 1 }
                #expect(isSame, "\(file): \(text)\nbecame: \(found ?? "none")\nmeant: \(expected)")
            }
        }
        print("tool calls repaired: \(repaired) of \(count)")
        #expect(count >= 370 && repaired == count)
    }

    @Test func goodArgumentsAreUntouched() {
        for text in [#"{"a": 1}"#, #"{ "b":[1.0e2,"\u00e9"] }"#, "{}"] {
            #expect(recover(text)?.0 == text)
            #expect(recover(text)?.1 == .untouched)
        }
    }

    @Test func tellsItsLevels() {
        #expect(recover(#"{"a":[1}"#)?.1 == .syntax)
        #expect(recover(#"Here: {"a":1}"#)?.1 == .extracted)
        #expect(recover("")?.1 == .untouched)
    }

    @Test func whateverIsCutIsStillAnObject() {
        let text = Array(#"{"city":"Oslo, \"the\" é","list":[1,{"b":true}],"n":-1.5e3}"#.utf8)
        for cut in 1...text.count {
            var out = ByteBuffer()
            let level = text[..<cut].withUnsafeBytes {
                ArgumentRecovery.recover(ByteSlice($0), into: &out)
            }
            #expect(level != nil, "cut at \(cut)")
        }
    }

    @Test func boundsDepthAndLength() {
        #expect(recover(String(repeating: "{\"a\":", count: 1000)) == nil)
        #expect(recover(String(repeating: "[", count: 100_000)) == nil)
        let long = "{'a':'" + String(repeating: "x", count: ArgumentRecovery.bytesMax) + "'}"
        #expect(recover(long) == nil)
        // Every quote asks what follows it, and every comment is in the way of the answer.
        let slow = "{'a':'" + String(repeating: "'/**/", count: 20_000)
        #expect(recover(slow) != nil)
        #expect(recover(String(repeating: "{ ", count: 200_000)) != nil)
    }

    @Test(arguments: FuzzCorpus.inputs(of: "tool-recovery"))
    func holdsForTheFuzzersInputs(_ name: String, _ bytes: [UInt8]) {
        #expect(ToolRecoveryCheck.run(bytes) == nil, "\(name)")
    }

    /// The corpus, mutated at random: never a crash, always an object.
    @Test func holdsForMutations() {
        var random = SeededRandom(seed: 7)
        let texts = GoldenFile.all(in: "tool-repair").flatMap { $0.blocks("text broken") }
        for text in texts {
            var bytes = Array(text.utf8)
            for _ in 0..<20 {
                guard !bytes.isEmpty else { break }
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch random.next() % 3 {
                case 0: bytes.remove(at: place)
                case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                default:
                    bytes.insert(
                        Array("{}[]\",:'\\`/ \n".utf8).randomElement(using: &random) ?? 0, at: place
                    )
                }
                #expect(ToolRecoveryCheck.run(bytes) == nil)
            }
        }
    }
}
