// MessagesObservers.swift — watch answers of Anthropic's dialect that are passed on as they are: what
// accounting needs, and whether they are whole.
// Pure; borrow what they are shown. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's observer.
package struct MessagesStreamObserver {
    package enum Verdict: Equatable {
        /// To be passed on.
        case event
        /// Ours to send when it is due: the upstream's heartbeats are not passed on.
        case ping
        /// To be passed on; the answer is whole.
        case last
        /// The upstream says that it failed, or what it sent is no event.
        case failed(Failure)
    }

    private var counts = AnthropicUsage()
    private var hasUsage = false
    package private(set) var finishReason: FinishReason?
    package private(set) var isDone = false
    /// Blocks seen, so that a stop without a beginning is noticed.
    private var hasStarted = false

    package init() {}

    /// Nil until some was told.
    package var usage: Usage? { hasUsage ? counts.usage : nil }

    /// Takes one event.
    package mutating func observe(
        _ event: EventStreamEvent, _ arena: JSONArena
    ) -> Verdict {
        typealias Name = MessagesWire.Event
        let name = event.name
        if name == Name.ping { return .ping }
        // The most frequent one tells nothing but text; it has to be JSON all the same.
        if name == Name.blockDelta {
            do throws(JSONFailure) { try JSONScanner.validate(event.data) } catch {
                return .failed(Self.malformed(error))
            }
            return .event
        }
        do throws(JSONFailure) {
            let tree = try arena.read(event.data)
            return take(name, tree.root)
        } catch {
            return .failed(Self.malformed(error))
        }
    }

    /// The upstream's stream has ended; nil if it was whole.
    package func endOfStream() -> Failure? {
        isDone
            ? nil
            : Failure(.upstreamCut, "The upstream's stream ended before the answer was complete.")
    }

    private mutating func take(_ name: ByteSlice, _ root: JSONValue) -> Verdict {
        typealias Name = MessagesWire.Event
        if name == Name.error {
            return .failed(AnthropicReportedError(root)?.inBandFailure ?? Self.fault)
        }
        if name == Name.messageStart {
            hasStarted = true
            account(root[MessagesWire.message]?[MessagesWire.usage])
        } else if name == Name.messageDelta {
            account(root[MessagesWire.usage])
            if let word = root[MessagesWire.delta]?[MessagesWire.stopReason]?.string {
                finishReason = AnthropicStopReason.read(word)
            }
        } else if name == Name.messageStop {
            isDone = true
            return hasStarted ? .last : .failed(Self.fault)
        }
        return .event
    }

    private mutating func account(_ usage: JSONValue?) {
        guard let usage else { return }
        hasUsage = true
        counts.take(usage)
    }

    private static func malformed(_ error: JSONFailure) -> Failure {
        Failure(.upstreamMalformed, "The upstream sent an event that is not valid JSON: \(error).")
    }

    private static var fault: Failure {
        Failure(.upstreamFault, "The upstream reported an error within the stream.")
    }
}

/// What a unary answer under a status of success says.
package struct MessagesResponseObserver {
    package private(set) var usage: Usage?
    package private(set) var finishReason: FinishReason?
    /// Why the body is no answer; nil if it is one.
    package private(set) var failure: Failure?

    package init(observing body: ByteSlice, _ arena: JSONArena) {
        do throws(JSONFailure) {
            let tree = try arena.read(body)
            read(tree.root)
        } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
    }

    private mutating func read(_ root: JSONValue) {
        if root[AnthropicErrorWire.error] != nil {
            failure = AnthropicReportedError(root)?.inBandFailure
            return
        }
        guard root[MessagesWire.content]?.kind == .array else {
            failure = Failure(.upstreamMalformed, "The upstream's answer is no message.")
            return
        }
        if let found = root[MessagesWire.usage] {
            var counts = AnthropicUsage()
            counts.take(found)
            usage = counts.usage
        }
        finishReason = AnthropicStopReason.read(root[MessagesWire.stopReason]?.string)
    }
}
