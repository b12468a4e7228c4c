// ScannedThinkingTests.swift — how much a request lets its model think, at every door.

import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ScannedThinkingTests {
    private func tokens(_ door: AnswerDoor, _ member: String) throws -> Int? {
        let body = """
            {"model":"m","messages":[1],"prompt":"p","input":"i"\(member.isEmpty ? "" : ","+member)}
            """
        return try body.withByteSlice { try door.scan($0).thinkingTokens }
    }

    @Test(
        arguments: [
            ("", nil), (#""reasoning_effort":"none""#, 0), (#""reasoning_effort" : "minimal""#, 0),
            (#""reasoning_effort":"low""#, 1024), (#""reasoning_effort":"medium""#, 4096),
            (#""reasoning_effort":"high","top_p":1"#, 16_000),
            (#""reasoning_effort":"xhigh""#, 32_000),
            (#""reasoning_effort":"HIGH""#, nil), (#""reasoning_effort":null"#, nil),
            (#""reasoning_effort":{"effort":"high"}"#, nil),
            (#""reasoning":{"effort":"high"}"#, nil),
            // The upstream refuses what is written twice, or does not; that is not the clocks' to judge.
            (#""reasoning_effort":"low","reasoning_effort":"high""#, 16_000),
        ] as [(String, Int?)])
    func aChatNamesAnEffort(member: String, expected: Int?) throws {
        #expect(try tokens(.chat, member) == expected)
    }

    @Test(
        arguments: [
            ("", nil), (#""reasoning":{"effort":"high","summary":"auto"}"#, 16_000),
            (#""reasoning":{"summary":{"effort":"high"},"effort":"low"}"#, 1024),
            (#""reasoning":{}"#, nil), (#""reasoning":null"#, nil), (#""reasoning":"high""#, nil),
            (#""reasoning":{"effort":3}"#, nil), (#""reasoning_effort":"high""#, nil),
        ] as [(String, Int?)])
    func aResponseNamesItInAnObject(member: String, expected: Int?) throws {
        #expect(try tokens(.responses, member) == expected)
    }

    @Test(
        arguments: [
            ("", nil), (#""thinking":{"type":"enabled","budget_tokens":9000}"#, 9000),
            (#""thinking":{"budget_tokens": 1024 , "type":"enabled"}"#, 1024),
            (#""thinking":{"type":"disabled"}"#, 0), (#""thinking":{"type":"adaptive"}"#, 4096),
            (#""thinking":{"type":"disabled","budget_tokens":5}"#, 0),
            (#""thinking":{"type":"enabled"}"#, nil), (#""thinking":{}"#, nil),
            (#""thinking":[]"#, nil), (#""thinking":{"budget_tokens":1.5}"#, nil),
            (#""thinking":{"budget_tokens":99999999999999999999}"#, nil),
        ] as [(String, Int?)])
    func aMessageNamesABudget(member: String, expected: Int?) throws {
        #expect(try tokens(.messages, member) == expected)
    }

    @Test func aCompletionHasNoWordForIt() throws {
        #expect(try tokens(.completions, #""reasoning_effort":"high""#) == nil)
    }
}
