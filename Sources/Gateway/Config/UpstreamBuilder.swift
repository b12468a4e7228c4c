// UpstreamBuilder.swift — from one provider's configuration to what serves its requests: where they
// go, in which dialect, with which credential. The one place that knows every provider's settings.
// Reads the key and certificate files that are named. Imported by SnapshotBuilder.

import GatewayCodec
import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayWire
import Reactor
import ReactorCore

/// Builds upstreams.
struct UpstreamBuilder {
    private let configuration: Configuration
    private let resolver: Resolver
    private let userAgent: String
    private let environment: [String: String]
    private let onTokenEvent: (String, TokenEvent) -> Void
    /// Whether there are other workers to share lists of models with.
    private let sharesLists: Bool
    /// Providers whose breakers are on by themselves.
    private let alternatives: Set<String>

    init(
        _ configuration: Configuration, resolver: Resolver, userAgent: String,
        environment: [String: String], sharesLists: Bool,
        onTokenEvent: @escaping (String, TokenEvent) -> Void
    ) {
        self.sharesLists = sharesLists
        self.configuration = configuration
        self.resolver = resolver
        self.userAgent = userAgent
        self.environment = environment
        self.onTokenEvent = onTokenEvent
        alternatives = Set(
            RouteBuilder(configuration).alternatives().map { configuration.providers[$0].name })
    }

    private func breaker(of name: String, _ resilience: ResilienceConfiguration) -> BreakerPolicy? {
        switch resilience.breaker.mode {
        case .off: nil
        case .on: resilience.breaker.policy
        case .auto: alternatives.contains(name) ? resilience.breaker.policy : nil
        }
    }

    func build(_ provider: ProviderConfiguration) throws(SnapshotFailure) -> Upstream {
        let upstream = try make(provider)
        upstream.system = provider.kind.type.system
        upstream.modelListFile = modelListFile(upstream)
        return upstream
    }

    /// Without other workers, or a directory, a list lives in memory only.
    private func modelListFile(_ upstream: Upstream) -> ModelListFile? {
        guard sharesLists, let identity = upstream.listIdentity, let path = stateDirectory else {
            return nil
        }
        return ModelListFile(directory: path, provider: upstream.name, identity: identity)
    }

    private var stateDirectory: String? {
        configuration.stateDirectory ?? StateDirectory.path { environment[$0] }
    }

    private func make(_ provider: ProviderConfiguration) throws(SnapshotFailure) -> Upstream {
        let name = provider.name
        switch provider.kind {
        case .simulator(let settings):
            return Upstream(
                name: name, provider: .openAI(OpenAIProvider()),
                transport: .simulator(settings.script), timeouts: TimeoutPolicy(),
                asksForUsage: true, breaker: breaker(of: name, settings.resilience),
                retries: settings.resilience.retries)
        case .openAI(let settings):
            return try upstream(
                name, .openAI(OpenAIProvider(servesResponses: settings.relaysResponses)),
                settings.upstream, at: settings.baseURL, key: settings.apiKey)
        case .sambaNova(let settings):
            return try upstream(
                name, .openAI(OpenAIProvider(quirks: .sambaNova)), settings.upstream,
                at: settings.baseURL, key: settings.apiKey)
        case .anthropic(let settings):
            let anthropic = AnthropicProvider(version: settings.version, betas: settings.betas)
            return try upstream(
                name, .anthropic(anthropic), settings.upstream, at: settings.baseURL,
                key: settings.apiKey, credential: .anthropicKey)
        case .gemini(let settings):
            var url = settings.baseURL
            url.pathPrefix += "/\(settings.apiVersion)"
            let gemini = GeminiProvider(apiVersion: settings.apiVersion)
            return try upstream(
                name, .gemini(gemini), settings.upstream, at: url, key: settings.apiKey,
                credential: .googleKey)
        case .vertex(let settings): return try vertex(name, settings)
        case .salesforce(let settings): return try salesforce(name, settings)
        case .sambaNovaWeb(let settings): return try sambaNovaWeb(name, settings)
        }
    }

    // MARK: Providers with tokens

