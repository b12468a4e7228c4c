import GatewayModel
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct PriceTableTests {
    private let table = PriceTable(
        [
            PriceRow("az/gpt-4o", Price(input: 1, output: 1)),
            PriceRow("mine", Price(input: 2, output: 2)),
        ],
        builtIn: [
            PriceRow("gpt-4o-mini", Price(input: 3, output: 3)),
            PriceRow("gpt-4o", Price(input: 4, output: 4)),
            PriceRow("claude-opus-4", Price(input: 5, output: 5)),
        ])

    @Test(
        arguments: [
            ("x", "gpt-4o", 4), ("az", "gpt-4o", 1), ("az", "gpt-4o-2024-08-06", 1),
            ("x", "gpt-4o-2024-08-06", 4), ("x", "gpt-4o-latest", 4), ("x", "gpt-4o-mini", 3),
            ("x", "openai/gpt-4o", 4), ("x", "a/b/mine", 2), ("x", "mine", 2), ("az", "mine", 2),
            ("x", "claude-opus-4-20250514", 5), ("x", "claude-opus-4@20250514", 5),
            ("x", "claude-opus-4-1", nil), ("x", "gpt-4o-audio-preview", nil), ("x", "gpt-4", nil),
            ("x", "gpt-4o-20x40514", nil), ("x", "gpt-4o-", nil), ("x", "", nil),
            ("", "az/gpt-4o", 1),
            ("x", "gpt-4o/", nil),
        ] as [(String, String, Int?)])
    func finds(_ provider: String, _ model: String, _ dollars: Int?) {
        let price = provider.withByteSlice { provider in
            model.withByteSlice { table.price(provider: provider, model: $0) }
        }
        #expect(price?.input == dollars.map { $0 * 1_000_000 })
    }

    @Test func builtInRowsMakeSense() {
        var names: Set<String> = []
        for row in PriceTable.builtIn {
            #expect(names.insert(row.name).inserted, "\(row.name) twice")
            // Vectors are not counted in tokens of an answer.
            let isEmbedding = row.name.hasPrefix("text-embedding")
            #expect(
                row.price.input > 0
                    && (isEmbedding ? row.price.output == 0 : row.price.output >= row.price.input))
            #expect(row.price.cachedInput <= row.price.input, "\(row.name)")
            #expect(row.price.cacheWrite >= row.price.input, "\(row.name)")
            let found = row.name.withByteSlice {
                PriceTable().price(provider: ByteSlice("p"), model: $0)
            }
            #expect(found == row.price)
        }
    }

    @Test func costsAreRounded() {
        var usage = Usage()
        usage.inputTokens = 1
        // 0.0375 dollars a million: 37.5 billionths a token.
        #expect(CostMeter.cost(of: usage, at: Price(input: 0.0375, output: 0)) == 38)
        usage.inputTokens = 1000
        #expect(CostMeter.cost(of: usage, at: Price(input: 0.0375, output: 0)) == 37_500)
        usage.cacheWriteTokens = 1000
        #expect(
            CostMeter.cost(of: usage, at: Price(input: 1, output: 0, cacheWrite: 1.25))
                == 1_250_000)
        // A provider that counts its cache twice does not make input negative.
        usage.cachedTokens = 1000
        #expect(
            CostMeter.cost(of: usage, at: Price(input: 1, output: 0, cachedInput: 0)) == 1_000_000)
    }
}
