// AdminEndpointsTests.swift — the shapes of what a worker says of itself.

import GatewayAdmin
import GatewayCodec
import GatewayDoors
import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore
import Testing

/// A worker that serves nobody, with what it says.
private final class Admin {
    let loop = EventLoop()
    let worker: Worker
    let endpoints: AdminEndpoints
    private let log: LogSink

    init() {
        let simulator = Upstream(
            name: "sim", provider: .openAI(OpenAIProvider()),
            transport: .simulator(SimulatorSettings()), timeouts: TimeoutPolicy(),
            asksForUsage: false)
        let snapshot = Snapshot(
            upstreams: [simulator],
            routes: RouteTable(
                rules: [], providerNames: ["sim"], builtInPatterns: [], tableOnly: false),
            keys: APIKeyTable(mode: .open, entries: []),
            models: [],
            cors: CORSPolicy(origins: [], grantsLoopback: true, hosts: nil))
        log = LogSink(loop, descriptor: 1)
        worker = Worker(loop: loop, snapshot: snapshot, log: log, logFormat: .json)
        endpoints = AdminEndpoints(worker: worker, version: "1.2.3")
    }

    deinit {
        endpoints.close()
        log.close()
    }

    func ask(
        _ path: String, openMetrics: Bool = false,
        allows: @escaping (String) -> Bool = { _ in true }
    ) -> (status: Int, type: String, body: String) {
        path.withByteSlice { path in
            var body = ByteBuffer()
            let answer = endpoints.answer(
                DoorTable.door(method: ByteSlice("GET"), path: path), path: path,
                admission: AdmissionView(openMetrics, allowing: allows), into: &body)
            return (answer.status, "\(answer.contentType)", body.string)
        }
    }
}

extension AdmissionView {
    fileprivate init(_ openMetrics: Bool, allowing: @escaping (String) -> Bool) {
        self.init(acceptsOpenMetrics: openMetrics) { allowing($0.string) }
    }
}

@Suite struct AdminEndpointsTests {
    /// Every leaf of a document as `path=value`, in order.
    private func leaves(_ text: String) throws -> [String] {
        try text.withByteSlice { bytes throws in
            let tree = try JSONArena().read(bytes)
            return leaves(tree.root, "")
        }
    }

    private func leaves(_ value: JSONValue, _ path: String) -> [String] {
        switch value.kind {
        case .object:
            value.members.flatMap { leaves($0.value, path + "." + $0.name.string) }
        case .array:
            value.elements.enumerated().flatMap { leaves($0.element, path + ".\($0.offset)") }
        case .string: ["\(path)=\(value.string?.string ?? "?")"]
        case .number: ["\(path)=\(value.int.map { "\($0)" } ?? "?")"]
        case .bool: ["\(path)=\(value.bool == true)"]
        case .null: ["\(path)=null"]
        }
    }

