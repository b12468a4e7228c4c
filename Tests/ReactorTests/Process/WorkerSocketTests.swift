// WorkerSocketTests.swift — several sockets on one port, and a port that is somebody else's.

import Glibc
import Reactor
import Testing

@Suite struct WorkerSocketTests {
    @Test func socketsShareThePortThatTheFirstOneGot() throws {
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let first = try WorkerSocket(any)
        #expect(first.address.port != 0)
        let second = try WorkerSocket(first.address)
        #expect(second.address == first.address)
        second.close()
        second.close()
    }

    @Test func aPortOnWhichSomebodyListensIsNotShared() throws {
        let loop = EventLoop()
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let socket = try WorkerSocket(any)
        let server = HTTPServer(
            loop, settings: HTTPServerSettings(makeHandler: { preconditionFailure("no request") }))
        let bound = try server.listen(inherited: dup(socket.descriptor))
        #expect(bound == socket.address)
        let failure = #expect(throws: SystemFailure.self) { try WorkerSocket.check(socket.address) }
        #expect(failure?.description.contains("in use") == true)
        server.drain(grace: .zero) {}
        loop.run()
    }
}
