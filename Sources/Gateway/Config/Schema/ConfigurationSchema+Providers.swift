// ConfigurationSchema+Providers.swift — the keys of providers, type by type.

import GatewayModel
import GatewayPolicy
import GatewayProviders
import ReactorCore

extension ConfigurationSchema {
    /// Types that later versions speak.
    static let reservedProviderTypes = [
        "anthropic", "gemini", "vertex", "salesforce", "sambanova", "sambanova-web",
    ]

    static var providers: ValueKind<[ProviderConfiguration]> {
        .table(
            "provider name",
            checkKey: { (name) throws(Refusal) in try OperatorName.check(name) },
            of: .variants(
                tag: "type", [openAIVariant, simulatorVariant], reserved: reservedProviderTypes),
            join: { ProviderConfiguration(name: $0, kind: $1) },
            split: { ($0.name, $0.kind) })
    }

    private static var openAIVariant: SectionVariant<ProviderConfiguration.Kind> {
        SectionVariant(
            "openai", upstream, "Any server that speaks the OpenAI API.",
            wrap: { .openAI($0) },
            unwrap: { kind in
                if case .openAI(let settings) = kind { return settings }
                return nil
            })
    }

    private static var simulatorVariant: SectionVariant<ProviderConfiguration.Kind> {
        SectionVariant(
            "simulator", simulator, "A model inside the gateway: no network, no key, no cost.",
            wrap: { .simulator($0) },
            unwrap: { kind in
                if case .simulator(let settings) = kind { return settings }
                return nil
            })
    }

    // MARK: openai

    private static var upstream: Section<UpstreamConfiguration> {
        Section(
            UpstreamConfiguration(),
            [
                Field(
                    "base_url", \.baseURL, .baseURL,
                    "The server, with the path in front of `/chat/completions`."),
                Field(
                    "api_key", \.apiKey, .secret("a key"),
                    "Sent as `Authorization: Bearer`; nothing is sent if left out."),
                Field(
                    "headers", \.headers, headers,
                    "Header fields to send with every request. Values are treated as secrets."),
                Field(
                    "ca_file", \.caFile, .path,
                    "PEM file with the only authorities to trust; the system's if left out."),
                Field(
                    "tls_verify", \.verifiesTLS, .boolean,
                    "Whether the server's certificate is checked. Off, anybody can be the server."),
                Field("pool", \.pool, .section(pool), "Connections to this provider, per worker."),
                Field("timeouts", \.timeouts, .section(timeouts), "Clocks of one attempt."),
                .notYet("proxy", "A proxy in front of this provider."),
            ],
            check: { upstream, node, reader in
                var names: Set<String> = []
                for header in upstream.headers {
                    let name = header.name.lowercased()
                    let mark = node["headers"]?[header.name]?.mark ?? node.mark
                    if !names.insert(name).inserted {
                        reader.note("headers: '\(header.name)' is given twice", at: mark)
                    }
                    if name == "authorization", upstream.apiKey != nil {
                        reader.note("headers: api_key sets '\(header.name)' already", at: mark)
                    }
                }
            })
    }

    private static var headers: ValueKind<[HeaderConfiguration]> {
        .table(
            "header field",
            checkKey: { (name) throws(Refusal) in try OperatorName.checkField(name) },
            of: .fieldValue,
            join: { HeaderConfiguration(name: $0, value: $1) },
            split: { ($0.name, $0.value) })
    }

    private static var pool: Section<PoolLimits> {
        let time: ValueKind<Duration> = .duration(.zero ... .seconds(3600))
        return Section(
            PoolLimits(),
            [
                Field(
                    "max", \.openMax, .integer(1...1_000_000),
                    "Open connections; each carries one request at a time."),
                Field("idle", \.idleMax, .integer(0...1_000_000), "Idle connections kept warm."),
                Field(
                    "idle_timeout", \.idleTime, time,
                    "How long they are kept: choose less than the server does."),
                Field(
                    "waiting", \.waitingMax, .integer(0...1_000_000),
                    "Requests that may wait for a connection; further ones get 503."),
                Field("wait", \.waitTime, time, "How long they wait; then 503."),
            ])
    }

    private static var timeouts: Section<TimeoutPolicy> {
        let time: ValueKind<Duration> = .duration(.milliseconds(1) ... .seconds(86_400))
        return Section(
            TimeoutPolicy(),
            [
                Field("connect", \.connect, time, "Name look-up, TCP and TLS together."),
                Field(
                    "head", \.head, time, orWord: "auto",
                    "From the request's last byte to the answer's head; `auto` goes by the "
                        + "request's size."),
                Field("idle", \.idle, time, "Between bytes of the answer."),
                Field("total", \.total, time, "The whole attempt."),
            ])
    }

    // MARK: simulator

    private static var simulator: Section<SimulatorSettings> {
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
