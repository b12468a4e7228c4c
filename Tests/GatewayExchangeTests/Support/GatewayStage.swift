// GatewayStage.swift — a whole gateway on one loop with its clients: a server of exchanges, the
// simulator as a provider of its own (`sim`) and behind a second server (`up`), a server that answers
// by a script as providers of several kinds (`raw` is relayed, `claude` and `newer` too in dialects of
// their own, `quirky` is translated, `text` knows text only), and the log in a file.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import GatewayTools
import Reactor
import ReactorCore
import TestSupport
import Testing

/// What a test decides about its gateway.
struct StageSettings {
    var keys = APIKeyTable(mode: .open, entries: [])
    var cors = CORSPolicy(origins: [], grantsLoopback: true, hosts: nil)
    var heartbeatInterval: Duration = .seconds(15)
    var heartbeatMode = HeartbeatMode.comment
    var disconnectPolicy = DisconnectPolicy.cancel
    var limits = ServerLimits()
    var simulator = StageSettings.quick
    var timeouts = TimeoutPolicy()
    var tools = StageSettings.tools
    var capabilities = CapabilityRegistry(layers: [])
    var hasTextModels = false
    var history = HistoryPolicy()
    var storesResponses = false
    var observability = ObservabilityPolicy()
    /// Names that `GET /v1/models` lists, as the simulator's.
    var listed: [String] = []
    /// Providers that are asked for their lists.
    var listing: Set<String> = []
    var modelList = ModelListPolicy()
    /// Where lists are shared; nil: nowhere.
    var listDirectory: String?
    /// Names with settings, and the providers that they go to.
    var models: [(name: String, provider: String, ModelSettings)] = []
    /// Models that several targets can answer, by the providers' names.
    var groups: [StageGroup] = []
    var breaker: BreakerPolicy?
    var retries = 0

    /// Nothing is run unless asked for.
    static var tools: ToolPolicy {
        var tools = ToolPolicy()
        tools.builtIn = BuiltInTool.all
        tools.mayDowngrade = true
        return tools
    }

    /// Answers at once, with few words.
    static var quick: SimulatorSettings {
        var settings = SimulatorSettings()
        settings.timeToFirstToken = .zero
        settings.tokensPerSecond = 0
        settings.answerTokens = 8
        settings.seed = 1
        return settings
    }
}

/// A model with several targets.
struct StageGroup {
    var name: String
    var targets: [(provider: String, model: String)]
    var fallbacks: [String] = []
    var retries: Int?
}

/// What one test runs in. Call `finish` at its end.
final class GatewayStage {
    let loop = EventLoop()
    let worker: Worker
    private let snapshot: Snapshot
    private let server: HTTPServer
    private let upstreamServer: HTTPServer
    private let scriptedServer: HTTPServer
    let upstream = ScriptedUpstream()
    private var resolver: Resolver?
    private let directory: TestDirectory
    private let log: LogSink
    private var clients: [Client] = []
    let port: Int
    /// Of providers' lists, as `provider: message`.
    private(set) var listFailures: [String] = []

    init(_ settings: StageSettings = StageSettings()) throws {
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let service = SimulatorService(loop: loop, settings: settings.simulator)
        upstreamServer = HTTPServer(
            loop, settings: HTTPServerSettings { SimulatorHandler(service: service) })
        let upstreamPort = try upstreamServer.listen(on: any).port
        let upstream = self.upstream
        scriptedServer = HTTPServer(
            loop, settings: HTTPServerSettings { ScriptedHandler(upstream) })
        let scriptedPort = try scriptedServer.listen(on: any).port
        let resolver = Resolver(loop)
        self.resolver = resolver
        snapshot = Self.snapshot(
            settings, resolver: resolver, upstreamPort: upstreamPort, scriptedPort: scriptedPort)
        directory = TestDirectory()
        log = LogSink(loop, descriptor: directory.openForWriting("log"))
        let worker = Worker(loop: loop, snapshot: snapshot, log: log, logFormat: .json)
        self.worker = worker
        var serving = HTTPServerSettings { worker.takeExchange() }
        serving.limits = settings.limits
        serving.refusalBody = { worker.refuse($0, fields: &$1, body: &$2) }
        server = HTTPServer(loop, settings: serving)
        port = try server.listen(on: any).port
        snapshot.catalog.onFailure = { [unowned self] provider, failure in
            listFailures.append("\(provider): \(failure.message)")
        }
    }

