// Snapshot.swift — everything one configuration decides, as tables that are swapped whole. A
// request keeps the snapshot it began with.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import Reactor
import ReactorCore

/// How a stream's silences are filled.
package enum HeartbeatMode: String, Sendable {
    /// `:ka` comments, which every event-stream parser must ignore.
    case comment
    /// Empty chunks, for clients whose idle timer only counts data.
    case chunk
    /// Nothing.
    case off
}

/// What becomes of the upstream exchange when the client leaves.
package enum DisconnectPolicy: String, Sendable {
    /// It is aborted at once.
    case cancel
    /// It runs to its end, so that usage is known.
    case drain
}

/// Which origins browsers may call from.
package struct CORSPolicy: Sendable {
    /// Origins granted by name; `*` grants all.
    package var origins: [String]
    /// Loopback origins are granted beside them.
    package var grantsLoopback: Bool
    /// A Host that is neither loopback nor one of these is refused; nil switches the check off.
    package var hosts: [String]?

    package init(origins: [String], grantsLoopback: Bool, hosts: [String]?) {
        self.origins = origins
        self.grantsLoopback = grantsLoopback
        self.hosts = hosts
    }
}

/// Where requests go, and what each begins with. An object, so that to find it copies nothing.
package final class UpstreamPlace {
    let origin: HTTPOrigin
    let head: RequestHead
    private let hostBuffer: ByteBuffer

    package init(_ origin: HTTPOrigin, _ head: RequestHead) {
        self.origin = origin
        self.head = head
        var buffer = ByteBuffer()
        buffer.append(origin.host)
        hostBuffer = buffer
    }

    /// The host's name, for as long as the place lives.
    var hostBytes: ByteSlice { hostBuffer.slice }
}

/// A provider that can be reached.
package final class Upstream {
    /// How requests get there.
    package enum Transport {
        case network(HTTPOrigin, RequestHead)
        /// Inside this process.
        case simulator(SimulatorSettings)
    }

    package let name: String
    private let nameBuffer: ByteBuffer
    /// What it speaks.
    package let provider: Provider
    package let transport: Transport
    /// Nil for the simulator.
    private let place: UpstreamPlace?
    /// A credential that never changes; empty where there is none or tokens are lent.
    package let key: Secret
    /// Who lends credentials that expire; nil where none are needed.
    package let tokens: TokenSource?
    package let timeouts: TimeoutPolicy
    /// Whether the usage is asked for on streams whose client did not.
    package let asksForUsage: Bool
    /// Where requests go whose credential names a host; nil where credentials name none.
    package var lentHosts: LentHosts?
    /// When it is left alone; nil: never.
    package let breaker: BreakerPolicy?
    /// Further tries of a request that has failed, where its model says nothing else.
    package let retries: Int
    /// What all workers have been told of its pool and its tokens.
    var told = ToldFigures()
    /// What all workers know of it; nil before a worker serves by it, or where there is no room.
    package internal(set) var cell: UpstreamCell?
    /// What traces call its kind (`gen_ai.provider.name`).
    package var system = "" {
        didSet {
            systemBuffer.removeAll()
            systemBuffer.append(system)
        }
    }
    private var systemBuffer = ByteBuffer()
    /// Whether its models are told beside the configured ones, if it lists them.
    package var listsModels = true
    /// What is known of the models it was asked for lately.
    let paces = ModelPaceCache()
    /// Where the models are listed, if elsewhere.
    package var modelsPlace: UpstreamPlace?
    /// Whether the head of that place has the whole target.
    package var hasModelsTarget = false
    /// In which the workers share the list; nil where each asks for itself.
    package var modelListFile: ModelListFile?

    package init(
        name: String, provider: Provider, transport: Transport, key: Secret = Secret(""),
        tokens: TokenSource? = nil, timeouts: TimeoutPolicy,
        asksForUsage: Bool, breaker: BreakerPolicy? = nil, retries: Int = 0
    ) {
        self.name = name
        var buffer = ByteBuffer()
        buffer.append(name)
        nameBuffer = buffer
        self.provider = provider
        self.transport = transport
        if case .network(let origin, let head) = transport {
            place = UpstreamPlace(origin, head)
        } else {
            place = nil
        }
        self.key = key
        self.tokens = tokens
        self.timeouts = timeouts
        self.asksForUsage = asksForUsage
        self.breaker = breaker
        self.retries = retries
    }

    /// Whether a request has to ask before it goes there, or may be tried again.
    var isGuarded: Bool { breaker != nil || retries > 0 }

    /// Requests of this worker's that are there or wait to be; 0 for the simulator.
    var load: Int {
        guard let counters = poolCounters else { return 0 }
        return counters.leased + counters.waiting
    }

    /// The name, for as long as the upstream lives.
    var nameBytes: ByteSlice { nameBuffer.slice }
    var systemBytes: ByteSlice { systemBuffer.slice }

    /// Where a request goes that carries this credential; nil for the simulator, and for a host that
    /// cannot be reached.
    func place(for lease: @autoclosure () -> TokenLease?) -> UpstreamPlace? {
        guard let lentHosts, let host = lease()?.token.apiHost else { return place }
        return lentHosts.place(host)
    }

    /// The host and port of that place; nil where there is none. To ask for the place counts a
    /// reference.
    func address(for lease: @autoclosure () -> TokenLease?) -> (host: ByteSlice, port: Int)? {
        if lentHosts != nil {
            return self.place(for: lease()).map { ($0.hostBytes, $0.origin.port) }
        }
        guard let place else { return nil }
        return (place.hostBytes, place.origin.port)
    }

    /// How its models are listed; nil where it cannot be asked. The simulator's are configured.
    var modelList: ModelListCodec? {
        guard case .network = transport, listsModels else { return nil }
        return provider.modelList
    }

    /// Who is asked for the list, and as whom; nil where nobody is.
    package var listIdentity: SHA256Digest? {
        guard modelList != nil, let head = (modelsPlace ?? place)?.head else { return nil }
        guard let tokens else { return head.identity }
        var hash = SHA256Hash()
        for part in [head.identity, tokens.identity] { part.withBytes { hash.update($0) } }
        return hash.finish()
    }

    /// Where the models are listed.
    func listPlace(for lease: TokenLease?) -> UpstreamPlace? {
        modelsPlace ?? place(for: lease)
    }
}