    private func vertex(
        _ name: String, _ settings: VertexConfiguration
    ) throws(SnapshotFailure) -> Upstream {
        let grant: GoogleGrant
        // A user's own requests that name no project need one to be counted for.
        var network = settings.upstream
        switch settings.credentials(
            default: configuration.googleCredentials, exists: ConfigurationFile.exists)
        {
        case .file(let path):
            let credentials = try googleCredentials(path, name)
            grant = GoogleGrant(
                credentials, tokenEndpoint: settings.tokenURL.map { endpoint($0) })
            if case .authorizedUser(let user) = credentials {
                let project = Secret(user.quotaProjectID ?? settings.project)
                network.headers.append(
                    HeaderConfiguration(
                        name: "\(GoogleCredentialsWire.userProjectField)", value: project))
            }
        case .metadataServer(let host):
            let parts = host.split(separator: ":", maxSplits: 1).map(String.init)
            grant = GoogleGrant(
                metadataHost: parts.first ?? host, port: parts.last.flatMap { Int($0) } ?? 80)
        }
        let vertex = VertexProvider(project: settings.project, location: settings.location)
        var url = settings.effectiveBaseURL
        url.pathPrefix += "/v1"
        let tokens = try tokens(
            name, .google(grant), TokenPolicy(), refreshedEvery: settings.refreshInterval,
            settings.upstream)
        let upstream = try upstream(
            name, .vertex(vertex), settings.upstream, at: url, tokens: tokens)
        // The host for all places lists; those of regions may not.
        var lists = settings.baseURL ?? BaseURL(host: "aiplatform.googleapis.com")
        lists.pathPrefix += "/v1beta1"
        upstream.modelsPlace = UpstreamPlace(
            try origin(lists, network, name), head(lists, network, key: Secret(""), .bearer))
        return upstream
    }

    private func googleCredentials(
        _ path: String, _ name: String
    ) throws(SnapshotFailure) -> GoogleCredentials {
        let bytes = try read(path, name)
        let result: Result<GoogleCredentials, GoogleCredentialsFailure> = bytes.withUnsafeBytes {
            bytes in
            do throws(GoogleCredentialsFailure) {
                return .success(try GoogleCredentials.parse(ByteSlice(bytes)))
            } catch { return .failure(error) }
        }
        switch result {
        case .success(let credentials): return credentials
        case .failure(let failure):
            throw SnapshotFailure(description: "providers.\(name): \(path) \(failure)")
        }
    }

    private func salesforce(
        _ name: String, _ settings: SalesforceConfiguration
    ) throws(SnapshotFailure) -> Upstream {
        let proof: SalesforceGrant.Proof
        switch settings.grant {
        case .clientCredentials(let secret): proof = .clientSecret(secret)
        case .jwtBearer(let username, let file):
            proof = .signedAssertion(username: username, signer: try signer(file, name))
        }
        let grant = SalesforceGrant(
            instance: endpoint(settings.instanceURL),
            tokenEndpoint: settings.tokenURL.map { endpoint($0) },
            clientID: settings.consumerKey.withBytes { $0.string }, proof: proof,
            audience: settings.audience == SalesforceConfiguration().audience
                ? nil : settings.audience,
            lifetimeDefault: Int(settings.tokenLifetime.components.seconds))
        var provider = SalesforceProvider()
        provider.surface = settings.surface
        provider.tokensMax = settings.maxTokens
        provider.temperature = settings.temperature
        provider.localization = settings.localization?.json ?? []
        let tokens = try tokens(
            name, .salesforce(grant), .salesforce, refreshedEvery: settings.refreshInterval,
            settings.upstream)
        let place = settings.apiURL ?? BaseURL(host: "api.salesforce.com")
        let upstream = try upstream(
            name, .salesforce(provider), settings.upstream, at: place, tokens: tokens)
        // Without a word of the operator's, the org says where its models are.
        if settings.apiURL == nil { upstream.lentHosts = lentHosts(settings.upstream, name) }
        return upstream
    }

