import ReactorCore
import Testing

@testable import GatewayProviders

@Suite struct SimulatorSettingsTests {
    @Test func readsRates() throws {
        let rates = try SimulatorSettings.failureRates(from: "429:0.01,cut:0.5,hang-mid:1e-3")
        #expect(
            rates == [
                .init(.status429, probability: 0.01), .init(.cut, probability: 0.5),
                .init(.hangMid, probability: 0.001),
            ])
        #expect(try SimulatorSettings.failureRates(from: "").isEmpty)
        for text in ["429", "429:x", "oops:0.1", ":", "429:0.1:2"] {
            #expect(throws: SimulatorSettingsFailure.self) {
                try SimulatorSettings.failureRates(from: text)
            }
        }
    }

    @Test func checksItsBounds() throws {
        try SimulatorSettings().check()
        let spoil: [(inout SimulatorSettings) -> Void] = [
            { $0.timeToFirstToken = .seconds(-1) },
            { $0.timeToFirstToken = .seconds(3601) },
            { $0.tokensPerSecond = -1 },
            { $0.tokensPerSecond = .nan },
            { $0.tokensPerSecond = .infinity },
            { $0.jitter = 1.1 },
            { $0.jitter = .nan },
            { $0.answerTokens = 0 },
            { $0.embeddingDimensions = 4097 },
            {
                $0.models = []
                $0.listedModelsOnly = true
            },
            { $0.failureRates = [.init(.echo, probability: 0.1)] },
            { $0.failureRates = [.init(.cut, probability: -0.1)] },
            {
                $0.failureRates = [
                    .init(.cut, probability: 0.6), .init(.hang, probability: 0.6),
                ]
            },
        ]
        for change in spoil {
            var settings = SimulatorSettings()
            change(&settings)
            #expect(throws: SimulatorSettingsFailure.self) { try settings.check() }
        }
        var whole = SimulatorSettings()
        whole.failureRates =
            [SimulatorBehavior](
                [
                    .status400, .status401, .status403, .status404, .status429, .status500,
                    .status502,
                ]
            ).map { .init($0, probability: 0.1) } + [.init(.cut, probability: 0.3)]
        try whole.check()
    }

    @Test func findsTheLongestSuffix() {
        for behavior in SimulatorBehavior.allCases {
            let name = "acme/sim-\(behavior.rawValue)"
            #expect(name.withByteSlice { SimulatorBehavior(suffixOf: $0) } == behavior)
            #expect(behavior.summary.count < 80)
        }
        for name in ["sim", "429", "-429", "sim429", "sim-429x", "sim-hang-", ""] {
            let found = name.withByteSlice { SimulatorBehavior(suffixOf: $0) }
            #expect(found == (name == "-429" ? .status429 : nil))
        }
    }
}
