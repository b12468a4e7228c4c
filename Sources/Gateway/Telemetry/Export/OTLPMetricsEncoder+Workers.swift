// OTLPMetricsEncoder+Workers.swift — what is no request's own: providers' pools, breakers and tokens,
// budgets, exports, what was done for tools, and what each worker uses. Pure.

import ReactorCore

extension OTLPMetricsEncoder {
    /// A number, and what it is of.
    private struct Point {
        let attributes: [(name: StaticString, value: String)]
        let value: Int
        /// Billionths rather than whole ones.
        var isFraction = false
    }

    private static func metric(
        _ name: StaticString, _ unit: StaticString, _ kind: StaticString, _ points: [Point],
        _ times: Times, _ buffer: inout ByteBuffer
    ) {
        // One without points says nothing.
        guard !points.isEmpty else { return }
        metric(name, unit, kind, &buffer) { buffer in
            for one in points {
                point(
                    times, &buffer,
                    attributes: { attributes in
                        for (name, value) in one.attributes { attributes.text(name, value) }
                    },
                    value: { buffer in
                        guard one.isFraction else { return whole(one.value, &buffer) }
                        buffer.append(",\"asDouble\":" as StaticString)
                        buffer.append(billionths: one.value)
                    })
            }
        }
    }

    /// One number of each.
    private static func each<Element>(
        _ all: [Element], _ provider: (Element) -> String, _ value: (Element) -> Int
    ) -> [Point] {
        all.map {
            Point(attributes: [(name: "gateway.provider", value: provider($0))], value: value($0))
        }
    }

    /// Several numbers of each, told apart by `label`.
    private static func each<Element>(
        _ all: [Element], _ provider: (Element) -> String, by label: StaticString,
        _ values: (Element) -> [(String, Int)]
    ) -> [Point] {
        var points: [Point] = []
        for one in all {
            for (word, value) in values(one) {
                points.append(
                    Point(
                        attributes: [
                            (name: "gateway.provider", value: provider(one)),
                            (name: label, value: word),
                        ], value: value))
            }
        }
        return points
    }

    static func providers(
        _ report: GatewayReport, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        breakers(report, times, &buffer)
        pools(report.pools, times, &buffer)
        tokens(report.tokens, times, &buffer)
    }

    private static func breakers(
        _ report: GatewayReport, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        metric(
            "gateway.fallbacks", "{request}", "sum",
            each(report.providers, \.name) { $0.departures }, times, &buffer)
        let guarded = report.providers.filter { $0.breaker != nil }
        let states = each(guarded, \.name, by: "gateway.state") { provider in
            MetricsExposition.breakerStates.map { ($0, provider.breaker == $0 ? 1 : 0) }
        }
        metric("gateway.breaker.state", "1", "gauge", states, times, &buffer)
        metric(
            "gateway.breaker.openings", "{opening}", "sum",
            each(guarded, \.name) { $0.openings }, times, &buffer)
        metric(
            "gateway.breaker.refusals", "{request}", "sum",
            each(guarded, \.name) { $0.refusals }, times, &buffer)
    }

    private static func pools(
        _ pools: [GatewayReport.Pool], _ times: Times, _ buffer: inout ByteBuffer
    ) {
        let states = each(pools, \.provider, by: "gateway.state") { pool in
            [
                ("connecting", pool.counters.connecting), ("leased", pool.counters.leased),
                ("idle", pool.counters.idle),
            ]
        }
        metric("gateway.pool.connections", "{connection}", "gauge", states, times, &buffer)
        metric(
            "gateway.pool.waiting", "{request}", "gauge",
            each(pools, \.provider) { $0.counters.waiting }, times, &buffer)
        metric(
            "gateway.pool.created", "{connection}", "sum",
            each(pools, \.provider) { $0.counters.created }, times, &buffer)
        metric(
            "gateway.pool.reused", "{request}", "sum",
            each(pools, \.provider) { $0.counters.reused }, times, &buffer)
        let handshakes = each(pools, \.provider, by: "gateway.kind") { pool in
            [("full", pool.counters.handshakes), ("resumed", pool.counters.resumptions)]
        }
        metric("gateway.pool.handshakes", "{handshake}", "sum", handshakes, times, &buffer)
    }