    private func signer(_ path: String, _ name: String) throws(SnapshotFailure) -> RSASigner {
        let pem = try read(path, name)
        let result: Result<RSASigner, SigningKeyFailure> = pem.withUnsafeBytes { bytes in
            do throws(SigningKeyFailure) {
                return .success(try RSASigner(pem: ByteSlice(bytes)))
            } catch { return .failure(error) }
        }
        switch result {
        case .success(let signer): return signer
        case .failure(let failure):
            throw SnapshotFailure(description: "providers.\(name): \(path): \(failure)")
        }
    }

    private func lentHosts(_ settings: UpstreamConfiguration, _ name: String) -> LentHosts {
        LentHosts { host in
            guard let endpoint = TokenEndpoint.parse("https://\(host)") else { return nil }
            let url = BaseURL(
                usesTLS: true, host: endpoint.host, port: endpoint.port, pathPrefix: "")
            guard let origin = try? origin(url, settings, name) else { return nil }
            return (origin, head(url, settings, key: Secret(""), .bearer))
        }
    }

    private func sambaNovaWeb(
        _ name: String, _ settings: SambaNovaWebConfiguration
    ) throws(SnapshotFailure) -> Upstream {
        let lifetime = Int(settings.tokenCacheTime.components.seconds)
        let login = SambaNovaLogin(
            site: endpoint(settings.configURL), email: settings.email, password: settings.password,
            lifetimeMax: lifetime)
        var url = settings.completionURL
        let provider = SambaNovaWebProvider(
            fingerprint: fingerprint(settings.fingerprintPrefix), target: url.pathPrefix)
        url.pathPrefix = ""
        var network = settings.upstream
        // The site answers nobody but its own page.
        let site =
            "\(settings.configURL.usesTLS ? "https" : "http")://\(settings.configURL.authority)"
        network.headers.append(HeaderConfiguration(name: "origin", value: Secret(site)))
        network.headers.append(HeaderConfiguration(name: "referer", value: Secret(site + "/")))
        let tokens = try tokens(
            name, .sambaNova(login), .webSession, refreshedEvery: settings.refreshInterval,
            network, userAgent: Self.browser)
        let upstream = try upstream(
            name, .sambaNovaWeb(provider), network, at: url, tokens: tokens, credential: .cookie,
            userAgent: Self.browser)
        upstream.hasModelsTarget = true
        upstream.modelsPlace = UpstreamPlace(
            try origin(settings.modelsURL, network, name),
            head(
                settings.modelsURL, network, key: Secret(""), .cookie, userAgent: Self.browser))
        return upstream
    }

    private static let browser =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"

    /// One for each process, as a browser has one.
    private func fingerprint(_ prefix: String) -> String {
        var text = ByteBuffer()
        text.append(prefix)
        for _ in 0..<20 { text.append(hex: Int.random(in: 0..<16)) }
        return text.string
    }

    private func tokens(
        _ name: String, _ grant: TokenGrant, _ policy: TokenPolicy,
        refreshedEvery interval: Duration?, _ settings: UpstreamConfiguration,
        userAgent: String? = nil
    ) throws(SnapshotFailure) -> TokenSource {
        var policy = policy
        policy.refreshInterval = interval.map { Int($0.components.seconds) }
        let origins = TokenOrigins(
            resolver.loop, resolver: resolver, tls: clientSettings(settings),
            connectTime: settings.timeouts.connect,
            proxy: { proxy(settings, host: $0, port: $1, usesTLS: $2) })
        do throws(TLSSettingsFailure) { try origins.prepare(grant.endpoint) } catch {
            throw SnapshotFailure(description: "providers.\(name): \(error)")
        }
        return TokenSource(
            name: name, grant: grant, policy: policy, file: tokenFile(name, grant),
            origins: origins, userAgent: userAgent ?? self.userAgent,
            onEvent: { [onTokenEvent] in onTokenEvent(name, $0) })
    }

    /// Without a directory, tokens live in memory only.
    private func tokenFile(_ name: String, _ grant: TokenGrant) -> TokenFile? {
        guard let path = stateDirectory else { return nil }
        do throws(StateDirectoryFailure) { try StateDirectory.prepare(path) } catch {
            onTokenEvent(name, .fileFailed(error.description))
            return nil
        }
        return TokenFile(
            directory: path, name: tokenFileName(name, grant), identity: grant.identity)
    }

