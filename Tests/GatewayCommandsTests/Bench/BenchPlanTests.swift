import GatewayCodec
import GatewayConfig
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct BenchPlanTests {
    private func refusal(_ change: (inout BenchPlan) -> Void) -> String? {
        var plan = BenchPlan(model: "m")
        change(&plan)
        do throws(Refusal) { try plan.check() } catch { return error.reason }
        return nil
    }

    @Test func nonsenseIsRefusedByName() {
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.model = "" }?.contains("--model") == true)
        #expect(refusal { $0.concurrency = 0 }?.contains("--concurrency") == true)
        #expect(refusal { $0.concurrency = 20_001 }?.contains("--concurrency") == true)
        #expect(refusal { $0.requestCount = 0 }?.contains("--requests") == true)
        #expect(refusal { $0.maxTokens = 0 }?.contains("--max-tokens") == true)
        #expect(refusal { $0.timeout = .zero } != nil)
        #expect(refusal { $0.duration = .zero } != nil)
    }

    @Test func thereAreNoMoreClientsThanRequests() {
        var plan = BenchPlan(model: "m")
        plan.concurrency = 10
        plan.requestCount = 3
        #expect(plan.clientCount == 3)
        plan.requestCount = nil
        #expect(plan.clientCount == 10)
    }

    @Test func theBodyAsksForUsageInStreams() throws {
        var plan = BenchPlan(model: "a\"b")
        plan.maxTokens = 7
        try plan.body(.stream).withUnsafeBytes { bytes in
            let tree = try JSONArena().read(ByteSlice(bytes))
            #expect(tree.root["model"]?.string?.string == "a\"b")
            #expect(tree.root["max_tokens"]?.int == 7)
            #expect(tree.root["stream"]?.bool == true)
            #expect(tree.root["stream_options"]?["include_usage"]?.bool == true)
        }
        try plan.body(.unary).withUnsafeBytes { bytes in
            let tree = try JSONArena().read(ByteSlice(bytes))
            #expect(tree.root["stream"] == nil)
            #expect(tree.root["messages"]?.count == 1)
        }
    }
}