    private static func tokens(
        _ tokens: [GatewayReport.Token], _ times: Times, _ buffer: inout ByteBuffer
    ) {
        let states = each(tokens, \.provider, by: "gateway.state") { token in
            zip(TokenFigures.State.allCases, token.workers).map { ("\($0.name)", $1) }
        }
        metric("gateway.token.workers", "{process}", "gauge", states, times, &buffer)
        metric(
            "gateway.token.expires_in", "s", "gauge",
            each(tokens.filter { $0.expiresIn != nil }, \.provider) { $0.expiresIn ?? 0 }, times,
            &buffer)
        metric(
            "gateway.token.generations", "{token}", "sum",
            each(tokens, \.provider) { $0.generations }, times, &buffer)
        let leases = each(tokens, \.provider, by: "gateway.result") { token in
            [("hit", token.hits), ("miss", token.leases - token.hits)]
        }
        metric("gateway.token.leases", "{request}", "sum", leases, times, &buffer)
    }

    static func exports(
        _ report: GatewayReport, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        var records: [Point] = []
        for export in report.exports {
            let figures = export.figures
            for (word, value) in [
                ("sent", figures.sent), ("refused", figures.refused), ("dropped", figures.dropped),
            ] {
                records.append(
                    Point(
                        attributes: [
                            (name: "gateway.exporter", value: export.name),
                            (name: "gateway.result", value: word),
                        ], value: value))
            }
        }
        metric("gateway.export.records", "{record}", "sum", records, times, &buffer)
        metric(
            "gateway.export.waiting", "{record}", "gauge",
            report.exports.map {
                Point(
                    attributes: [(name: "gateway.exporter", value: $0.name)],
                    value: $0.figures.waiting)
            }, times, &buffer)
        metric(
            "gateway.tool_repairs", "{repair}", "sum",
            report.repairs.map {
                Point(attributes: [(name: "gateway.kind", value: $0.kind)], value: $0.count)
            },
            times, &buffer)
        metric(
            "gateway.builtin.calls", "{call}", "sum",
            report.builtInCalls.map {
                Point(attributes: [(name: "gen_ai.tool.name", value: $0.function)], value: $0.count)
            }, times, &buffer)
        func budget(_ value: (GatewayReport.Budget) -> Int) -> [Point] {
            report.budgets.map {
                Point(
                    attributes: [
                        (name: "gateway.key", value: $0.key),
                        (name: "gateway.period", value: $0.period),
                    ],
                    value: value($0), isFraction: true)
            }
        }
        metric("gateway.key.budget", "USD", "gauge", budget(\.limit), times, &buffer)
        metric("gateway.key.spent", "USD", "gauge", budget(\.spent), times, &buffer)
    }

    static func workers(
        _ report: GatewayReport, _ times: Times, _ buffer: inout ByteBuffer
    ) {
        func each(
            _ workers: [GatewayReport.Worker], isFraction: Bool,
            _ value: (GatewayReport.Worker) -> Int
        ) -> [Point] {
            workers.map {
                Point(
                    attributes: [(name: "gateway.worker", value: "\($0.place)")], value: value($0),
                    isFraction: isFraction)
            }
        }
        let there = report.workers.filter { $0.count > 0 }
        metric(
            "process.memory.usage", "By", "gauge",
            each(there, isFraction: false) { $0.process.residentBytes }, times, &buffer)
        metric(
            "process.cpu.time", "s", "sum",
            each(report.workers, isFraction: true) { $0.process.cpuMicroseconds * 1000 }, times,
            &buffer)
        metric(
            "gateway.loop.lag", "s", "gauge",
            each(there, isFraction: true) { $0.lag.lastMicroseconds * 1000 }, times, &buffer)
        metric(
            "gateway.loop.lag_max", "s", "gauge",
            each(there, isFraction: true) { $0.lag.maxMicroseconds * 1000 }, times, &buffer)
    }
}
