import GatewayAdmin
import GatewayDoors
import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import Glibc
import Reactor
import ReactorCore

@main
struct Gateway {
    static func main() throws {
        let upstreamPort = Int(CommandLine.arguments[1])!
        let ca = CommandLine.arguments[2]
        let loop = EventLoop()
        var trust = TLSClientSettings()
        trust.caFile = ca
        let origin = HTTPOrigin(resolver: Resolver(loop), host: "127.0.0.1", port: upstreamPort, tls: try TLSContext(client: trust))
        let encoder = OpenAIRequestEncoder(authority: "127.0.0.1:\(upstreamPort)", pathPrefix: "/v1", key: Secret("sk-upstream"), headers: [], userAgent: "gateway/0.1")
        let up = Upstream(name: "bench", means: .openAI(origin, encoder), key: Secret("sk-upstream"), timeouts: TimeoutPolicy(), asksForUsage: true)
        let sim = Upstream(name: "sim", means: .simulator(SimulatorSettings()), key: Secret(""), timeouts: TimeoutPolicy(), asksForUsage: false)
        let snapshot = Snapshot(upstreams: [up, sim], routes: RouteTable(rules: [ModelRule(pattern: "gpt-4o-mini", route: Route(provider: 0, upstreamModel: nil))], providerNames: ["bench", "sim"], builtInPatterns: [("sim*", 1)], tableOnly: false),
            keys: APIKeyTable(mode: .keys, entries: [.init(principal: Principal(name: "bench", models: []), hash: "sk-test".withByteSlice { SHA256Digest(of: $0) })]), models: [ListedModel(id: "sim", owner: "sim")], cors: CORSPolicy(origins: ["*"], grantsLoopback: true, hosts: nil), heartbeatInterval: .seconds(15), heartbeatMode: .comment, disconnectPolicy: .cancel)
        let worker = Worker(loop: loop, snapshot: snapshot, log: LogSink(loop, descriptor: 1), logFormat: .json)
        let admin = AdminEndpoints(worker: worker, version: "0")
        worker.admin = admin
        let server = HTTPServer(loop, settings: HTTPServerSettings(makeHandler: { Exchange(worker: worker) }))
        try server.listen(on: SocketAddress(host: "127.0.0.1", port: Int(CommandLine.arguments[3])!)!)
        var watchers: [SignalWatcher] = []
        watchers = [SIGINT, SIGTERM].map { number in
            SignalWatcher(loop, number: number) {
                server.drain(grace: .seconds(5)) { origin.close(); worker.log.close(); watchers.forEach { $0.close() } }
            }
        }
        loop.run()
    }
}
