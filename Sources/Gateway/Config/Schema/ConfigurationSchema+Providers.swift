// ConfigurationSchema+Providers.swift — the keys of providers: the types there are, and what all
// of them share that are behind a network. The keys of each type are in the files beside this one.

import GatewayCodec
import GatewayModel
import GatewayPolicy
import GatewayProviders
import ReactorCore

extension ConfigurationSchema {
    /// Types that later versions speak.
    static let reservedProviderTypes = ["azure", "bedrock", "cohere"]

    static var providers: ValueKind<[ProviderConfiguration]> {
        .table(
            "provider name",
            checkKey: { (name) throws(Refusal) in try OperatorName.check(name) },
            of: .variants(
                tag: "type", ProviderType.allCases.map(variant), reserved: reservedProviderTypes),
            join: { ProviderConfiguration(name: $0, kind: $1) },
            split: { ($0.name, $0.kind) })
    }

    private static func variant(
        _ type: ProviderType
    ) -> SectionVariant<ProviderConfiguration.Kind> {
        switch type {
        case .openAI:
            variant(type, openAI, "Any server that speaks the OpenAI API.", { .openAI($0) }) {
                if case .openAI(let settings) = $0 { settings } else { nil }
            }
        case .anthropic:
            variant(type, anthropic, "Anthropic's Messages API.", { .anthropic($0) }) {
                if case .anthropic(let settings) = $0 { settings } else { nil }
            }
        case .gemini:
            variant(type, gemini, "Google's Gemini with an API key.", { .gemini($0) }) {
                if case .gemini(let settings) = $0 { settings } else { nil }
            }
        case .vertex:
            variant(
                type, vertex,
                "Google's Vertex AI. `gemini-*` and `claude-*` are called as publisher models, "
                    + "anything else through the OpenAI-compatible endpoint.", { .vertex($0) }
            ) {
                if case .vertex(let settings) = $0 { settings } else { nil }
            }
        case .salesforce:
            variant(
                type, salesforce,
                "The Salesforce Models API. The app needs the scopes `api`, `einstein_gpt_api` and "
                    + "`sfap_api`, and either the client credentials flow (`consumer_secret`) or "
                    + "the JWT bearer flow (`username` and `private_key_file`); the first is used "
                    + "where both are given.", { .salesforce($0) }
            ) {
                if case .salesforce(let settings) = $0 { settings } else { nil }
            }
        case .sambaNova:
            variant(type, sambaNova, "SambaNova's official API.", { .sambaNova($0) }) {
                if case .sambaNova(let settings) = $0 { settings } else { nil }
            }
        case .sambaNovaWeb:
            variant(
                type, sambaNovaWeb,
                "A person's session at SambaNova's web site, for those who have no key. It is "
                    + "private to the site, may breach its terms, and has **not been verified "
                    + "against the live service**: only a provider of this type, or "
                    + "`SAMBA_EMAIL` and `SAMBA_PASSWORD`, switch it on.", { .sambaNovaWeb($0) }
            ) {
                if case .sambaNovaWeb(let settings) = $0 { settings } else { nil }
            }
        case .simulator:
            variant(
                type, simulator, "A model inside the gateway: no network, no key, no cost.",
                { .simulator($0) }
            ) {
                if case .simulator(let settings) = $0 { settings } else { nil }
            }
        }
    }

    private static func variant<Settings>(
        _ type: ProviderType, _ section: Section<Settings>, _ about: String,
        _ wrap: @escaping (Settings) -> ProviderConfiguration.Kind,
        unwrap: @escaping (ProviderConfiguration.Kind) -> Settings?
    ) -> SectionVariant<ProviderConfiguration.Kind> {
        SectionVariant(type.rawValue, section, about, wrap: wrap, unwrap: unwrap)
    }

    // MARK: What networks have in common

