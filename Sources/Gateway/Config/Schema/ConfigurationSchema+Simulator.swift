// ConfigurationSchema+Simulator.swift — the keys of the built-in simulator.

import GatewayProviders
import ReactorCore

extension ConfigurationSchema {
    static var simulator: Section<SimulatorConfiguration> {
        let script = script
        return Section(
            SimulatorConfiguration(),
            script.fields.map { $0.moved(to: \.script) } + resilience(\.resilience),
            check: { settings, node, reader in script.check(settings.script, node, &reader) })
    }

    private static var script: Section<SimulatorSettings> {
        Section(
            SimulatorSettings(),
            [
                Field(
                    "ttft", \.timeToFirstToken,
                    .duration(.zero...SimulatorSettings.timeToFirstTokenMax),
                    "Time to the first token."),
                Field(
                    "tokens_per_second", \.tokensPerSecond, .number(0...1_000_000),
                    "Pace of all further tokens; 0 sends them at once."),
                Field(
                    "jitter", \.jitter, .number(0...1),
                    "Each wait is drawn from its length times 1 - jitter to 1 + jitter."),
                Field("seed", \.seed, .seed, "The same seed draws the same answers and failures."),
                Field(
                    "mode", \.mode, .choice(SimulatorSettings.Mode.allCases),
                    "`lorem` answers with pseudo-Latin, `echo` with the last user message."),
                Field(
                    "answer_tokens", \.answerTokens,
                    .integer(1...SimulatorSettings.answerTokensMax),
                    "Tokens of a `lorem` answer where the request does not ask for fewer."),
                Field(
                    "failure_rates", \.failureRates, failureRates,
                    "How often a failure befalls a request, by its name, from 0 to 1."),
                Field(
                    "models", \.models, .list(of: .model("a model's name")),
                    "Models to list. Each can be asked for with a failure's name behind it, as in "
                        + "`sim-429`."),
                Field(
                    "models_only", \.listedModelsOnly, .boolean,
                    "Whether other models are unknown; else every name is served."),
            ],
            check: { settings, node, reader in
                do throws(SimulatorSettingsFailure) {
                    try settings.check()
                } catch {
                    reader.note(error.description, at: node.mark)
                }
            })
    }

    private static var failureRates: ValueKind<[SimulatorSettings.FailureRate]> {
        let names = SimulatorBehavior.allCases.filter(\.isFailure).map(\.rawValue)
        return .table(
            "one of \(names.joined(separator: ", "))",
            checkKey: { (name) throws(Refusal) in
                guard names.contains(name) else {
                    let near = NearestName.suggestion(for: name, among: names)
                    throw Refusal(
                        "is not one of \(names.joined(separator: ", "))"
                            + (near.map { "; did you mean '\($0)'?" } ?? ""))
                }
                return name
            },
            of: .number(0...1),
            join: { name, rate in
                guard let behavior = SimulatorBehavior(rawValue: name) else {
                    preconditionFailure("no failure is named \(name)")
                }
                return .init(behavior, probability: rate)
            },
            split: { ($0.behavior.rawValue, $0.probability) })
    }
}
