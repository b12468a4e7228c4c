// ModelPaceCacheTests.swift — what is known of a model is found once, by both its names, until a list
// changes; and which source's word it is.

import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@testable import GatewayExchange

@Suite struct ModelPaceCacheTests {
    private func find(
        _ cache: ModelPaceCache, _ requested: String, _ upstream: String, version: Int = 0,
        _ found: Int
    ) -> Int? {
        requested.withByteSlice { requested in
            upstream.withByteSlice { upstream in
                cache.pace(of: requested, upstream: upstream, version: version) {
                    ModelPace(outputTokensMax: found)
                }.outputTokensMax
            }
        }
    }

    @Test func aModelIsFoundOnce() {
        let cache = ModelPaceCache()
        #expect(find(cache, "fast", "m", 1) == 1)
        #expect(find(cache, "fast", "m", 2) == 1)
        // Either name makes it another one, wherever the first ends; and so does another list.
        #expect(find(cache, "fast", "n", 3) == 3)
        #expect(find(cache, "fas", "tn", 4) == 4)
        #expect(find(cache, "fast", "n", version: 1, 5) == 5)
        #expect(find(cache, "fast", "n", version: 1, 6) == 5)
        #expect(find(cache, "", "", 7) == 7)
    }

    @Test func anyNumberOfModelsIsRight() {
        let cache = ModelPaceCache()
        for round in 0..<3 {
            for number in 0..<100 {
                let name = "model-\(number)"
                let found = find(cache, name, name, number)
                #expect(found == number, "in round \(round)")
            }
        }
    }

    /// The family of a name, the upstream's list, the provider, the operator.
    @Test func theBetterSourceWins() throws {
        var settings = StageSettings()
        settings.listing = ["raw"]
        var said = CapabilityOverrides()
        said.outputTokensMax = 77
        said.reasons = false
        settings.capabilities = CapabilityRegistry(layers: [[CapabilityEntry("said*", said)]])
        let stage = try GatewayStage(settings)
        stage.upstream.answers = [
            .body(
                #"{"data":[{"id":"gpt-4","max_completion_tokens":500},{"id":"o3"},"#
                    + #"{"id":"said","max_completion_tokens":600}]}"#)
        ]
        func pace(_ requested: String, _ model: String, at name: String) throws -> ModelPace {
            let snapshot = stage.worker.snapshot
            let upstream = try #require(snapshot.upstreams.first { $0.name == name })
            return requested.withByteSlice { requested in
                model.withByteSlice {
                    snapshot.pace(of: requested, upstream: $0, at: upstream, ModelSettings())
                }
            }
        }
        let before = try pace("gpt-4", "gpt-4", at: "raw")
        #expect(before == ModelPace(outputTokensMax: 8192, reasons: false))
        _ = try stage.ask("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try pace("gpt-4", "gpt-4", at: "raw").outputTokensMax == 500)
        #expect(try pace("x", "gpt-4", at: "raw").outputTokensMax == 500)
        #expect(
            try pace("o3", "o3", at: "raw") == ModelPace(outputTokensMax: 100_000, reasons: true))
        #expect(try pace("gpt-4", "gpt-4", at: "quirky").outputTokensMax == 8192)
        #expect(
            try pace("said", "said", at: "raw") == ModelPace(outputTokensMax: 77, reasons: false))
        #expect(try pace("said-so", "o3", at: "raw").reasons == false)
        #expect(try pace("gpt-4", "said", at: "raw").outputTokensMax == 77)
        // Anthropic's dialect demands a bound: the provider sets one.
        #expect(try pace("claude-3-haiku", "claude-3-haiku", at: "claude").outputTokensMax == 4096)
        #expect(try pace("claude-4-6", "claude-opus-4-6", at: "claude").outputTokensMax == 32_000)
        stage.finish()
    }
}
