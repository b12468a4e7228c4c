// HTTPServerHandlerTests.swift — how long a connection keeps its handler, and what an idle one weighs.

import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct HTTPServerHandlerTests {
    private let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    /// The handlers of a server's requests, in order; kept, so that no two have one address.
    private final class Handlers {
        var all: [RecordingHandler] = []
    }

    private func script(keeping handlers: Handlers, releases: Bool) -> ServerScript {
        var script = ServerScript()
        script.end = { handler, connection in
            handlers.all.append(handler)
            handler.answer(connection, "hi")
            if releases { connection.releaseHandler() }
        }
        return script
    }

    private func serve(_ rounds: Int, releases: Bool) throws -> [RecordingHandler] {
        let test = Loopback()
        let handlers = Handlers()
        try test.serve(script(keeping: handlers, releases: releases))
        let client = test.connect()
        for _ in 0..<rounds {
            client.send(get)
            test.waitForText("\r\n\r\nhi", on: client)
            _ = client.take()
        }
        #expect(test.server?.connectionCount == 1)
        test.finish()
        return handlers.all
    }

    @Test func keepsItsHandler() throws {
        let handlers = try serve(3, releases: false)
        #expect(handlers.count == 3)
        #expect(handlers.allSatisfy { $0 === handlers[0] })
    }

    @Test func getsAnotherWhereOneWasReleased() throws {
        let handlers = try serve(3, releases: true)
        #expect(handlers.count == 3)
        #expect(handlers[0] !== handlers[1])
        #expect(handlers[1] !== handlers[2])
    }

    /// Several requests of one read are served in one turn, at the end of which handlers go.
    @Test func pipelinedRequestsHaveHandlersOfTheirOwn() throws {
        let test = Loopback()
        let handlers = Handlers()
        try test.serve(script(keeping: handlers, releases: true))
        let client = test.connect()
        client.send(get + get + get)
        test.wait("three answers") { client.text.components("\r\n\r\nhi").count == 4 }
        #expect(Set(handlers.all.map { ObjectIdentifier($0) }).count == 3)
        // The last one went, too.
        client.send(get)
        test.wait("the fourth") { handlers.all.count == 4 }
        #expect(handlers.all[3] !== handlers.all[2])
        test.finish()
    }

    private final class Watch: Deferrable {
        weak var handler: RecordingHandler?
        var wasThere: Bool?
        func turnEnding() { wasThere = handler != nil }
    }

    @Test func keepsAReleasedOneToTheEndOfTheTurn() throws {
        let test = Loopback()
        let watch = Watch()
        let loop = test.loop
        var script = ServerScript()
        script.end = { handler, connection in
            watch.handler = handler
            loop.atEndOfTurn(watch)
            handler.answer(connection, "hi")
            connection.releaseHandler()
        }
        try test.serve(script)
        let client = test.connect()
        client.send(get)
        test.waitForText("\r\n\r\nhi", on: client)
        #expect(watch.wasThere == true)
        test.wait("the handler's end") { watch.handler == nil }
        #expect(test.server?.connectionCount == 1)
        test.finish()
    }

    @Test func passesItsNoteOn() throws {
        let test = Loopback()
        var script = ServerScript()
        script.end = { handler, connection in
            handler.answer(connection, "note \(connection.note)")
            connection.note += 1
            connection.releaseHandler()
        }
        try test.serve(script)
        let client = test.connect()
        for round in 0..<3 {
            client.send(get)
            test.waitForText("\r\n\r\nnote \(round)", on: client)
            _ = client.take()
        }
        test.finish()
    }

    /// There may be tens of thousands of them, most of them idle.
    @Test func weighsLittle() throws {
        let test = Loopback()
        try test.serve()
        let client = test.connect()
        client.send(get)
        test.waitForText("/a:", on: client)
        let connection = try #require(test.log.connections.first)
        #expect(heapWeight(of: connection) <= 392)
        #expect(heapWeight(of: LoopTimer(test.loop) {}) <= 72)
        test.finish()
    }
}
