// Configuration.swift — everything an operator can decide, as values. The defaults are written
// here and nowhere else. Imported by Admin and Main; the snapshot is built from it.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayTelemetry
import ReactorCore

/// One whole configuration.
package struct Configuration: Sendable {
    package var server = ServerConfiguration()
    package var auth = AuthConfiguration()
    /// In the file's order; names are unique. Never empty once loaded.
    package var providers: [ProviderConfiguration] = []
    /// In the file's order; names are unique.
    package var models: [ModelConfiguration] = []
    /// Only `models` routes: built-in patterns and `provider/model` are off.
    package var modelsOnly = false
    /// How the lists of providers are told.
    package var modelList = ModelListPolicy()
    package var tools = ToolsConfiguration()
    package var history = HistoryPolicy()
    package var observability = ObservabilityConfiguration()
    package var service = ServiceConfiguration()
    /// What `ENVIRONMENT` says; nil: nothing that is known here.
    package var environment: RunEnvironment?
    /// Where tokens and lists of models are kept from one run to the next; nil: nowhere.
    package var stateDirectory: String?
    /// What is said of models' capabilities, the source that wins first.
    package var capabilities: [CapabilitySource] = []
    /// What the variable `ENVIRONMENT` says; empty if nothing.
    package var environmentName = ""
    /// Where Vertex AI finds credentials that are not configured.
    package var googleCredentials = GoogleDefaultCredentials()
    /// Proxies for providers that name none.
    package var proxies = EnvironmentProxies()

    package init() {}

    /// Workers in production that nobody has counted (as an earlier gateway had them).
    private static let productionWorkerCount = 4

    /// How many workers to run on so many cores.
    package func workerCount(cores: Int) -> Int {
        let isProduction = environment == .production
        return server.workers
            ?? max(isProduction ? min(cores, Self.productionWorkerCount) : cores, 1)
    }

    /// Whether a change of its files is to be noticed without a signal.
    package var watchesFiles: Bool { service.watchesFiles ?? (environment == .development) }
}

/// What `ENVIRONMENT` may say.
package enum RunEnvironment: String, Sendable {
    /// Files of the configuration are watched.
    case development
    /// At most four workers where nobody has counted them; files lie in the system's folders.
    case production
}

/// How it runs in the background, and whether it watches its files.
package struct ServiceConfiguration: Equatable, Sendable {
    /// Nil: where `ServicePaths` says.
    package var pidFile: String?
    package var logFile: String?
    /// Nil: in development only.
    package var watchesFiles: Bool?

    package init() {}
}

/// A capability table and where it stands.
package struct CapabilitySource: Equatable, Sendable {
    /// A file, or `environment variable NAME`.
    package var name: String
    package var entries: [CapabilityEntry]

    package init(name: String, entries: [CapabilityEntry]) {
        self.name = name
        self.entries = entries
    }
}

/// Where and how clients are served.
package struct ServerConfiguration: Sendable {
    /// An address, or a name that resolves to one.
    package var host = "127.0.0.1"
    /// 0: any free one.
    package var port = 8000
    /// Processes; nil: as many as the cores suggest.
    package var workers: Int?
    /// Nil: plain HTTP.
    package var tls: ServerTLSConfiguration?
    package var heartbeatInterval: Duration = .seconds(15)
    /// How long running exchanges may take to end after SIGTERM.
    package var shutdownGrace: Duration = .seconds(30)
    /// How long readiness says no, at a stop, before the listener closes.
    package var drainDelay: Duration = .zero
    package var doors = DoorsConfiguration()
    package var limits = ServerLimits()
    package var cors = CORSConfiguration()
    /// Host names beside the loopback ones that a loopback listener in open mode answers to.
    package var allowedHosts: [String] = []

    package init() {}

    /// Whether `host` can be reached from this machine only.
    package var isLoopback: Bool { HostName.isLoopback(host) }
}

/// The listener's certificate.
package struct ServerTLSConfiguration: Equatable, Sendable {
    /// PEM file: the certificate and its chain.
    package var certificateFile = ""
    /// PEM file.
    package var privateKeyFile = ""
    /// PEM file with the authorities of clients' certificates; nil: none is asked for.
    package var clientCAFile: String?

    package init() {}
}

