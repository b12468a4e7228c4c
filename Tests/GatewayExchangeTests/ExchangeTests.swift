// ExchangeTests.swift — whole requests through a gateway in this process: answers, streams,
// heartbeats, refusals, and what the log and the counters say of each, exactly once.

import GatewayExchange
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore
import Testing

@Suite struct ExchangeTests {
    // MARK: Answers

    @Test(arguments: ["sim", "up"])
    func aUnaryAnswer(provider: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(
            GatewayStage.chat("\(provider)/sim", fields: "X-Request-Id: mine-1\r\n"))
        #expect(answer.status == 200)
        #expect(answer.json("object") == "chat.completion")
        #expect(answer.json("choices", "0", "message", "role") == "assistant")
        #expect(answer.fields["content-type"] == "application/json; charset=utf-8")
        #expect(answer.fields["x-request-id"] == "mine-1")
        #expect(answer.fields["x-gateway-provider"] == provider)
        #expect(answer.fields["x-gateway-model"] == "sim")
        #expect(answer.fields["x-gateway-attempts"] == "1")
        #expect(answer.fields["access-control-allow-origin"] == "*")
        #expect(stage.lines.count == 1)
        #expect(stage.logged("request_id") == "mine-1")
        #expect(stage.logged("status") == "200")
        #expect(stage.logged("outcome") == "ok")
        #expect(stage.logged("model") == "\(provider)/sim")
        #expect(stage.logged("upstream_model") == "sim")
        #expect(stage.logged("provider") == provider)
        #expect(stage.logged("stream") == nil)
        #expect(stage.logged("output_tokens") == "8")
        #expect(stage.logged("finish_reason") == "stop")
        #expect(stage.worker.counters.requests == 1)
        #expect(stage.worker.counters.byClass.success == 1)
        #expect(stage.worker.counters.outputTokens == 8)
        stage.finish()
    }

    @Test(arguments: ["sim", "up"])
    func aStream(provider: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(GatewayStage.chat("\(provider)/sim", stream: true))
        #expect(answer.status == 200)
        #expect(answer.fields["content-type"] == "text/event-stream; charset=utf-8")
        #expect(answer.fields["x-accel-buffering"] == "no")
        #expect(answer.events.last == "[DONE]")
        #expect(answer.events.count > 8)
        for event in answer.events.dropLast() {
            #expect(Answer.value(of: event, ["object"]) == "chat.completion.chunk")
            // Usage was asked for by the gateway and not by the client.
            #expect(Answer.value(of: event, ["usage", "total_tokens"]) == nil)
        }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("stream") == "true")
        #expect(stage.logged("outcome") == "ok")
        #expect(stage.logged("ttft_us") != nil)
        #expect(stage.logged("finish_reason") == "stop")
        if provider == "up" { #expect(stage.logged("output_tokens") == "8") }
        #expect(stage.worker.counters.streams == 1)
        #expect(stage.worker.counters.byClass.success == 1)
        #expect(stage.worker.counters.heartbeats == 0)
        stage.finish()
    }

    @Test(arguments: [(true, false), (false, true), (false, false)])
    func whatIsNotToBeTold(countsRequests: Bool, logsRequests: Bool) throws {
        var settings = StageSettings()
        settings.observability.countsRequests = countsRequests
        settings.observability.logsRequests = logsRequests
        let stage = try GatewayStage(settings)
        #expect(try stage.ask(GatewayStage.chat("sim/sim")).status == 200)
        #expect(try stage.ask(GatewayStage.post("{")).status == 400)
        #expect(stage.lines.count == (logsRequests ? 2 : 0))
        #expect(stage.worker.metrics.sums.total.total == (countsRequests ? 1 : 0))
        #expect(stage.worker.metrics.sums.doors.map(\.tally.total) == (countsRequests ? [2] : []))
        // What a worker counts anyway.
        #expect(stage.worker.counters.byClass.success == 1)
        #expect(stage.worker.counters.byClass.client == 1)
        #expect(stage.worker.counters.outputTokens == 8)
        #expect(stage.worker.counters.inFlight == 0)
        stage.finish()
    }

