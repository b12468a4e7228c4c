// SimulatorService.swift — the simulator behind an HTTP server of its own: no routing, no keys, no
// relay, only its answers. Used by `gateway simulate`.

import GatewayCodec
import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

/// What all connections of a standalone simulator share.
package final class SimulatorService {
    let loop: EventLoop
    let settings: SimulatorSettings
    let arena = JSONArena()
    private var ordinal: UInt64 = 0

    package init(loop: EventLoop, settings: SimulatorSettings) {
        self.loop = loop
        self.settings = settings
    }

    func nextOrdinal() -> UInt64 {
        ordinal += 1
        return ordinal
    }
}

/// Serves the requests of one connection.
package final class SimulatorHandler: HTTPServerHandler {
    private let service: SimulatorService
    private let player: SimulatorPlayer
    private unowned(unsafe) var connection: HTTPServerConnection?
    private var method = ByteBuffer()
    private var target = ByteBuffer()
    private var body = ByteBuffer()

    package init(service: SimulatorService) {
        self.service = service
        player = SimulatorPlayer(service.loop)
    }

    package func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        self.connection = connection
        method.removeAll()
        method.append(head.method.token)
        target.removeAll()
        target.append(HTTPRequestRules.pathAndQuery(of: head.target))
        body.removeAll()
    }

    package func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        body.append(bytes)
    }

    package func requestEnded(on connection: HTTPServerConnection) {
        let script = SimulatorScript.answer(
            method: method.slice, target: target.slice, body: body.slice, arena: service.arena,
            settings: service.settings, created: service.loop.secondsSince1970,
            ordinal: service.nextOrdinal())
        body.release()
        player.play(script, to: self)
    }

    package func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection
    ) {
        player.stop()
        self.connection = nil
    }

    package func outputHasRoom(on connection: HTTPServerConnection) { player.resume() }
}

extension SimulatorHandler: SimulatorAudience {
    func simulatorHead(_ head: SimulatorHead, _ script: borrowing SimulatorScript) {
        connection?.beginResponse(
            status: head.status, body: head.bodyBytes.map { .length($0) } ?? .stream
        ) { fields in
            fields.append("content-type: " as StaticString)
            fields.append(head.contentType)
            fields.append("\r\nx-request-id: " as StaticString)
            script.writeRequestID(into: &fields)
            fields.append("\r\n" as StaticString)
            for field in head.fields {
                fields.append(field.name)
                fields.append(": " as StaticString)
                fields.append(field.value)
                fields.append("\r\n" as StaticString)
            }
        }
    }

    func simulatorBody(_ bytes: ByteSlice) {
        connection?.writeBody(bytes)
        if connection?.isFull == true { player.pause() }
    }

    func simulatorEnded() { connection?.endResponse() }

    func simulatorCut(resets: Bool) {
        resets ? connection?.resetConnection() : connection?.cutResponse()
    }
}
