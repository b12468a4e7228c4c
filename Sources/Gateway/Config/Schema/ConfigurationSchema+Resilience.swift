// ConfigurationSchema+Resilience.swift — the keys that say what becomes of a provider's failures.

import GatewayPolicy
import ReactorCore

extension ConfigurationSchema {
    /// As keys of the provider's own section.
    static func resilience<Owner>(
        _ path: WritableKeyPath<Owner, ResilienceConfiguration>
    ) -> [Field<Owner>] {
        let fields: [Field<ResilienceConfiguration>] = [
            Field(
                "retries", \.retries, .integer(0...RoutePlan.retriesMax),
                "Tries of a request beyond the first where it could not connect, or the answer was "
                    + "429 or 5xx, with back-off and `Retry-After` up to 10 s, as long as the "
                    + "client has no byte of an answer."),
            Field(
                "breaker", \.breaker, .section(breaker),
                "Leaves a provider alone that keeps failing: its requests go to their next target, "
                    + "or get 503 with `Retry-After`. All workers share its state."),
        ]
        return fields.map { $0.moved(to: path) }
    }

    private static var breaker: Section<BreakerConfiguration> {
        let time: ValueKind<Duration> = .duration(.milliseconds(100) ... .seconds(86_400))
        return Section(
            BreakerConfiguration(),
            [
                Field(
                    "mode", \.mode, .choice(BreakerConfiguration.Mode.allCases),
                    "`auto` is on where a model that has another target names the provider."),
                Field(
                    "failures", \.policy.failures, .integer(1...BreakerPolicy.failuresMax),
                    "Failures in a row that open it: no connection, time-outs, 5xx, answers that "
                        + "break off or make no sense. 429 and refused credentials are none."),
                Field(
                    "failure_percent", \.policy.percent, .integer(0...100),
                    "Failures among a window's requests, in per cent, that open it; 0: only those "
                        + "in a row do."),
                Field(
                    "minimum", \.policy.minimum, .integer(1...BreakerPolicy.countMax),
                    "Requests of a window below which the per cent do not count."),
                Field(
                    "window", \.policy.window, time,
                    "How long requests are counted together, from a failure on."),
                Field(
                    "open", \.policy.open, time,
                    "How long nobody is let through; then one request is, and its end decides."),
            ])
    }
}
