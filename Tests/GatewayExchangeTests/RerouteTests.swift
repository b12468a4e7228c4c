// RerouteTests.swift — what the first target could not answer goes to the next, over both lanes, as long
// as the client has had nothing of an answer; and breakers keep requests from what is broken.

import GatewayExchange
import GatewayPolicy
import Reactor
import ReactorCore
import Testing

@Suite struct RerouteTests {
    private static let answer =
        #"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"#
        + #""message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}],"usage":"#
        + #"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#
    private static let chunk =
        #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"#
        + #""delta":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}"#
    private static let fault = ScriptedUpstream.Answer(
        status: 500, body: #"{"error":{"message":"broken"}}"#)

    private func stage(
        _ targets: [(String, String)], fallbacks: [String] = [], retries: Int? = nil,
        _ change: (inout StageSettings) -> Void = { _ in }
    ) throws -> GatewayStage {
        var settings = StageSettings()
        settings.groups = [
            StageGroup(
                name: "fast", targets: targets.map { (provider: $0.0, model: $0.1) },
                fallbacks: fallbacks, retries: retries)
        ]
        change(&settings)
        return try GatewayStage(settings)
    }

    // MARK: Going on

    /// `raw` relays, `quirky` translates.
    @Test(
        arguments: [("raw", "sim"), ("quirky", "sim"), ("raw", "up"), ("quirky", "up")],
        [false, true])
    func whatFailsGoesToTheNext(providers: (String, String), streams: Bool) throws {
        let stage = try stage([(providers.0, "broken"), (providers.1, "sim")])
        stage.upstream.answers = [Self.fault]
        let answer = try stage.ask(GatewayStage.chat("fast", stream: streams))
        #expect(answer.status == 200)
        if streams { #expect(answer.events.last == "[DONE]") }
        #expect(stage.upstream.bodies.count == 1)
        #expect(stage.upstream.bodies[0].contains(#""broken""#))
        #expect(answer.fields["x-gateway-provider"] == providers.1)
        #expect(answer.fields["x-gateway-model"] == "sim")
        #expect(answer.fields["x-gateway-attempts"] == "2")
        #expect(stage.lines.count == 1)
        #expect(stage.logged("provider") == providers.1)
        #expect(stage.logged("upstream_model") == "sim")
        #expect(stage.logged("attempts") == "2")
        #expect(stage.logged("moved_on") == "\(providers.0) fault 500")
        #expect(stage.logged("outcome") == "ok")
        #expect(stage.logged("error") == nil)
        #expect(stage.worker.counters.streams == (streams ? 1 : 0))
        #expect(stage.worker.shared.upstreams.cell(providers.0)?.departures == 1)
        stage.finish()
    }

    @Test(arguments: ["raw", "quirky"], [false, true])
    func theOtherWayRound(provider: String, streams: Bool) throws {
        let stage = try stage([("sim", "sim-500"), (provider, "good")])
        stage.upstream.answers = [streams ? .stream([Self.chunk]) : .body(Self.answer)]
        let answer = try stage.ask(GatewayStage.chat("fast", stream: streams))
        #expect(answer.status == 200)
        #expect(stage.upstream.bodies.count == 1)
        #expect(stage.upstream.bodies[0].contains(#""good""#))
        #expect(stage.upstream.bodies[0].contains("Hello."))
        #expect(answer.fields["x-gateway-attempts"] == "2")
        #expect(stage.logged("moved_on") == "sim fault 500")
        #expect(stage.logged("provider") == provider)
        stage.finish()
    }

    @Test func whatTheCallerMustChangeStays() throws {
        let stage = try stage([("raw", "m"), ("sim", "sim")])
        for status in [400, 404, 409, 413, 422] {
            stage.upstream.answers = [.init(status: status, body: #"{"error":{"message":"no"}}"#)]
            let answer = try stage.ask(GatewayStage.chat("fast"))
            #expect(answer.status == status)
            #expect(answer.fields["x-gateway-attempts"] == "1")
        }
        #expect(stage.worker.shared.upstreams.cell("raw")?.departures == 0)
        stage.finish()
    }

    /// An answer that breaks off, or makes no sense, before the client had a byte of it.
    @Test(arguments: [
        ScriptedUpstream.Answer(body: "no JSON"),
        ScriptedUpstream.Answer(status: 429, body: "{}"),
        ScriptedUpstream.Answer(status: 401, body: "{}"),
        ScriptedUpstream.Answer(status: 302, body: ""),
        ScriptedUpstream.Answer(contentType: "text/event-stream", body: ""),
        ScriptedUpstream.Answer(
            contentType: "text/event-stream",
            body: "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"),
    ])
    func everyFailureOfTheUpstreamGoesOn(first: ScriptedUpstream.Answer) throws {
        let isStream = first.contentType != "application/json"
        let stage = try stage([("raw", "a"), ("sim", "sim")])
        stage.upstream.answers = [first]
        let answer = try stage.ask(GatewayStage.chat("fast", stream: isStream))
        #expect(answer.status == 200)
        #expect(stage.logged("moved_on")?.hasPrefix("raw ") == true)
        #expect(stage.logged("outcome") == "ok")
        stage.finish()
    }

    @Test func behindAByteOfTheAnswerNothingGoesOn() throws {
        let stage = try stage([("raw", "a"), ("sim", "sim")])
        stage.upstream.answers = [
            .init(
                contentType: "text/event-stream",
                body: "data: \(Self.chunk)\n\ndata: {\"error\":{\"message\":\"late\"}}\n\n")
        ]
        let answer = try stage.ask(GatewayStage.chat("fast", stream: true))
        #expect(answer.status == 200)
        #expect(answer.events.count == 2 && answer.events[1].contains("late"))
        #expect(stage.logged("moved_on") == nil)
        #expect(stage.logged("outcome") == "error")
        stage.finish()
    }

    @Test func theLastFailureIsTold() throws {
        let stage = try stage([("sim", "sim-429"), ("raw", "a")])
        stage.upstream.answers = [Self.fault]
        let answer = try stage.ask(GatewayStage.chat("fast"))
        #expect(answer.status == 502)
        #expect(answer.fields["x-gateway-provider"] == "raw")
        #expect(answer.fields["x-gateway-attempts"] == "2")
        #expect(stage.logged("moved_on") == "sim rate_limit 429")
        #expect(stage.logged("status") == "502")
        stage.finish()
    }

    @Test func fallbacksAreModels() throws {
        let stage = try stage([("sim", "sim-500")], fallbacks: ["up/sim-500", "raw/good"])
        stage.upstream.answers = [.body(Self.answer)]
        let answer = try stage.ask(GatewayStage.chat("fast"))
        #expect(answer.status == 200)
        #expect(answer.fields["x-gateway-model"] == "good")
        #expect(answer.fields["x-gateway-attempts"] == "3")
        #expect(stage.logged("moved_on") == "sim fault 500, up fault 500")
        stage.finish()
    }

    @Test func aHeartbeatDoesNotDecide() throws {
        let stage = try stage([("sim", "sim-hang"), ("sim", "sim")]) {
            $0.heartbeatInterval = .milliseconds(50)
            $0.timeouts.head = .milliseconds(300)
        }
        let client = stage.connect()
        client.send(GatewayStage.chat("fast", stream: true))
        let answer = try stage.answer(to: client)
        #expect(answer.status == 200)
        #expect(answer.events.last == "[DONE]")
        // Whose answer it would be was not known yet.
        #expect(answer.fields["x-gateway-provider"] == nil)
        #expect(answer.fields["x-gateway-attempts"] == nil)
        #expect(stage.worker.counters.heartbeats >= 3)
        #expect(stage.logged("moved_on") == "sim timeout")
        #expect(stage.logged("attempts") == "2")
        stage.finish()
    }

    @Test func theClientsDeadlineIsKept() throws {
        let stage = try stage([("sim", "sim-hang"), ("sim", "sim-hang"), ("sim", "sim")])
        let start = ContinuousClock.now
        let answer = try stage.ask(
            GatewayStage.chat("fast", fields: "X-Stainless-Timeout: 1\r\n"))
        #expect(answer.status == 504)
        #expect(ContinuousClock.now - start < .seconds(3))
        stage.finish()
    }

    @Test func aClientThatLeavesBetweenTargetsIsSettledOnce() throws {
        let stage = try stage([("raw", "a")], retries: 3)
        stage.upstream.answers = [
            .init(status: 503, fields: "retry-after: 9\r\n", body: "{}")
        ]
        let client = stage.connect()
        client.send(GatewayStage.chat("fast"))
        stage.wait("the first attempt") { stage.upstream.bodies.count == 1 }
        stage.pass(.milliseconds(30))
        client.close()
        stage.wait("the end") { stage.lines.count == 1 }
        #expect(stage.logged("status") == "499")
        #expect(stage.logged("attempts") == "1")
        stage.finish()
    }

    // MARK: Another try

    @Test(arguments: ["raw", "quirky"])
    func aRetryWaitsAndSendsTheSameAgain(provider: String) throws {
        let stage = try stage([(provider, "m")], retries: 2)
        stage.upstream.answers = [Self.fault, Self.fault, .body(Self.answer)]
        let start = ContinuousClock.now
        let answer = try stage.ask(GatewayStage.chat("fast"))
        #expect(answer.status == 200)
        #expect(ContinuousClock.now - start > .milliseconds(350))
        #expect(stage.upstream.bodies.count == 3)
        #expect(Set(stage.upstream.bodies).count == 1)
        #expect(Set(stage.upstream.heads).count == 1)
        #expect(answer.fields["x-gateway-attempts"] == "3")
        #expect(stage.logged("moved_on") == "\(provider) fault 500, \(provider) fault 500")
        // Another try is no other target.
        #expect(stage.worker.shared.upstreams.cell(provider)?.departures == 0)
        stage.finish()
    }

    @Test func aProvidersRetriesHoldWithoutAModelTable() throws {
        let stage = try stage([("sim", "x")]) { $0.retries = 1 }
        stage.upstream.answers = [Self.fault, .body(Self.answer)]
        let answer = try stage.ask(GatewayStage.chat("raw/m"))
        #expect(answer.status == 200)
        #expect(answer.fields["x-gateway-attempts"] == "2")
        stage.finish()
    }

    // MARK: Breakers

    private static let breaker: BreakerPolicy = {
        var policy = BreakerPolicy()
        policy.failures = 2
        policy.open = .milliseconds(300)
        return policy
    }()

    @Test func anOpenBreakerIsPassedBy() throws {
        let stage = try stage([("raw", "a"), ("sim", "sim")]) { $0.breaker = Self.breaker }
        stage.upstream.answers = [Self.fault]
        for _ in 0..<5 {
            #expect(try stage.ask(GatewayStage.chat("fast")).status == 200)
        }
        #expect(stage.upstream.bodies.count == 2)
        #expect(stage.logged("moved_on", line: 1) == "raw fault 500")
        #expect(stage.logged("moved_on", line: 2) == "raw breaker_open")
        #expect(stage.logged("attempts", line: 2) == "1")
        let cell = try #require(stage.worker.shared.upstreams.cell("raw"))
        #expect(cell.openings == 1 && cell.refusals == 3)
        // Its time is over: one request looks, and the provider is well again.
        stage.upstream.answers = [.body(Self.answer)]
        stage.pass(.milliseconds(320))
        let answer = try stage.ask(GatewayStage.chat("fast"))
        #expect(answer.fields["x-gateway-provider"] == "raw")
        #expect(cell.machine.phase == .closed)
        stage.finish()
    }

    @Test func withoutAnotherTargetItIs503() throws {
        let stage = try stage([("sim", "x")]) { $0.breaker = Self.breaker }
        stage.upstream.answers = [Self.fault]
        for _ in 0..<2 { #expect(try stage.ask(GatewayStage.chat("raw/m")).status == 502) }
        let answer = try stage.ask(GatewayStage.chat("raw/m"))
        #expect(answer.status == 503)
        #expect(answer.fields["retry-after"] == "1")
        #expect(answer.json("error", "message")?.contains("'raw'") == true)
        #expect(stage.upstream.bodies.count == 2)
        // Another provider is not meant.
        #expect(try stage.ask(GatewayStage.chat("sim/sim")).status == 200)
        stage.finish()
    }

    @Test func refusalsAndLimitsDoNotOpenIt() throws {
        let stage = try stage([("sim", "x")]) { $0.breaker = Self.breaker }
        for status in [400, 404, 429, 401] {
            stage.upstream.answers = [.init(status: status, body: "{}")]
            for _ in 0..<4 { _ = try stage.ask(GatewayStage.chat("raw/m")) }
        }
        #expect(stage.worker.shared.upstreams.cell("raw")?.machine.phase == .closed)
        stage.finish()
    }

    @Test func aClientsHurryDoesNotOpenIt() throws {
        let stage = try stage([("sim", "x")]) { $0.breaker = Self.breaker }
        for _ in 0..<3 {
            let answer = try stage.ask(
                GatewayStage.chat("sim/sim-hang", fields: "X-Stainless-Timeout: 0.1\r\n"))
            #expect(answer.status == 504)
        }
        #expect(stage.worker.shared.upstreams.cell("sim")?.machine.phase == .closed)
        stage.finish()
    }
}