    @Test func health() throws {
        let admin = Admin()
        admin.worker.counters.requests = 7
        admin.worker.counters.inFlight = 1
        admin.worker.counters.byClass.success = 2
        admin.worker.counters.byClass.client = 3
        admin.worker.counters.byClass.server = 4
        admin.worker.counters.cancelled = 5
        for path in ["/health", "/v1/health", "/health/"] {
            let answer = admin.ask(path)
            #expect(answer.status == 200)
            #expect(answer.type == "application/json; charset=utf-8")
            let leaves = try leaves(answer.body)
            #expect(
                leaves.filter { !$0.hasPrefix(".uptime_seconds=") } == [
                    ".status=healthy", ".version=1.2.3", ".configuration.valid=true",
                    ".configuration.providers=1", ".requests.total=7", ".requests.in_flight=1",
                    ".requests.succeeded=2", ".requests.client_errors=3",
                    ".requests.server_errors=4", ".requests.cancelled=5",
                    ".connection_pool.connecting=0", ".connection_pool.leased=0",
                    ".connection_pool.idle=0", ".connection_pool.waiting=0",
                    ".connection_pool.created=0", ".connection_pool.reused=0",
                    ".connection_pool.handshakes=0", ".connection_pool.resumptions=0",
                ])
            #expect(leaves.contains(".uptime_seconds=0") || leaves.contains(".uptime_seconds=1"))
        }
    }

    @Test func readinessEndsBeforeLifeDoes() throws {
        let admin = Admin()
        #expect(admin.ask("/readyz").status == 200)
        #expect(try leaves(admin.ask("/readyz").body) == [".status=ready"])
        #expect(try leaves(admin.ask("/healthz").body) == [".status=ok"])
        admin.worker.isDraining = true
        #expect(admin.ask("/readyz").status == 503)
        #expect(try leaves(admin.ask("/readyz").body) == [".status=draining"])
        #expect(admin.ask("/healthz").status == 200)
        #expect(admin.ask("/health").status == 200)
        #expect(try leaves(admin.ask("/health").body).first == ".status=draining")
    }

    @Test func theRootIsAPage() {
        let answer = Admin().ask("/")
        #expect(answer.status == 200)
        #expect(answer.type == "text/html; charset=utf-8")
        #expect(answer.body.hasPrefix("<!doctype html>"))
        #expect(!answer.body.contains("src="))
        #expect(!answer.body.contains("http://") || answer.body.contains("www.w3.org"))
    }

    @Test func metricsInBothForms() {
        let admin = Admin()
        admin.worker.counters.requests = 7
        let plain = admin.ask("/metrics")
        #expect(plain.type == "text/plain; version=0.0.4; charset=utf-8")
        #expect(plain.body.contains("\ngateway_requests_received_total 7\n"))
        #expect(plain.body.contains("gateway_build_info{version=\"1.2.3\"} 1"))
        #expect(!plain.body.contains("litellm_"))
        #expect(plain.body.contains("\ngateway_workers 1\n"))
        #expect(plain.body.contains("\ngateway_memory_anonymous_bytes{worker=\"0\"} "))
        #expect(!plain.body.contains("gateway_memory_anonymous_bytes{worker=\"0\"} 0\n"))
        let open = admin.ask("/metrics", openMetrics: true)
        #expect(open.type.hasPrefix("application/openmetrics-text; version=1.0.0"))
        #expect(open.body.hasSuffix("# EOF\n"))
        admin.worker.snapshot.observability.aliases = .litellm
        #expect(admin.ask("/metrics").body.contains("# TYPE litellm_spend_metric_total counter"))
        admin.worker.snapshot.observability.aliases = .bifrost
        #expect(admin.ask("/metrics").body.contains("bifrost_upstream_requests_total counter"))
    }

    @Test func performanceHasTheKeysOfTheFirstGateways() throws {
        let leaves = try leaves(Admin().ask("/v1/performance/metrics").body)
        for name in [
            ".request_count=0", ".connection_pool.idle=0", ".connection_pool.reused=0",
            ".token_cache_hit_rate=null", ".latency.count=0",
        ] {
            #expect(leaves.contains(name), "\(name) in \(leaves)")
        }
        #expect(leaves.contains { $0.hasPrefix(".memory.anonymous_bytes=") })
    }

    @Test func infoHasTheKeysOfTheFirstGateways() throws {
        #expect(
            try leaves(Admin().ask("/info").body) == [
                ".status=running", ".version=1.2.3", ".api_key_configured=false",
                ".samba_credentials_configured=false", ".token_status=none",
                ".token_expires_in=null",
            ])
    }

    @Test func tokensAreToldWhereThatIsSwitchedOn() {
        let admin = Admin()
        #expect(admin.ask("/debug/token").status == 404)
        admin.worker.snapshot.observability.showsTokens = true
        #expect(admin.ask("/debug/token").status == 200)
        #expect(admin.ask("/debug/token").body == "{\"tokens\":[]}")
    }

    @Test func watchersAreFewAndAreLetGo() {
        final class Watcher: StatusListener {
            var events: [String] = []
            var isOver = false
            var hasRoom: Bool { true }
            func tell(_ event: ByteSlice) { events.append(event.string) }
            func endTelling() { isOver = true }
        }
        let admin = Admin()
        let watchers = (0..<17).map { _ in Watcher() }
        #expect(!admin.endpoints.watch(watchers[0]), "nothing runs yet")
        admin.endpoints.start()
        #expect(
            watchers.map { admin.endpoints.watch($0) } == [Bool](repeating: true, count: 16) + [
                false
            ])
        #expect(watchers[0].events.count == 1)
        #expect(watchers[0].events[0].hasPrefix("data: {\"time\":"))
        #expect(watchers[0].events[0].hasSuffix("}\n\n"))
        admin.endpoints.unwatch(watchers[0])
        #expect(admin.endpoints.watch(watchers[16]))
        admin.loop.run(until: { watchers[1].events.count > 1 })
        #expect(watchers[1].events.count == 2)
        #expect(watchers[0].events.count == 1)
        admin.worker.isDraining = true
        admin.loop.run(until: { watchers[1].isOver })
        #expect(watchers[16].isOver)
        #expect(!watchers[0].isOver)
    }
}
