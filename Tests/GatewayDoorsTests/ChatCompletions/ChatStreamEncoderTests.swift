import FuzzChecks
import GatewayDoors
import ReactorCore
import TestSupport
import Testing

@Suite struct ChatStreamEncoderTests {
    @Test(arguments: FuzzCorpus.inputs(of: "chat-encode"))
    func keepsTheGrammar(_ name: String, _ bytes: [UInt8]) {
        #expect(ChunkEncodeCheck.chat(bytes) == nil, "\(name)")
    }

    @Test func keepsTheGrammarAtRandom() {
        var random = SeededRandom(seed: 23)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let complaint = ChunkEncodeCheck.chat(bytes)
            #expect(complaint == nil, "\(bytes)")
            if complaint != nil { return }
        }
    }
}