    /// The keys that every provider behind a network has, as keys of its own section.
    static func upstream<Owner>(
        _ path: WritableKeyPath<Owner, UpstreamConfiguration>, of initial: Owner
    ) -> [Field<Owner>] {
        let upstream = initial[keyPath: path]
        let fields: [Field<UpstreamConfiguration>] = [
            Field(
                "headers", \.headers, headers,
                "Header fields to send with every request. Values are treated as secrets."),
            Field(
                "ca_file", \.caFile, .path,
                "PEM file with the only authorities to trust; the system's if left out."),
            Field(
                "tls_verify", \.verifiesTLS, .boolean,
                "Whether the server's certificate is checked. Off, anybody can be the server."),
            Field(
                "pool", \.pool, .section(pool(upstream.pool)),
                "Connections to this provider, per worker."),
            Field("timeouts", \.timeouts, .section(timeouts), "Clocks of one attempt."),
            Field(
                "list_models", \.listsModels, .boolean,
                "Whether the models that it lists are told by `GET /v1/models` (see `model_list`)."
            ),
            Field(
                "proxy", \.proxy, proxy,
                "The proxy in front of it, asked for a tunnel (CONNECT): `http://host:port`, with "
                    + "`user:password@` where it wants that. `auto`: what `HTTPS_PROXY` (for plain "
                    + "HTTP, `http_proxy`), else `ALL_PROXY`, names, unless `NO_PROXY` excepts the "
                    + "host; loopback addresses always are."),
            Field(
                "client_certificate", \.certificateFile, .path,
                "PEM file: the certificate to show a server that asks for one, then its chain."),
            Field(
                "client_private_key", \.privateKeyFile, .path,
                "PEM file: that certificate's private key."),
        ]
        return (fields + resilience(\.resilience)).map { $0.moved(to: path) }
    }

    /// A field that the gateway sends by itself is none of the operator's. `owners` names such
    /// fields in lower case, each with what decides it.
    static func checkHeaders(
        _ upstream: UpstreamConfiguration, owners: [String: String], _ node: YAMLNode,
        _ reader: inout ConfigurationReader
    ) {
        var names: Set<String> = []
        for header in upstream.headers {
            let name = header.name.lowercased()
            let mark = node["headers"]?[header.name]?.mark ?? node.mark
            if !names.insert(name).inserted {
                reader.note("headers: '\(header.name)' is given twice", at: mark)
            }
            if let owner = owners[name] {
                reader.note("headers: \(owner) sets '\(header.name)' already", at: mark)
            }
        }
        for (key, other) in [
            ("client_certificate", "client_private_key"),
            ("client_private_key", "client_certificate"),
        ] {
            if let written = node[key], node[other] == nil {
                reader.note("'\(key)' needs '\(other)' beside it", at: written.mark)
            }
        }
    }

    static var proxy: ValueKind<ProxyChoice> {
        let address = ValueKind<ProxyAddress>.scalar(
            .secret("a proxy's URL"), "a URL", isSecret: true,
            parse: { (text) throws(Refusal) in try ProxyText.parse(text) },
            text: { $0.authorization == nil ? $0.description : "***" })
        return address.or("none").or("auto").mapped(
            { choice in
                switch choice {
                case .none: .environment
                case .some(.none): .none
                case .some(.some(let address)): .address(address)
                }
            },
            { choice in
                switch choice {
                case .environment: nil
                case .none: .some(nil)
                case .address(let address): address
                }
            })
    }

    static var headers: ValueKind<[HeaderConfiguration]> {
        .table(
            "header field",
            checkKey: { (name) throws(Refusal) in try OperatorName.checkField(name) },
            of: .fieldValue,
            join: { HeaderConfiguration(name: $0, value: $1) },
            split: { ($0.name, $0.value) })
    }

    private static func pool(_ initial: PoolLimits) -> Section<PoolLimits> {
        let time: ValueKind<Duration> = .duration(.zero ... .seconds(3600))
        return Section(
            initial,
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
        Section(
            TimeoutPolicy(),
            [
                Field("connect", \.connect, clock, aboutConnect),
                Field("head", \.head, clock, orWord: "auto", aboutHead),
                Field("idle", \.idle, clock, aboutIdle),
                Field("total", \.total, clock, aboutTotal),
            ])
    }

    /// The same keys for one model; what is left out is its provider's.
    static var timeoutOverrides: Section<TimeoutOverrides> {
        Section(
            TimeoutOverrides(),
            [
                Field("connect", \.connect, clock, aboutConnect),
                Field("head", \.head, clock.or("auto"), aboutHead),
                Field("idle", \.idle, clock, aboutIdle),
                Field("total", \.total, clock, aboutTotal),
            ])
    }

    private static var clock: ValueKind<Duration> {
        .duration(.milliseconds(1) ... .seconds(86_400))
    }
    private static let aboutConnect = "Name look-up, TCP and TLS together."
    private static let aboutHead =
        "From the request's last byte to the answer's head; `auto` goes by the request's size, its "
        + "bounds, its model and whether it streams (docs/limits.md)."
    private static let aboutIdle = "Between bytes of the answer."
    private static let aboutTotal = "The whole attempt."
}
