// ExampleTests.swift — the example programs do what they say, and stop when they are asked to.

import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct ExampleTests {
    @Test func echoServer() throws {
        let program = try #require(ExampleProgram("example-01-echo-server", ["0"]))
        let port = try #require(program.listeningPort())
        let test = Loopback()
        let origin = try test.origin(port: port)
        for index in 0..<3 {
            let call = RecordingCall(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/x\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n6\r\nhello\(index)\r\n0\r\n\r\n")
            call.start(on: origin)
            test.wait("the echo") { call.isOver }
            #expect(call.status == 200 && call.text == "hello\(index)")
            #expect(call.fields["content-type"] == "text/x")
        }
        #expect(origin.counters.created == 1)
        let large = String(repeating: "0123456789", count: 500_000)
        let call = RecordingCall(
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n\(large)")
        call.start(on: origin)
        test.wait("the large echo", within: .seconds(20)) { call.isOver }
        #expect(call.text == large)
        // An idle connection does not hold it up.
        #expect(origin.counters.idle == 1)
        #expect(program.stop() == 0)
        test.finish()
    }

    @Test func reverseProxy() throws {
        let authority = TestAuthority()
        let identity = authority.issue()
        let server = try TLSContext(server: TLSServerSettings(identity: identity))
        var settings = TLSClientSettings()
        settings.caFile = authority.certificateFile
        let test = Loopback()
        try test.serve(tls: server)
        let program = try #require(
            ExampleProgram(
                "example-02-tls-reverse-proxy",
                [
                    "0", identity.certificateFile, identity.privateKeyFile, "localhost",
                    "\(test.port)", authority.certificateFile,
                ]))
        let port = try #require(program.listeningPort())
        let origin = try test.origin(port: port, tls: try TLSContext(client: settings))
        for index in 0..<3 {
            let call = RecordingCall(
                "POST /\(index)?q HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.status == 200 && call.text == "/\(index)?q:hi")
            #expect(call.fields["x-test"] == "1")
        }
        let head = RecordingCall("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n")
        head.start(on: origin, isHead: true)
        test.wait("the answer") { head.isOver }
        #expect(head.status == 200 && head.text.isEmpty)
        #expect(test.log.contains("head HEAD /h"))
        #expect(test.server?.connectionCount == 1)
        #expect(program.stop() == 0)
        test.finish()
    }

    @Test func reverseProxyWithoutItsOrigin() throws {
        let authority = TestAuthority()
        let identity = authority.issue()
        let closed: Int
        do { closed = RawListener().port }
        let program = try #require(
            ExampleProgram(
                "example-02-tls-reverse-proxy",
                [
                    "0", identity.certificateFile, identity.privateKeyFile, "127.0.0.1",
                    "\(closed)", authority.certificateFile,
                ]))
        let port = try #require(program.listeningPort())
        var settings = TLSClientSettings()
        settings.caFile = authority.certificateFile
        let test = Loopback()
        let origin = try test.origin(port: port, tls: try TLSContext(client: settings))
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the answer") { call.isOver }
        #expect(call.status == 502)
        #expect(program.stop() == 0)
        test.finish()
    }
}
