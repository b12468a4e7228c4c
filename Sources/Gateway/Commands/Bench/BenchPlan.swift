// BenchPlan.swift — what a load test is to do, and whether that makes sense. Pure value.

import GatewayConfig
import GatewayWire
import ReactorCore

/// How answers are asked for.
package enum BenchMode: String, CaseIterable, Sendable {
    case unary
    case stream
}

/// One run.
package struct BenchPlan: Equatable, Sendable {
    package static let concurrencyMax = 20_000

    package var model: String
    package var prompt = "Write a sentence about the sea."
    package var maxTokens = 64
    package var concurrency = 8
    /// Requests in all; nil where time alone ends the run.
    package var requestCount: Int? = 100
    /// When no more requests are begun; nil where their number alone ends the run.
    package var duration: Duration?
    /// For one request.
    package var timeout: Duration = .seconds(120)

    package init(model: String) { self.model = model }

    /// Throws what is wrong, as the end of a sentence that begins with the flag.
    package func check() throws(Refusal) {
        guard !model.isEmpty else { throw Refusal("--model is empty") }
        guard (1...Self.concurrencyMax).contains(concurrency) else {
            throw Refusal("--concurrency is a number from 1 to \(Self.concurrencyMax)")
        }
        if let requestCount, requestCount < 1 { throw Refusal("--requests is at least 1") }
        guard maxTokens >= 1 else { throw Refusal("--max-tokens is at least 1") }
        guard timeout > .zero, duration.map({ $0 > .zero }) ?? true else {
            throw Refusal("a time must be longer than nothing")
        }
    }

    /// How many clients there will be.
    package var clientCount: Int { min(concurrency, requestCount ?? concurrency) }

    /// The body of each request.
    package func body(_ mode: BenchMode) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeJSON { json in
            json.beginObject()
            json.field(ChatWire.model, text: model)
            json.beginArray(ChatWire.messages)
            json.beginObject()
            json.field(ChatWire.role, ChatWire.user)
            json.field(ChatWire.content, text: prompt)
            json.endObject()
            json.endArray()
            json.field(ChatWire.maxTokens, maxTokens)
            if mode == .stream {
                json.field(ChatWire.stream, true)
                json.beginObject(ChatWire.streamOptions)
                json.field(ChatWire.includeUsage, true)
                json.endObject()
            }
            json.endObject()
        }
        return buffer.array
    }
}
