// WorkerTests.swift — exchanges go round: an idle connection has none, and nothing of one request is
// found in the next one, whoever asks.

import GatewayPolicy
import Reactor
import ReactorCore
import TestSupport
import Testing

@testable import GatewayExchange

@Suite struct WorkerTests {
    @Test func anIdleConnectionHasNoExchange() throws {
        let stage = try GatewayStage()
        let clients = (0..<3).map { _ in stage.connect() }
        for client in clients + clients {
            client.send(GatewayStage.chat("up/m"))
            #expect(try stage.answer(to: client).status == 200)
        }
        // One after the other they have used one and the same.
        #expect(stage.worker.spareExchangeCount == 1)
        stage.finish()
        #expect(stage.worker.spareExchangeCount == 0)
    }

    @Test func requestsInFlightHaveOneEach() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.hanging]
        let clients = (0..<3).map { _ in stage.connect() }
        for client in clients { client.send(GatewayStage.chat("raw/m")) }
        stage.wait("three requests") { stage.upstream.bodies.count == 3 }
        #expect(stage.worker.spareExchangeCount == 0)
        for client in clients { client.close() }
        stage.wait("their end") { stage.worker.counters.inFlight == 0 }
        #expect(stage.worker.spareExchangeCount == 3)
        stage.worker.releaseMemory()
        #expect(stage.worker.spareExchangeCount == 0)
        stage.finish()
    }

    @Test func keepsNoMoreThanItsBound() throws {
        let stage = try GatewayStage()
        let worker = stage.worker
        for _ in 0..<Worker.exchangesKeptMax + 10 { worker.giveExchange(Exchange(worker: worker)) }
        #expect(worker.spareExchangeCount == Worker.exchangesKeptMax)
        let (first, second) = (worker.takeExchange(), worker.takeExchange())
        #expect(first !== second)
        #expect(worker.spareExchangeCount == Worker.exchangesKeptMax - 2)
        stage.finish()
    }

    /// A client may send paths of thousands of bytes; they are not kept for those that follow.
    @Test func keepsNoneThatHasGrown() throws {
        let stage = try GatewayStage()
        func get(_ count: Int) -> String {
            "GET /\(String(repeating: "a", count: count)) HTTP/1.1\r\nHost: localhost\r\n\r\n"
        }
        #expect(try stage.ask(get(Worker.exchangeBytesMax + 1)).status == 404)
        #expect(stage.worker.spareExchangeCount == 0)
        #expect(try stage.ask(get(100)).status == 404)
        #expect(stage.worker.spareExchangeCount == 1)
        stage.finish()
    }

    /// Plain requests are answered, and asked of the upstream, alike whatever has gone before them with
    /// the same exchange.
    @Test func nothingOfARequestIsLeft() throws {
        let stage = try GatewayStage()
        let others = [
            GatewayStage.chat("m", fields: "X-Provider: sim\r\n"),
            GatewayStage.chat("sim/m", stream: true),
            GatewayStage.chat(
                "raw/m", fields: "openai-beta: x\r\nidempotency-key: k\r\ntracestate: a=b\r\n"),
            GatewayStage.chat("claude/m", fields: "X-Stainless-Timeout: 20\r\n"),
            GatewayStage.chat("nobody"),
            GatewayStage.post("{\"model\":\"m\"", fields: "Origin: http://localhost\r\n"),
            GatewayStage.post(
                "{\"model\":\"claude/m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
                    + "\"content\":\"Hello.\"}]}", to: "/v1/messages",
                fields: "anthropic-version: 2023-06-01\r\nanthropic-beta: x\r\n"),
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ]
        stage.upstream.answers = [.init(status: 429, fields: "retry-after: 7\r\n", body: "{}")]
        let first = try look(at: stage)
        #expect(first.map { $0[0] } == ["200", "404", "429", "/v1/chat/completions"])
        for other in others {
            _ = try stage.ask(other)
            #expect(try look(at: stage) == first, "behind \(other)")
        }
        #expect(stage.worker.spareExchangeCount == 1)
        stage.finish()
    }

    /// Status and fields of some answers, and what the upstream was asked for the last of them.
    private func look(at stage: GatewayStage) throws -> [[String]] {
        let answers = try ["sim/m", "m", "raw/m"].map { model in
            let answer = try stage.ask(GatewayStage.chat(model))
            return ["\(answer.status)"] + fields(of: answer)
        }
        let asked = try #require(stage.upstream.heads.last).split(separator: "\n").map(String.init)
        return answers + [asked]
    }

    /// The names of an answer's fields, with the values of those that tell no time and no id.
    private func fields(of answer: Answer) -> [String] {
        let moving = [
            "date", "x-request-id", "x-proxy-latency-ms", "x-gateway-overhead-us", "content-length",
        ]
        return answer.fields.map { name, value in
            moving.contains(name) ? name : "\(name): \(value)"
        }.sorted()
    }

    /// One is there for every request in flight.
    @Test func anExchangeHasABoundedWeight() throws {
        let stage = try GatewayStage()
        let exchange = Exchange(worker: stage.worker)
        #expect(heapWeight(of: exchange) <= 2200)
        stage.finish()
    }
}
