// ServerOptions.swift — the flags that say which server a verb talks to, shared by chat, models, bench
// and test.

import ArgumentParser
import GatewayCommands
import GatewayConfig
import GatewayModel
import Glibc
import Reactor
import ReactorCore

/// Which server.
struct ServerOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "Base URL of the server. Default: GATEWAY_URL, else the configuration's gateway.")
    var url: String?

    @Option(
        name: .long,
        help: "API key. Default: GATEWAY_API_KEY, else the configuration's first.")
    var key: String?

    @Option(name: .long, help: "PEM file with the authorities to trust.")
    var caFile: String?

    @Flag(name: .long, help: "Do not check the server's certificate.")
    var insecure = false

    /// The address; an error and an exit where there is none.
    func address(_ options: ConfigurationOptions) throws -> APIAddress {
        let environment = ConfigurationOptions.environment()
        var address: APIAddress
        if let text = url ?? environment["GATEWAY_URL"], !text.isEmpty {
            do throws(Refusal) { address = try APIAddress.parse(text) } catch {
                throw ValidationError("'\(text.prefix(200))' \(error.reason)")
            }
        } else {
            address = APIAddress.own(try options.load())
        }
        if let key = key ?? environment["GATEWAY_API_KEY"], !key.isEmpty {
            if let fault = NewKey.fault(in: key) { throw ValidationError(fault) }
            address.key = Secret(key)
        }
        if let caFile {
            address.caFile = caFile
            address.verifiesTLS = true
        }
        if insecure { address.verifiesTLS = false }
        return address
    }

    /// Runs `body` with a client on a loop of its own, and closes both behind it.
    static func withClient<Result>(
        _ address: APIAddress, connectionCount: Int = 8, _ body: (APIClient) throws -> Result
    ) throws -> Result {
        let loop = EventLoop()
        let client: APIClient
        do throws(TLSSettingsFailure) {
            client = try APIClient(
                loop, address, connectionCount: connectionCount, version: Gateway.version)
        } catch {
            Output.error("gateway: \(error)")
            throw ExitCode(ExitStatus.failure)
        }
        defer {
            client.close()
            // What is being closed is let go of within a turn; an earlier stop ends the first run.
            loop.run()
            loop.run()
            withExtendedLifetime(client) {}
        }
        return try body(client)
    }
}

/// A span of time on the command line: `10s`, `1m30s`.
struct TimeArgument: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        guard let duration = try? DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { DurationText.text(duration) }
}