    private static func snapshot(
        _ settings: StageSettings, resolver: Resolver, upstreamPort: Int, scriptedPort: Int
    ) -> Snapshot {
        func place(_ port: Int) -> Upstream.Transport {
            let origin = HTTPOrigin(
                resolver: resolver, host: "127.0.0.1", port: port, tls: nil,
                limits: PoolLimits(), connectTime: .seconds(5))
            let head = RequestHead(
                authority: "127.0.0.1:\(port)", pathPrefix: "/v1", key: Secret("upstream-key"),
                headers: [], userAgent: "test")
            return .network(origin, head)
        }
        let scripted: [(String, Provider)] = [
            ("raw", .openAI(OpenAIProvider())),
            ("claude", .anthropic(AnthropicProvider())),
            ("newer", .openAI(OpenAIProvider(servesResponses: true))),
            ("quirky", .openAI(OpenAIProvider(quirks: .systemForDeveloper))),
            ("text", .salesforce(SalesforceProvider())),
        ]
        let upstreams =
            [
                Upstream(
                    name: "sim", provider: .openAI(OpenAIProvider()),
                    transport: .simulator(settings.simulator), timeouts: settings.timeouts,
                    asksForUsage: false, breaker: settings.breaker, retries: settings.retries),
                Upstream(
                    name: "up", provider: .openAI(OpenAIProvider()), transport: place(upstreamPort),
                    key: Secret("upstream-key"), timeouts: settings.timeouts, asksForUsage: true,
                    breaker: settings.breaker, retries: settings.retries),
            ]
            + scripted.map { name, provider in
                Upstream(
                    name: name, provider: provider, transport: place(scriptedPort),
                    key: Secret("upstream-key"), timeouts: settings.timeouts, asksForUsage: false,
                    breaker: settings.breaker, retries: settings.retries)
            }
        for upstream in upstreams {
            upstream.listsModels = settings.listing.contains(upstream.name)
            upstream.modelListFile = settings.listDirectory.map {
                // Stages have ports of their own; here they are workers of one gateway.
                ModelListFile(
                    directory: $0, provider: upstream.name,
                    identity: upstream.name.withByteSlice { SHA256Digest(of: $0) })
            }
        }
        let rules = settings.models.map { name, target, model in
            let provider = upstreams.firstIndex { $0.name == target } ?? 0
            let route = Route(provider: provider, upstreamModel: "m", settings: model)
            return ModelRule(pattern: name, route: route)
        }
        let groups = settings.groups.map { group in
            let targets = group.targets.map { target in
                Target(
                    provider: upstreams.firstIndex { $0.name == target.provider } ?? 0,
                    upstreamModel: target.model)
            }
            return ModelRule(
                pattern: group.name,
                route: Route(
                    provider: targets[0].provider, upstreamModel: targets[0].upstreamModel),
                group: TargetGroup(
                    targets: targets, fallbacks: group.fallbacks, retries: group.retries))
        }
        let routes = RouteTable(
            rules: rules + groups, providerNames: upstreams.map(\.name), builtInPatterns: [],
            tableOnly: false)
        var doors = DoorPolicies()
        doors.chat.heartbeat = settings.heartbeatMode
        doors.chat.onClientDisconnect = settings.disconnectPolicy
        doors.completions = doors.chat
        let snapshot = Snapshot(
            upstreams: upstreams, routes: routes, keys: settings.keys,
            models: settings.listed.map {
                ModelCatalogMerge.Configured(model: CatalogModel(id: $0, owner: "sim"))
            },
            modelList: settings.modelList, cors: settings.cors, doors: doors,
            heartbeatInterval: settings.heartbeatInterval,
            storesResponses: settings.storesResponses, tools: settings.tools,
            history: settings.history, capabilities: settings.capabilities,
            hasTextModels: settings.hasTextModels)
        snapshot.observability = settings.observability
        return snapshot
    }

    // MARK: Clients

    func connect() -> Client {
        let client = Client(port: port)
        clients.append(client)
        return client
    }

    /// A request for a chat answer.
    static func chat(_ model: String, stream: Bool = false, fields: String = "") -> String {
        post(
            "{\"model\":\"\(model)\",\"stream\":\(stream),"
                + "\"messages\":[{\"role\":\"user\",\"content\":\"Hello.\"}]}", fields: fields)
    }

    static func post(
        _ body: String, to path: String = "/v1/chat/completions", fields: String = ""
    ) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Sends a request on a connection of its own and waits for the answer.
    func ask(_ request: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Answer
    {
        let client = connect()
        client.send(request)
        return try answer(to: client, sourceLocation: sourceLocation)
    }

    func answer(
        to client: Client, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Answer {
        var answer: Answer?
        wait("an answer", sourceLocation: sourceLocation) {
            answer = client.takeAnswer()
            return answer != nil
        }
        return try #require(answer, "got: \(client.text)", sourceLocation: sourceLocation)
    }

    // MARK: Running

    @discardableResult
    func wait(
        _ what: String, within limit: Duration = .seconds(5),
        sourceLocation: SourceLocation = #_sourceLocation, until condition: () -> Bool
    ) -> Bool {
        let start = ContinuousClock.now
        while true {
            for client in clients { client.poll() }
            if condition() { return true }
            if ContinuousClock.now - start > limit {
                Issue.record("waited in vain for \(what)", sourceLocation: sourceLocation)
                return false
            }
            loop.run(until: condition, within: .milliseconds(2))
        }
    }

    /// Runs for a while, whatever happens.
    func pass(_ time: Duration) {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < time {
            for client in clients { client.poll() }
            loop.run(until: { false }, within: .milliseconds(2))
        }
    }

    // MARK: The log

    /// The lines so far.
    var lines: [String] {
        log.flush()
        return directory.read("log").split(separator: "\n").map(String.init)
    }

    /// A member of a line.
    func logged(_ name: String, line: Int = 0) -> String? {
        let lines = self.lines
        return line < lines.count ? Answer.value(of: lines[line], [name]) : nil
    }

    // MARK: Ending

    /// Closes everything; no request may be left in flight then.
    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        // As the program ends: requests first, then the connections that they might use.
        for server in [server, upstreamServer, scriptedServer] {
            var isDrained = false
            server.drain(grace: .zero) { isDrained = true }
            wait("the drain", sourceLocation: sourceLocation) { isDrained }
            loop.withTurn {
                worker.stopDetached()
                snapshot.close()
            }
        }
        for client in clients { client.close() }
        pass(.milliseconds(5))
        #expect(worker.counters.inFlight == 0, sourceLocation: sourceLocation)
        log.close()
        resolver = nil
    }
}
