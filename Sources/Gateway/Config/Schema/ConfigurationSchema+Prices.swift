// ConfigurationSchema+Prices.swift — the keys of `observability.prices`.

import GatewayTelemetry

extension ConfigurationSchema {
    /// A line as it is written: dollars a million tokens.
    private struct PriceLine {
        var input = 0.0
        var output = 0.0
        var cachedInput: Double?
        var cacheWrite: Double?
    }

    static var prices: ValueKind<[PriceRow]> {
        .table(
            "model name at the provider, or `provider/model`",
            checkKey: { (name) throws(Refusal) in try OperatorName.checkModel(name) },
            of: .section(price),
            join: { name, line in
                PriceRow(
                    name,
                    Price(
                        input: line.input, output: line.output, cachedInput: line.cachedInput,
                        cacheWrite: line.cacheWrite))
            },
            split: { row in
                func dollars(_ price: Int) -> Double { Double(price) / 1_000_000 }
                return (
                    row.name,
                    PriceLine(
                        input: dollars(row.price.input), output: dollars(row.price.output),
                        cachedInput: dollars(row.price.cachedInput),
                        cacheWrite: dollars(row.price.cacheWrite))
                )
            })
    }

    private static var price: Section<PriceLine> {
        let dollars: ValueKind<Double> = .number(0...1000)
        return Section(
            PriceLine(),
            [
                Field(
                    "input", \.input, dollars, isRequired: true,
                    "US dollars a million tokens read."),
                Field(
                    "output", \.output, dollars, isRequired: true,
                    "US dollars a million tokens written."),
                Field(
                    "cached_input", \.cachedInput, dollars,
                    "Those read from the provider's cache; as `input` if left out."),
                Field(
                    "cache_write", \.cacheWrite, dollars,
                    "Those written to the provider's cache; as `input` if left out."),
            ])
    }
}
