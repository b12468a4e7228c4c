// TraceRecord.swift — what exporters are told of one request that has ended, beside its line in the log.
// Borrowed for the time of the call, like AccessRecord. Made by Exchange, read by the encoders in Export.

import ReactorCore

/// What an exporter asks of requests before they have ended.
package struct TracePolicy: Equatable, Sendable {
    /// For the spans of OpenTelemetry; nil where none are made.
    package var spans: TraceSampling?
    /// For Langfuse; nil where it is off.
    package var generations: TraceSampling?
    /// Whether prompts and answers are kept: in the client's words, and in those of the GenAI
    /// conventions.
    package var keepsContent = false
    package var keepsMessages = false
    /// Whether they are written to the log.
    package var logsBodies = false

    package init() {}

    package var isOn: Bool { spans != nil || generations != nil || logsBodies }
}

/// One request as exporters see it. An object, so that to hand it on copies nothing.
package final class TraceRecord {
    package var trace = TraceID(high: 0, low: 0)
    /// The span that the client made; 0 without one.
    package var clientSpan: SpanID = 0
    /// The request as the gateway served it.
    package var serverSpan: SpanID = 0
    /// The call of the model; its id went on to the provider.
    package var modelSpan: SpanID = 0
    /// Who wants it.
    package var isForSpans = false
    package var isForGenerations = false

    // Nanoseconds since 1970. 0: it did not come to that.
    package var began = 0
    package var dispatched = 0
    package var firstEvent = 0
    package var ended = 0

    package var system = ByteSlice.empty
    package var host = ByteSlice.empty
    package var port = 0
    /// The provider's id of the answer, as it stands within a JSON string.
    package var responseID = ByteSlice.empty
    package var user = ByteSlice.empty
    package var session = ByteSlice.empty
    /// A JSON array of strings, or empty.
    package var tags = ByteSlice.empty
    /// JSON numbers as the client wrote them, or empty.
    package var temperature = ByteSlice.empty
    package var topP = ByteSlice.empty
    package var outputTokensMax: Int?
    /// JSON texts, or empty: the prompt in the client's words, the answer as a message.
    package var input = ByteSlice.empty
    package var output = ByteSlice.empty
    /// The same in the form of the GenAI conventions.
    package var inputMessages = ByteSlice.empty
    package var outputMessages = ByteSlice.empty

    /// Ids and times as spans hold them; there once they were made.
    private(set) var ids = IDDigits()
    private(set) var times = SpanTimes()
    private var hasIDs = false
    private var hasTimes = false

    package init() {}

    /// Becomes a new one.
    package func reset() {
        trace = TraceID(high: 0, low: 0)
        clientSpan = 0
        serverSpan = 0
        modelSpan = 0
        isForSpans = false
        isForGenerations = false
        began = 0
        dispatched = 0
        firstEvent = 0
        ended = 0
        system = ByteSlice.empty
        host = ByteSlice.empty
        port = 0
        responseID = ByteSlice.empty
        user = ByteSlice.empty
        session = ByteSlice.empty
        tags = ByteSlice.empty
        temperature = ByteSlice.empty
        topP = ByteSlice.empty
        outputTokensMax = nil
        input = ByteSlice.empty
        output = ByteSlice.empty
        inputMessages = ByteSlice.empty
        outputMessages = ByteSlice.empty
        hasIDs = false
        hasTimes = false
    }

    /// Makes the digits of the ids, once for all that tell of them. From then on they may not change.
    @inline(__always)
    func makeIDs() { if !hasIDs { makeDigitsOfIDs() } }

    private func makeDigitsOfIDs() {
        hasIDs = true
        ids = IDDigits(self)
    }

    /// Makes all digits, once for all spans. From then on ids and times may not change.
    @inline(__always)
    func makeDigits() { if !hasTimes { makeAllDigits() } }

    private func makeAllDigits() {
        makeIDs()
        hasTimes = true
        times.become(
            began: began, dispatched: reachedModel ? dispatched : began, ended: ended)
    }

    /// Appends the field `traceparent`, of version 00, for the hop behind this one.
    package func append(traceParentTo fields: inout ByteBuffer, isSampled: Bool) {
        makeIDs()
        fields.append(upTo: 80) { cursor in
            cursor.put("traceparent: 00-")
            ids.trace.put(to: &cursor)
            cursor.put("-")
            ids.modelSpan.put(to: &cursor)
            if isSampled { cursor.put("-01\r\n") } else { cursor.put("-00\r\n") }
        }
    }

    /// The digits of the trace's id, as a line of the log holds them.
    package var traceDigits: TraceDigits {
        makeIDs()
        return ids.trace
    }

    /// Appends the id of a request that begins a trace and has no name of its own: who knows one of the
    /// two knows the other.
    package func append(requestIDTo buffer: inout ByteBuffer) {
        makeIDs()
        // As `RequestID` makes them; its own constant would be asked for.
        buffer.append(upTo: 36) { cursor in
            cursor.put("req_")
            ids.trace.put(to: &cursor)
        }
    }

    /// Whether it went to a model.
    package var reachedModel: Bool { dispatched != 0 }
}

/// Who takes them. Implemented by the Admin floor.
package protocol TraceSink: AnyObject {
    /// Takes one request, of the kind that `template` is of. Slices are borrowed for the time of the
    /// call.
    func take(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>)
}