    /// The first Salesforce provider's file has the name that was promised (seed row S32).
    private func tokenFileName(_ name: String, _ grant: TokenGrant) -> String {
        let first = configuration.providers.first { $0.kind.type == .salesforce }
        if case .salesforce = grant, first?.name == name { return "salesforce_models_token.json" }
        return "\(name)_token.json"
    }

    // MARK: Pieces

    private func upstream(
        _ name: String, _ provider: Provider, _ settings: UpstreamConfiguration, at url: BaseURL,
        key: Secret? = nil, tokens: TokenSource? = nil,
        credential: RequestHead.CredentialField = .bearer, userAgent: String? = nil
    ) throws(SnapshotFailure) -> Upstream {
        let key = key ?? Secret("")
        let upstream = Upstream(
            name: name, provider: provider,
            transport: .network(
                try origin(url, settings, name),
                head(url, settings, key: key, credential, userAgent: userAgent)),
            key: key, tokens: tokens, timeouts: settings.timeouts, asksForUsage: true,
            breaker: breaker(of: name, settings.resilience), retries: settings.resilience.retries)
        upstream.listsModels = settings.listsModels
        return upstream
    }

    private func head(
        _ url: BaseURL, _ settings: UpstreamConfiguration, key: Secret,
        _ credential: RequestHead.CredentialField, userAgent: String? = nil
    ) -> RequestHead {
        RequestHead(
            authority: url.authority, pathPrefix: url.pathPrefix, key: key, credential: credential,
            headers: settings.headers.map { ($0.name, $0.value) },
            userAgent: userAgent ?? self.userAgent)
    }

    private func origin(
        _ url: BaseURL, _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> HTTPOrigin {
        HTTPOrigin(
            resolver: resolver, host: url.host, port: url.port,
            tls: url.usesTLS ? try clientTLS(settings, name) : nil, limits: settings.pool,
            connectTime: settings.timeouts.connect,
            proxy: proxy(settings, host: url.host, port: url.port, usesTLS: url.usesTLS))
    }

    private func proxy(
        _ settings: UpstreamConfiguration, host: String, port: Int, usesTLS: Bool
    ) -> HTTPProxy? {
        settings.proxy.proxy(
            host: host, port: port, usesTLS: usesTLS, environment: configuration.proxies)
    }

    private func clientTLS(
        _ settings: UpstreamConfiguration, _ name: String
    ) throws(SnapshotFailure) -> TLSContext {
        do throws(TLSSettingsFailure) {
            return try TLSContext(client: clientSettings(settings))
        } catch {
            throw SnapshotFailure(description: "providers.\(name): \(error)")
        }
    }

    private func clientSettings(_ settings: UpstreamConfiguration) -> TLSClientSettings {
        var tls = TLSClientSettings()
        tls.verifiesPeer = settings.verifiesTLS
        tls.caFile = settings.caFile
        if let certificate = settings.certificateFile, let key = settings.privateKeyFile {
            tls.identity = TLSIdentity(certificateFile: certificate, privateKeyFile: key)
        }
        return tls
    }

    private func endpoint(_ url: BaseURL) -> TokenEndpoint {
        TokenEndpoint(
            usesTLS: url.usesTLS, host: url.host, port: url.port, path: url.pathPrefix)
    }

    private func read(_ path: String, _ name: String) throws(SnapshotFailure) -> [UInt8] {
        do throws(FileFailure) { return try ConfigurationFile.read(path) } catch {
            throw SnapshotFailure(description: "providers.\(name): \(error)")
        }
    }
}

extension SalesforceLocalization {
    /// As the Models API spells it.
    fileprivate var json: [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeJSON { json in
            json.beginObject()
            json.field("defaultLocale", text: defaultLocale)
            if !inputLocales.isEmpty {
                json.beginArray("inputLocales")
                for input in inputLocales {
                    json.beginObject()
                    json.field("locale", text: input.locale)
                    json.field("probability", input.probability)
                    json.endObject()
                }
                json.endArray()
            }
            if !expectedLocales.isEmpty {
                json.beginArray("expectedLocales")
                for locale in expectedLocales { json.value(text: locale) }
                json.endArray()
            }
            json.endObject()
        }
        return buffer.array
    }
}
