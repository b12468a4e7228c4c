// Models.swift — `gateway models`: which models a server offers.

import ArgumentParser
import GatewayCodec
import GatewayCommands
import GatewayWire
import ReactorCore

/// `gateway models`
struct Models: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the models that a server offers.")

    @OptionGroup var server: ServerOptions
    @OptionGroup var options: ConfigurationOptions

    @Flag(name: .long, help: "Print the server's answer as it is.")
    var json = false

    func run() throws {
        let address = try server.address(options)
        let body = try Self.body(of: address)
        if json { return Output.line(String(decoding: body, as: UTF8.self)) }
        let rows = Self.rows(body)
        let width = rows.map { $0.id.count }.max() ?? 0
        for row in rows {
            let room = String(repeating: " ", count: width - row.id.count + 2)
            Output.line(row.owner.isEmpty ? row.id : row.id + room + row.owner)
        }
    }

    private static func body(of address: APIAddress) throws -> [UInt8] {
        let outcome = try ServerOptions.withClient(address) {
            APIGet.run(ModelsWire.target, on: $0)
        }
        switch outcome {
        case .answered(200, let body): return body
        case .answered(let status, let body):
            let message = body.withUnsafeBytes {
                APIAddress.message(ofError: ByteSlice($0), status: status)
            }
            Output.error("gateway models: \(message)")
        case .failed(let reason): Output.error("gateway models: \(reason)")
        }
        throw ExitCode(ExitStatus.failure)
    }

    /// The names of a server's models.
    static func names(at address: APIAddress) throws -> [String] {
        rows(try body(of: address)).map(\.id)
    }

    private static func rows(_ body: [UInt8]) -> [(id: String, owner: String)] {
        let arena = JSONArena()
        return body.withUnsafeBytes { bytes in
            guard let tree = try? arena.read(ByteSlice(bytes)),
                let list = tree.root[ModelsWire.data]
            else { return [] }
            return list.elements.compactMap { model in
                guard let id = model[ModelsWire.id]?.string?.string else { return nil }
                return (id, model[ModelsWire.ownedBy]?.string?.string ?? "")
            }
        }
    }
}
