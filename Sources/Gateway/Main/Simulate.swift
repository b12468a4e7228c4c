// Simulate.swift — `gateway simulate`: the simulator as an upstream of its own, plain or TLS, for
// load tests of any client or proxy.

import ArgumentParser
import GatewayCodec
import GatewayExchange
import GatewayProviders
import Glibc
import Reactor
import ReactorCore

/// `gateway simulate`
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a simulated OpenAI-compatible upstream.")

    @Option(name: .long, help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(name: .long, help: "Port to listen on; 0 takes a free one.")
    var port = 9000

    @Option(name: .long, help: "Certificate chain (PEM); with --tls-private-key, serves TLS.")
    var tlsCertificate: String?

    @Option(name: .long, help: "Private key (PEM).")
    var tlsPrivateKey: String?

    @Option(name: .long, help: "Milliseconds to the first token.")
    var ttft = 50.0

    @Option(name: .long, help: "Tokens a second; 0 sends all at once.")
    var tokensPerSecond = 80.0

    @Option(name: .long, help: "0 to 1: how much each wait varies.")
    var jitter = 0.0

    @Option(name: .long, help: "Seed of everything drawn.")
    var seed: UInt64 = 0

    @Option(name: .long, help: "lorem or echo.")
    var mode = "lorem"

    @Option(name: .long, help: "Tokens of an answer.")
    var answerTokens = 64

    @Option(name: .long, help: "Failures by rate, e.g. 429:0.01,cut:0.002.")
    var failures = ""

    func run() throws {
        let settings: SimulatorSettings
        let loop = EventLoop()
        do {
            settings = try makeSettings()
            _ = DescriptorLimit.raise()
            var serverSettings = HTTPServerSettings(makeHandler: { () -> any HTTPServerHandler in
                fatalError("replaced below")
            })
            let standalone = SimulatorService(loop: loop, settings: settings)
            serverSettings.makeHandler = { SimulatorHandler(service: standalone) }
            if let tlsCertificate, let tlsPrivateKey {
                let identity = TLSIdentity(
                    certificateFile: tlsCertificate, privateKeyFile: tlsPrivateKey)
                serverSettings.tls = try TLSContext(server: TLSServerSettings(identity: identity))
            }
            guard let address = SocketAddress(host: host, port: port) else {
                throw ValidationError("--host must be a numeric address")
            }
            let server = HTTPServer(loop, settings: serverSettings)
            let bound = try server.listen(on: address)
            Output.line("{\"event\":\"listening\",\"port\":\(bound.port)}")
            var watchers: [SignalWatcher] = []
            watchers = [SIGINT, SIGTERM].map { number in
                SignalWatcher(loop, number: number) {
                    server.drain(grace: .seconds(1)) {
                        watchers.forEach { $0.close() }
                        watchers = []
                    }
                }
            }
            loop.run()
            withExtendedLifetime((server, watchers)) {}
        } catch {
            Output.error("gateway simulate: \(error)")
            throw ExitCode(1)
        }
    }

    private func makeSettings() throws -> SimulatorSettings {
        var settings = SimulatorSettings()
        settings.timeToFirstToken = .microseconds(Int(ttft * 1000))
        settings.tokensPerSecond = tokensPerSecond
        settings.jitter = jitter
        settings.seed = seed
        guard let mode = SimulatorSettings.Mode(rawValue: mode) else {
            throw ValidationError("--mode is lorem or echo")
        }
        settings.mode = mode
        settings.answerTokens = answerTokens
        settings.failureRates = try SimulatorSettings.failureRates(from: failures)
        try settings.check()
        return settings
    }
}
