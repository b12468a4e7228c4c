// SalesforceResponseDecoder.swift — a whole answer of either surface as events.
// Pure. Named in Catalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum SalesforceResponseDecoder {
    static func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        do throws(JSONFailure) {
            let tree = try context.arena.read(body)
            decode(SalesforceAnswer(root: tree.root), context, emit)
        } catch {
            emit(
                .failed(
                    Failure(
                        .upstreamMalformed, "Salesforce's answer is not valid JSON: \(error).")))
        }
    }

    private static func decode(
        _ answer: SalesforceAnswer, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        if let failure = answer.failure { return emit(.failed(failure)) }
        let reason = answer.finishReason
        var hasText = false
        var hasCalls = false
        // Whether this is an answer at all must be known before the first event.
        let hasPlace = answer.forEachText { _ in }
        guard hasPlace || answer.invocations != nil || reason != nil else {
            return emit(
                .failed(
                    Failure(.upstreamMalformed, "Salesforce's answer holds no generation.")))
        }
        emit(.started(answer.start))
        _ = answer.forEachText { text in
            // The surface pads its text; what is only white space is none.
            let text = text.trimmedOfWhiteSpace
            guard !text.isEmpty else { return }
            if !hasText { emit(.partOpened(choice: 0, .text)) }
            hasText = true
            emit(.delta(choice: 0, text))
        }
        if hasText { emit(.partClosed(choice: 0)) }
        if let invocations = answer.invocations {
            for invocation in invocations.elements {
                hasCalls = true
                emitCall(invocation, emit)
            }
        }
        emit(.finished(choice: 0, Finish(hasCalls ? .toolCalls : reason ?? .stop)))
        if let usage = answer.usage { emit(.usage(usage)) }
        emit(.ended)
    }

    private static func emitCall(_ invocation: JSONValue, _ emit: (ModelEvent) -> Void) {
        let function = invocation[SalesforceWire.function]
        emit(
            .partOpened(
                choice: 0,
                .toolCall(
                    id: invocation[SalesforceWire.id]?.string ?? .empty,
                    name: function?[SalesforceWire.name]?.string ?? .empty, isCustom: false)))
        if let arguments = function?[SalesforceWire.arguments] {
            if let text = arguments.string {
                if !text.isEmpty { emit(.delta(choice: 0, text)) }
            } else if !arguments.isNull {
                var text = ByteBuffer()
                text.writeJSON { $0.value(arguments) }
                emit(.delta(choice: 0, text.slice))
            }
        }
        emit(.partClosed(choice: 0))
    }
}

extension ByteSlice {
    fileprivate var trimmedOfWhiteSpace: ByteSlice {
        var first = 0
        var last = count
        while first < last, self[first] <= ASCII.space { first += 1 }
        while last > first, self[last - 1] <= ASCII.space { last -= 1 }
        return self[first..<last]
    }
}
