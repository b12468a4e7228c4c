// ToolLoopMachine.swift — the rounds of an answer in which the gateway runs tools itself.
// Pure: events in, events out, and after each round whether there is another. Used by Exchange.
//
//     machine.begin(&request)                       adds the definitions
//     per event of a round: machine.pass(event, emit)
//     while machine.wantsRound:                     after `ended`, which is held back
//         machine.extend(&request, context)         runs the calls, adds them and their results
//         ... the next round
//
// The caller sees one answer: one `started`, the text of all rounds, the last round's finish, the
// sum of the usage. Calls of built-in tools are not seen. Where a round calls the caller's own tools
// too, it is the last: those calls are passed on, and the built-in ones are left out, because their
// results could not reach the model: it asks again in the caller's next request.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One answer's loop. Answers with several choices are not looped.
package final class ToolLoopMachine {
    /// Rounds are requests to the provider.
    package static let roundsDefault = 8
    package static let roundsMax = 32
    /// Calls run in one round; further ones are answered with a failure.
    package static let callsPerRoundMax = 32
    /// What a round may say before it is the last: it is kept to be told again.
    package static let roundBytesMax = 1 << 20

    private enum State {
        /// -> running.
        case idle
        /// Events of a round. -> between, over.
        case running
        /// The round has ended and wants another. -> running.
        case between
        case over
    }

    private let tools: [BuiltInTool]
    private let roundsMax: Int
    private let texts = ComposedText()
    private let arena = JSONArena()
    private var state = State.idle
    private var schemas: [JSONTreeBox] = []
    package private(set) var rounds = 0
    package private(set) var callCount = 0
    /// Calls run, by the function's place in `BuiltInTool.all`.
    package private(set) var counts = [Int](repeating: 0, count: BuiltInTool.all.count)
    private var round = ModelResponse()
    private var usage: Usage?
    private var roundUsage: Usage?
    private var hasStarted = false
    private var isHidden = false
    private var hasOwnCalls = false
    private var hasClientCalls = false
    private var isTooLong = false
    private var finish: Finish?

    /// - Parameters:
    ///   - names: the built-in tools to offer; unknown ones are left out.
    ///   - roundsMax: at most this many requests, within 1 and `Self.roundsMax`.
    package init(names: [ByteSlice], roundsMax: Int = roundsDefault) {
        tools = names.compactMap(BuiltInTool.named)
        self.roundsMax = min(max(roundsMax, 1), Self.roundsMax)
    }

    /// Adds the definitions of the built-in tools, but those whose names the caller's have.
    /// - Returns: whether there is anything to loop for.
    package func begin(_ request: inout ModelRequest) -> Bool {
        guard request.choiceCount == 1, !tools.isEmpty else { return false }
        if case .none? = request.toolChoice?.mode { return false }
        offered = tools.filter { tool in !request.tools.contains { $0.name == tool.name } }
        for tool in offered {
            guard let schema = JSONTreeBox(tool.parameters) else { continue }
            schemas.append(schema)
            request.tools.append(
                ToolDefinition(
                    name: ByteSlice(tool.name), description: ByteSlice(tool.description),
                    kind: .function(parameters: schema.root)))
        }
        if request.toolChoice?.allowed != nil {
            request.toolChoice?.allowed?.append(contentsOf: offered.map { ByteSlice($0.name) })
        }
        return !offered.isEmpty
    }

    private var offered: [BuiltInTool] = []

    private func tool(_ name: ByteSlice) -> BuiltInTool? {
        offered.first { name == $0.name }
    }

    /// Whether the round that has ended wants another.
    package var wantsRound: Bool {
        if case .between = state { true } else { false }
    }

    package func pass(_ event: ModelEvent, _ emit: (ModelEvent) -> Void) {
        if case .over = state { return }
        if case .started = event {
            if case .running = state { return }
            beginRound()
            if !hasStarted { emit(event) }
            hasStarted = true
            return round.add(event)
        }
        keep(event)
        switch event {
        case .partOpened(_, .toolCall(_, let name, _)):
            isHidden = tool(name) != nil
            if isHidden { hasOwnCalls = true } else { hasClientCalls = true }
            if !isHidden { emit(event) }
        case .partOpened:
            isHidden = false
            emit(event)
        case .delta, .signature, .partClosed: if !isHidden { emit(event) }
        case .finished(_, let finish):
            self.finish = Finish(finish.reason, stopSequence: finish.stopSequence.map(texts.keep))
        case .usage(let usage): roundUsage = usage
        case .ended: endRound(emit)
        case .failed:
            tellUsage(emit)
            state = .over
            emit(event)
        case .started: break
        }
    }

    private func beginRound() {
        state = .running
        rounds += 1
        round = ModelResponse()
        roundUsage = nil
        finish = nil
        (isHidden, hasOwnCalls, hasClientCalls, isTooLong) = (false, false, false, false)
    }

    private func keep(_ event: ModelEvent) {
        if case .delta(_, let text) = event, round.byteCount + text.count > Self.roundBytesMax {
            isTooLong = true
        }
        if !isTooLong { round.add(event) }
    }

    private func addUsage() {
        guard let roundUsage else { return }
        self.roundUsage = nil
        guard var sum = usage else { return usage = roundUsage }
        sum.inputTokens += roundUsage.inputTokens
        sum.outputTokens += roundUsage.outputTokens
        sum.totalTokens += roundUsage.totalTokens
        sum.cachedTokens += roundUsage.cachedTokens
        sum.cacheWriteTokens += roundUsage.cacheWriteTokens
        sum.reasoningTokens += roundUsage.reasoningTokens
        usage = sum
    }

    private func tellUsage(_ emit: (ModelEvent) -> Void) {
        addUsage()
        if let usage { emit(.usage(usage)) }
    }

    private func endRound(_ emit: (ModelEvent) -> Void) {
        addUsage()
        let isWhole = finish?.reason != .length && finish?.reason != .contentFilter
        if hasOwnCalls, !hasClientCalls, isWhole, !isTooLong, rounds < roundsMax {
            state = .between
            return
        }
        state = .over
        var last = finish ?? Finish(.stop)
        // Nobody is left to answer calls that the caller does not see.
        if hasOwnCalls, !hasClientCalls, last.reason == .toolCalls { last = Finish(.stop) }
        emit(.finished(choice: 0, last))
        if let usage { emit(.usage(usage)) }
        emit(.ended)
    }

    /// Appends the calls run by function, `calculate=1, get_time=2`; nothing where there were none.
    package func appendCounts(to buffer: inout ByteBuffer) {
        let start = buffer.count
        for (tool, count) in zip(BuiltInTool.all, counts) where count > 0 {
            if buffer.count > start { buffer.append(", " as StaticString) }
            buffer.append(tool.name)
            buffer.append(UInt8(ascii: "="))
            buffer.append(decimal: count)
        }
    }

    // MARK: Between rounds

    /// Runs the round's calls and adds the turn and its results to the conversation. In front of the
    /// last round the built-in tools are taken away, so that the model answers. What is added
    /// borrows from this machine.
    package func extend(_ request: inout ModelRequest, _ context: BuiltInContext) {
        guard case .between = state else { preconditionFailure("extended in \(state)") }
        var parts: [ContentPart] = []
        var calls: [(id: ByteSlice, name: ByteSlice, arguments: ByteSlice)] = []
        for part in round.choices.first?.parts ?? [] {
            let text = texts.keep(part.text)
            let signature = part.signature.map(texts.keep)
            switch part.kind {
            case .text: if !text.isEmpty { parts.append(ContentPart(.text(text))) }
            case .refusal: parts.append(ContentPart(.refusal(text)))
            case .reasoning:
                parts.append(ContentPart(.reasoning(Reasoning(text: text, signature: signature))))
            case .redactedReasoning:
                parts.append(
                    ContentPart(.reasoning(Reasoning(text: .empty, redacted: text))))
            case .toolCall(let isCustom):
                let (id, name) = (texts.keep(part.id), texts.keep(part.name))
                parts.append(
                    ContentPart(
                        .toolCall(
                            ToolCall(
                                id: id, name: name, arguments: .text(text), isCustom: isCustom,
                                signature: signature))))
                calls.append((id, name, text))
            case .image: break
            }
        }
        request.append(.assistant, parts)
        for (index, call) in calls.enumerated() {
            let (text, isError) =
                index < Self.callsPerRoundMax
                ? run(call.name, call.arguments, context)
                : (ByteSlice("Too many calls at once." as StaticString), true)
            request.append(
                .tool, [ContentPart(.text(text))],
                result: ToolResult(callID: call.id, name: call.name, isError: isError))
        }
        relax(&request)
    }

    /// A call that was demanded has been made; a demand for ever would be a loop for ever.
    private func relax(_ request: inout ModelRequest) {
        if let choice = request.toolChoice {
            switch choice.mode {
            case .required, .named: request.toolChoice?.mode = .auto
            case .auto, .none: break
            }
        }
        guard rounds + 1 >= roundsMax else { return }
        request.tools.removeAll { tool($0.name) != nil }
        request.toolChoice?.allowed?.removeAll { tool($0) != nil }
        if request.tools.isEmpty { request.toolChoice = nil }
    }

    private func run(
        _ name: ByteSlice, _ arguments: ByteSlice, _ context: BuiltInContext
    ) -> (text: ByteSlice, isError: Bool) {
        callCount += 1
        if let place = BuiltInTool.all.firstIndex(where: { name == $0.name }) {
            counts[place] += 1
        }
        var object = ByteBuffer()
        var result = ByteBuffer()
        guard let tool = tool(name),
            ArgumentRecovery.recover(arguments, into: &object) != nil,
            let tree = try? arena.read(object.slice)
        else { return (ByteSlice("The arguments are no JSON object." as StaticString), true) }
        do throws(BuiltInFailure) {
            try tool.run(tree.root, context, &result)
            return (texts.keep(result.slice), false)
        } catch {
            return (error.message.withByteSlice { texts.keep($0) }, true)
        }
    }
}

/// A schema of ours, kept as a tree.
private final class JSONTreeBox {
    private let tree: JSONTree

    var root: JSONValue { tree.root }

    init?(_ text: StaticString) {
        guard let tree = try? JSONArena(bytesMax: 0).read(ByteSlice(text)) else { return nil }
        self.tree = tree
    }
}