/// What can differ from door to door.
package struct DoorsConfiguration: Equatable, Sendable {
    package var chatCompletions = DoorConfiguration()
    package var messages = DoorConfiguration()
    package var responses = DoorConfiguration()
    package var completions = DoorConfiguration()
    /// Whether conversations are kept for `previous_response_id` where a provider keeps none.
    package var storesResponses = true

    package init() {}
}

/// One door.
package struct DoorConfiguration: Equatable, Sendable {
    package var heartbeat = HeartbeatMode.comment
    package var onClientDisconnect = DisconnectPolicy.cancel

    package init() {}
}

/// Which web pages may call.
package struct CORSConfiguration: Equatable, Sendable {
    /// Nil: `*` where keys are asked for, else loopback origins only.
    package var origins: [String]?

    package init() {}
}

/// Who may call.
package struct AuthConfiguration: Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        /// `keys` if there are any, else `open`.
        case auto
        case open
        /// Some credential must be there; any will do.
        case bearer
        case keys
    }

    package var mode = Mode.auto
    package var keys: [KeyConfiguration] = []
    /// Whether what keys have spent outlives a restart.
    package var keepsBudgets = true

    package init() {}

    /// What is to be kept of what keys spend.
    package var keptBudgets: [(key: String, period: BudgetPeriod)] {
        guard keepsBudgets else { return [] }
        return keys.compactMap { key in key.budget.map { (key.name, $0.period) } }
    }

    /// The mode that holds: never `auto`.
    package var effectiveMode: Mode { mode == .auto ? (keys.isEmpty ? .open : .keys) : mode }
}

/// A client's key.
package struct KeyConfiguration: Sendable {
    /// Unique; appears in logs.
    package var name = ""
    /// The key itself; nil where only its hash is known.
    package var key: Secret?
    /// The key's SHA-256 hash, 32 bytes. Exactly one of `key` and `sha256` is there.
    package var sha256: [UInt8]?
    /// Model names and patterns that it may use; empty: all.
    package var models: [String] = []
    /// Whether it opens the administration's doors.
    package var isAdmin = false
    /// Nil: no limit.
    package var requestsPerMinute: Int?
    package var tokensPerMinute: Int?
    package var concurrentMax: Int?
    package var budget: BudgetConfiguration?

    package init() {}

    /// What a presented key is compared by; nil only where neither form is there.
    package var digest: SHA256Digest? {
        if let key { return key.withBytes { SHA256Digest(of: $0) } }
        return sha256.flatMap { $0.withUnsafeBytes { SHA256Digest(bytes: ByteSlice($0)) } }
    }
}

/// What a key may spend.
package struct BudgetConfiguration: Equatable, Sendable {
    package var dollars = 0.0
    package var period = BudgetPeriod.month

    package init() {}
}

/// A line of the model table.
package struct ModelConfiguration: Equatable, Sendable {
    /// An exact name, or a pattern with one `*`.
    package var name = ""
    /// Where it goes; never empty once loaded.
    package var targets: [ModelTarget] = []
    /// How one of them is chosen.
    package var strategy = TargetStrategy.priority
    /// Names of models, as clients use them, that stand in for it.
    package var fallbacks: [String] = []
    /// Tries of one target beyond the first; nil: as its provider says.
    package var retries: Int?
    package var settings = ModelSettings()
    /// Clocks above those of the providers.
    package var timeouts = TimeoutOverrides()
    /// What is known better than the registry knows it.
    package var capabilities = CapabilityOverrides()

    package init() {}
}

extension ModelConfiguration {
    /// Whether another target can answer where one fails.
    package var hasAlternatives: Bool { targets.count > 1 || !fallbacks.isEmpty }
}

/// A model at a provider.
package struct ModelTarget: Equatable, Sendable {
    /// Names one of the configuration's providers.
    package var provider = ""
    /// The model's name there; nil: the client's.
    package var model: String?
    /// Its share under `weighted`.
    package var weight = 1

    package init(provider: String = "", model: String? = nil, weight: Int = 1) {
        self.provider = provider
        self.model = model
        self.weight = weight
    }
}

/// The tools that the gateway runs itself.
package struct ToolsConfiguration: Equatable, Sendable {
    package var executesBuiltIn = false
    package var allowsPerRequest = false
    package var roundsMax = 4
    /// Names of `BuiltInTool.all`.
    package var builtIn = ["calculate", "get_time"]

    package init() {}
}
