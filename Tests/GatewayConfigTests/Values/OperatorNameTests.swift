import Testing

@testable import GatewayConfig

@Suite struct OperatorNameTests {
    @Test func judgesNames() throws {
        for name in ["a", "team-a", "my_provider.2", "A1"] {
            #expect(try OperatorName.check(name) == name)
        }
        for name in ["", "a/b", "a b", "ä", "a\n", "a:b", String(repeating: "x", count: 65)] {
            #expect(throws: Refusal.self, "\(name)") { try OperatorName.check(name) }
        }
    }

    @Test func judgesModels() throws {
        for name in ["gpt-4o", "*", "claude-*", "*-mini", "meta/llama:8b", "a*b"] {
            #expect(try OperatorName.checkModel(name) == name)
        }
        for name in ["", "a b", "*a*", "ä", "a\n", String(repeating: "x", count: 257)] {
            #expect(throws: Refusal.self, "\(name)") { try OperatorName.checkModel(name) }
        }
    }

    @Test func judgesFields() throws {
        for name in ["X-Team", "OpenAI-Organization", "Authorization", "api-key"] {
            #expect(try OperatorName.checkField(name) == name)
        }
        for name in ["", "a b", "a:", "Host", "Content-Length", "TRANSFER-ENCODING", "x\r\ny", "ä"]
        {
            #expect(throws: Refusal.self, "\(name)") { try OperatorName.checkField(name) }
        }
    }
}