/// What differs from door to door.
package struct DoorPolicy: Equatable, Sendable {
    package var heartbeat = HeartbeatMode.comment
    package var onClientDisconnect = DisconnectPolicy.cancel

    package init() {}
}

/// The policies of the doors behind which a model answers.
package struct DoorPolicies: Equatable, Sendable {
    package var chat = DoorPolicy()
    package var messages = DoorPolicy()
    package var responses = DoorPolicy()
    package var completions = DoorPolicy()

    package init() {}

    /// The policy of a door; that of chat for those that stream nothing.
    package subscript(door: Door) -> DoorPolicy {
        switch door {
        case .answer(.messages): messages
        case .answer(.responses): responses
        case .answer(.completions): completions
        default: chat
        }
    }
}

/// What is told of the traffic, and to whom.
package struct ObservabilityPolicy: Sendable {
    package var prices = PriceTable()
    /// Metrics are told under these names too.
    package var aliases = PrometheusAliases.none
    /// Whether `/debug/token` exists.
    package var showsTokens = false
    /// Whether it is told what answers of Salesforce are made of.
    package var tellsExtraction = false
    /// Nil where nobody records requests.
    package var tracing: TracePolicy?
    /// Whether what requests come to is counted.
    package var countsRequests = true
    /// Whether every request has a line in the log.
    package var logsRequests = true

    package init() {}
}

/// One configuration's tables.
package final class Snapshot {
    package let upstreams: [Upstream]
    package let routes: RouteTable
    package let keys: APIKeyTable
    /// What `GET /v1/models` lists.
    package let catalog: ModelCatalog
    package let cors: CORSPolicy
    package let doors: DoorPolicies
    /// The silence that a heartbeat ends.
    package let heartbeatInterval: Duration
    /// The same; a `Duration` is dear to ask.
    private let heartbeatNanoseconds: Int64
    /// Whether conversations are kept for `previous_response_id` on providers without that.
    package let storesResponses: Bool
    package let tools: ToolPolicy
    package let history: HistoryPolicy
    /// What operators say of models.
    package let capabilities: CapabilityRegistry
    /// Whether of any it is said that it takes tools as text only.
    package let hasTextModels: Bool
    package var observability = ObservabilityPolicy()
    /// Bytes of an upstream's unary answer; more is a 502.
    package let answerBytesMax = 64 * 1024 * 1024
    /// Requests that it serves now.
    var requestCount = 0

    package init(
        upstreams: [Upstream], routes: RouteTable, keys: APIKeyTable,
        models: [ModelCatalogMerge.Configured], modelList: ModelListPolicy = ModelListPolicy(),
        cors: CORSPolicy, doors: DoorPolicies = DoorPolicies(),
        heartbeatInterval: Duration = .seconds(15), storesResponses: Bool = false,
        tools: ToolPolicy = ToolPolicy(), history: HistoryPolicy = HistoryPolicy(),
        capabilities: CapabilityRegistry = CapabilityRegistry(layers: []),
        hasTextModels: Bool = false
    ) {
        self.upstreams = upstreams
        self.routes = routes
        self.keys = keys
        catalog = ModelCatalog(
            configured: models, upstreams: upstreams, routes: routes, policy: modelList)
        self.cors = cors
        self.doors = doors
        self.heartbeatInterval = heartbeatInterval
        heartbeatNanoseconds = heartbeatInterval.nanoseconds
        self.storesResponses = storesResponses
        self.tools = tools
        self.history = history
        self.capabilities = capabilities
        self.hasTextModels = hasTextModels
    }

    /// The silence that a heartbeat ends at a door; nil where they are off.
    package func heartbeatNanoseconds(at door: Door) -> Int64? {
        doors[door].heartbeat == .off ? nil : heartbeatNanoseconds
    }

    /// Gives every upstream the words that all workers know it by.
    func bind(to cells: UpstreamCells) {
        for upstream in upstreams { upstream.cell = cells.cell(upstream.name) }
    }

    /// Closes every connection to an upstream. No exchange may be running.
    package func close() {
        catalog.close()
        for upstream in upstreams {
            if case .network(let origin, _) = upstream.transport { origin.close() }
            upstream.modelsPlace?.origin.close()
            upstream.lentHosts?.close()
            upstream.tokens?.close()
        }
    }
}