    @Test func requestsOfOneConnectionAreLoggedOneByOne() throws {
        let stage = try GatewayStage()
        let client = stage.connect()
        client.send(
            GatewayStage.chat("sim/sim", fields: "X-Request-Id: a\r\n")
                + GatewayStage.chat("sim/sim", stream: true, fields: "X-Request-Id: b\r\n")
                + GatewayStage.chat("nobody/sim", fields: "X-Request-Id: c\r\n")
                + GatewayStage.chat("up/sim", fields: "X-Request-Id: d\r\n"))
        for (id, status) in [("a", 200), ("b", 200), ("c", 404), ("d", 200)] {
            let answer = try stage.answer(to: client)
            #expect(answer.status == status)
            #expect(answer.fields["x-request-id"] == id)
        }
        #expect(stage.lines.count == 4)
        #expect((0..<4).map { stage.logged("request_id", line: $0) } == ["a", "b", "c", "d"])
        // What one request was must not stick to the next.
        #expect((0..<4).map { stage.logged("stream", line: $0) } == [nil, "true", nil, nil])
        #expect(
            (0..<4).map { stage.logged("error", line: $0) != nil } == [false, false, true, false])
        #expect(stage.worker.counters.requests == 4)
        #expect(stage.worker.counters.byClass.client == 1)
        stage.finish()
    }

    @Test(arguments: ["", "a b", "x\u{7F}", String(repeating: "a", count: 129), "a,b", "é"])
    func aRequestIDThatIsNotSaneIsReplaced(id: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(
            GatewayStage.chat("sim/sim", fields: "X-Request-Id: \(id)\r\n"))
        let made = answer.fields["x-request-id"]
        #expect(made?.hasPrefix("req_") == true)
        #expect(stage.lines.count == 1)
        #expect(stage.logged("request_id") == made)
        stage.finish()
    }

    // MARK: Silences

    @Test(arguments: ["sim", "up"])
    func heartbeatsFillASilenceUntilTheClientLeaves(provider: String) throws {
        var settings = StageSettings()
        settings.heartbeatInterval = .milliseconds(50)
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        let start = ContinuousClock.now
        client.send(GatewayStage.chat("\(provider)/sim-hang", stream: true))
        stage.wait("two heartbeats") { client.text.split(separator: ":ka\n\n").count >= 3 }
        #expect(ContinuousClock.now - start >= .milliseconds(100))
        #expect(client.text.hasPrefix("HTTP/1.1 200 "))
        #expect(client.text.contains("text/event-stream"))
        #expect(stage.worker.counters.inFlight == 1)
        #expect(stage.lines == [])
        client.close()
        stage.wait("the end") { stage.worker.counters.inFlight == 0 }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("status") == "499")
        #expect(stage.logged("outcome") == "cancelled")
        #expect(stage.worker.counters.cancelled == 1)
        #expect(stage.worker.counters.byClass.success == 0)
        let heartbeats = stage.worker.counters.heartbeats
        #expect(heartbeats >= 2)
        stage.pass(.milliseconds(120))
        #expect(stage.worker.counters.heartbeats == heartbeats)
        stage.finish()
    }

    @Test func heartbeatsMayBeChunks() throws {
        var settings = StageSettings()
        settings.heartbeatInterval = .milliseconds(50)
        settings.heartbeatMode = .chunk
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(GatewayStage.chat("sim/sim-hang", stream: true))
        stage.wait("a heartbeat") { client.text.contains("\"finish_reason\":null}]}\n\n") }
        let chunk = client.text.split(separator: "data: ").last?.split(separator: "\n").first
        let text = String(chunk ?? "")
        #expect(Answer.value(of: text, ["object"]) == "chat.completion.chunk")
        #expect(Answer.value(of: text, ["model"]) == "sim/sim-hang")
        #expect(Answer.value(of: text, ["choices", "0", "index"]) == "0")
        stage.finish()
    }

    @Test func heartbeatsMayBeOff() throws {
        var settings = StageSettings()
        settings.heartbeatInterval = .milliseconds(20)
        settings.heartbeatMode = .off
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(GatewayStage.chat("sim/sim-hang", stream: true))
        stage.pass(.milliseconds(100))
        #expect(client.text == "")
        #expect(stage.worker.counters.heartbeats == 0)
        #expect(stage.worker.counters.inFlight == 1)
        stage.finish()
        #expect(stage.lines.count == 1)
    }

    @Test(arguments: ["sim", "up"])
    func aUnaryRequestIsGivenUpWhenTheClientLeaves(provider: String) throws {
        var settings = StageSettings()
        settings.heartbeatInterval = .milliseconds(20)
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(GatewayStage.chat("\(provider)/sim-hang"))
        stage.pass(.milliseconds(60))
        #expect(client.text == "")
        #expect(stage.worker.counters.inFlight == 1)
        client.close()
        stage.wait("the end") { stage.worker.counters.inFlight == 0 }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("status") == "499")
        #expect(stage.worker.counters.cancelled == 1)
        stage.finish()
    }

    @Test(arguments: ["sim", "up"])
    func theTimeToTheHeadIsBounded(provider: String) throws {
        var settings = StageSettings()
        settings.timeouts.head = .milliseconds(60)
        let stage = try GatewayStage(settings)
        let answer = try stage.ask(GatewayStage.chat("\(provider)/sim-hang"))
        #expect(answer.status == 504)
        #expect(answer.json("error", "code") == "upstream_timeout")
        #expect(answer.fields["x-should-retry"] == "false")
        #expect(stage.lines.count == 1)
        #expect(stage.worker.counters.byClass.server == 1)
        stage.finish()
    }

    /// Under `drain` the upstream's answer is read to its end, so that its usage is known.
    @Test(arguments: ["sim", "up"])
    func drainRunsToTheEndWithoutTheClient(provider: String) throws {
        var settings = StageSettings()
        settings.disconnectPolicy = .drain
        settings.simulator.timeToFirstToken = .milliseconds(20)
        settings.simulator.tokensPerSecond = 50
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(GatewayStage.chat("\(provider)/sim", stream: true))
        stage.wait("an event") { client.text.contains("data: ") }
        client.close()
        stage.wait("the end", within: .seconds(2)) { stage.worker.counters.inFlight == 0 }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("status") == "499")
        if provider == "up" { #expect(stage.logged("output_tokens") == "8") }
        stage.finish()
    }

    @Test(arguments: ["sim", "up"])
    func whatRunsWithoutItsClientEndsWithTheProcess(provider: String) throws {
        var settings = StageSettings()
        settings.disconnectPolicy = .drain
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(GatewayStage.chat("\(provider)/sim-hang-mid", stream: true))
        stage.wait("an event") { client.text.contains("data: ") }
        client.close()
        stage.pass(.milliseconds(30))
        #expect(stage.worker.counters.inFlight == 1)
        stage.finish()
        #expect(stage.lines.count == 1)
        #expect(stage.logged("outcome") == "stopped")
        #expect(stage.logged("status") == "499")
    }

    @Test func whatIsCutByAStopIsLogged() throws {
        let stage = try GatewayStage()
        let client = stage.connect()
        client.send(GatewayStage.chat("up/sim-hang", stream: true))
        stage.wait("the request") { stage.worker.counters.streams == 1 }
        stage.finish()
        #expect(stage.lines.count == 1)
        #expect(stage.logged("outcome") == "stopped" || stage.logged("outcome") == "cancelled")
    }
}
