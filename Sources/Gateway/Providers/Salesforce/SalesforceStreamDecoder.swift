// SalesforceStreamDecoder.swift — a stream of the LLM gateway's generic chat path as events: events
// named `generation`, each with a piece of text or of a call, and `[DONE]` at the end.
// Pure. Named in Catalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package struct SalesforceStreamDecoder: StreamDecoder, ~Copyable {
    private enum Part: Equatable { case none, text, call(index: Int) }

    private var hasStarted = false
    private var part = Part.none
    private var hasCalls = false
    private var reason: FinishReason?
    private var usage: Usage?
    package private(set) var isOver = false

    package init() {}

    package mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        guard !isOver else { return }
        // Scores of the safety scan come as events of other names.
        let name = event.name
        guard name.isEmpty || name == SalesforceWire.generation || name == SalesforceWire.error
        else { return }
        if event.data.trimmed == SalesforceWire.done { return end(emit) }
        do throws(JSONFailure) {
            let tree = try context.arena.read(event.data)
            take(SalesforceAnswer(root: tree.root), isError: name == SalesforceWire.error, emit)
        } catch {
            fail(
                Failure(
                    .upstreamMalformed, "Salesforce sent an event that is not valid JSON: \(error)."
                ), emit)
        }
    }

    package mutating func finish(_ context: ProviderContext, _ emit: (ModelEvent) -> Void) {
        guard !isOver else { return }
        // Without its mark the stream is whole only if the model has said why it stopped.
        if reason != nil { return end(emit) }
        fail(
            Failure(
                .upstreamCut, "Salesforce's stream ended before the answer was complete."), emit)
    }

    private mutating func take(
        _ answer: SalesforceAnswer, isError: Bool, _ emit: (ModelEvent) -> Void
    ) {
        if let failure = answer.failure { return fail(failure, emit) }
        if isError {
            return fail(
                Failure(.upstreamFault, SalesforceErrorDecoder.message(in: answer.root)), emit)
        }
        start(answer.start, emit)
        // The first reason stands: later frames may repeat an emptier one.
        if reason == nil, let found = answer.finishReason { reason = found }
        if let found = answer.usage { usage = found }
        _ = answer.forEachText { text in
            guard !text.isEmpty else { return }
            open(.text, .text, emit)
            emit(.delta(choice: 0, text))
        }
        guard let invocations = answer.invocations else { return }
        for invocation in invocations.elements { take(invocation, emit) }
    }

    private mutating func start(_ start: AnswerStart, _ emit: (ModelEvent) -> Void) {
        guard !hasStarted else { return }
        hasStarted = true
        emit(.started(start))
    }

    /// A call's first piece brings id and name, further ones its arguments.
    private mutating func take(_ invocation: JSONValue, _ emit: (ModelEvent) -> Void) {
        let function = invocation[SalesforceWire.function]
        let id = invocation[SalesforceWire.id]?.string ?? .empty
        let name = function?[SalesforceWire.name]?.string ?? .empty
        var index = invocation[SalesforceWire.index]?.int ?? -1
        if index < 0 {
            // Without a number, an id begins the next call.
            if case .call(let current) = part { index = id.isEmpty ? current : current + 1 }
            index = max(index, 0)
        }
        hasCalls = true
        open(.call(index: index), .toolCall(id: id, name: name, isCustom: false), emit)
        guard let arguments = function?[SalesforceWire.arguments]?.string, !arguments.isEmpty
        else { return }
        emit(.delta(choice: 0, arguments))
    }

    private mutating func open(
        _ next: Part, _ start: PartStart, _ emit: (ModelEvent) -> Void
    ) {
        guard part != next else { return }
        close(emit)
        part = next
        emit(.partOpened(choice: 0, start))
    }

    private mutating func close(_ emit: (ModelEvent) -> Void) {
        if part != .none { emit(.partClosed(choice: 0)) }
        part = .none
    }

    private mutating func end(_ emit: (ModelEvent) -> Void) {
        guard hasStarted else {
            return fail(
                Failure(.upstreamMalformed, "Salesforce's stream ended without an answer."), emit)
        }
        isOver = true
        close(emit)
        emit(.finished(choice: 0, Finish(hasCalls ? .toolCalls : reason ?? .stop)))
        if let usage { emit(.usage(usage)) }
        emit(.ended)
    }

    private mutating func fail(_ failure: Failure, _ emit: (ModelEvent) -> Void) {
        isOver = true
        emit(.failed(failure))
    }
}
