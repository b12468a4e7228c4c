// ResponsesStreamObserver.swift — watches a responses stream that is passed on as it is.
// Pure; fed one event at a time, answers what to do with it. Knows when the answer is whole.
// Imported by Exchange. Invariant: nothing is passed on behind a terminal event.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One stream's observer.
package struct ResponsesStreamObserver {
    package enum Verdict: Equatable {
        /// To be passed on.
        case event
        /// To be passed on: the last one.
        case last
        /// The upstream says that it failed, in the event that ends the stream in this dialect,
        /// and in the client's: it may be passed on.
        case failed(Failure)
        /// Says nothing in this dialect, such as `[DONE]`; not to be passed on.
        case noise
        /// No event of the dialect at all.
        case malformed(Failure)
    }

    package enum End: Equatable {
        /// A terminal event came.
        case complete
        /// The answer stops in the middle.
        case cut(Failure)
    }

    /// Of the events that are passed on.
    package private(set) var eventCount = 0
    package private(set) var usage: Usage?
    package private(set) var finishReason: FinishReason?
    /// Whether an event carried anything of the answer.
    package private(set) var hasContent = false
    /// Whether a terminal event has come.
    package private(set) var isDone = false

    private static let names = JSONNames(ResponsesWire.type, ResponsesWire.response)

    package init() {}

    /// Takes one event.
    package mutating func observe(_ event: EventStreamEvent) -> Verdict {
        if isDone { return .noise }
        if event.data.count < 16, event.data.trimmed.hasPrefix(ChatWire.done) { return .noise }
        do throws(JSONFailure) { return try read(event) } catch {
            return .malformed(
                Failure(
                    .upstreamMalformed,
                    "The upstream sent an event that is not valid JSON: \(error)."))
        }
    }

    /// The upstream's stream has ended. Without a terminal event it is never whole.
    package func endOfStream() -> End {
        if isDone { return .complete }
        return .cut(
            Failure(.upstreamCut, "The upstream's stream ended before the answer was complete."))
    }

    private mutating func read(_ event: EventStreamEvent) throws(JSONFailure) -> Verdict {
        var scanner = JSONScanner(event.data)
        guard scanner.comesObject else {
            try scanner.value()
            try scanner.finish()
            return .malformed(
                Failure(.upstreamMalformed, "The upstream sent an event that is no JSON object."))
        }
        // What the data says goes before the name that stands above it.
        var type = event.name
        var answer = ResponsesAnswerReader()
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            if name.index == 1 {
                try answer.read(&scanner)
                continue
            }
            let value = try scanner.value()
            if value.kind == .string { type = scanner.bytes(value.inside) }
        }
        try scanner.finish()
        eventCount += 1
        return judge(type, answer, event.data)
    }

    private mutating func judge(
        _ type: ByteSlice, _ answer: ResponsesAnswerReader, _ data: ByteSlice
    ) -> Verdict {
        typealias Event = ResponsesWire.Event
        if let usage = answer.usage { self.usage = usage }
        let suffix = Event.deltaSuffix.utf8CodeUnitCount
        if type.count > suffix, type.dropFirst(type.count - suffix) == Event.deltaSuffix {
            hasContent = true
            return .event
        }
        if type == Event.completed || type == Event.incomplete {
            isDone = true
            finishReason = answer.finishReason
            return .last
        }
        if type == Event.failed {
            isDone = true
            eventCount -= 1
            return .failed((answer.error ?? ReportedError()).inBandFailure)
        }
        if type == Event.error || (type.isEmpty && ReportedError.read(body: data) != nil) {
            isDone = true
            eventCount -= 1
            var error = ReportedError.read(body: data) ?? ReportedError()
            // The event's own type is not the error's.
            if error.type == "\(Event.error)" { error.type = nil }
            return .failed(error.inBandFailure)
        }
        return .event
    }
}
