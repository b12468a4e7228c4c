// ChatTurn.swift — one question of `gateway chat` and its answer, built-in functions run in between.
// A shell around ChatConversation.

import GatewayCodec
import GatewayExchange
import GatewayModel
import GatewayTools
import Reactor
import ReactorCore

/// What is to be shown while an answer comes.
package enum ChatOutput: Equatable {
    case text(String)
    case reasoning(String)
    case call(ChatToolCall)
    case result(String)
}

/// Asks, and asks again with the results of calls.
package final class ChatTurn {
    /// Requests for one question.
    package static let roundsMax = 8

    private let client: APIClient
    private let show: (ChatOutput) -> Void
    private var call: ChatCall?
    private let arena = JSONArena()
    private let zones = ZoneFiles()

    private var conversation: ChatConversation
    private var response = ModelResponse()
    private var rounds = 0
    private var failure: String?
    private var beganAt = Instant(nanoseconds: 0)
    private var firstAt: Instant?
    private var pieces = 0
    private var tokens: Int?
    /// Of the rounds before this one.
    private var earlierTokens = 0
    private var isOver = false

    private init(
        _ client: APIClient, _ conversation: ChatConversation, clocks: ClientClocks,
        show: @escaping (ChatOutput) -> Void
    ) {
        self.client = client
        self.conversation = conversation
        self.show = show
        call = ChatCall(client, clocks: clocks, owner: self)
    }

    /// How a turn ended.
    package struct Outcome {
        /// With the answer; as it was before the question if there is a failure.
        package var conversation: ChatConversation
        package var failure: String?
        package var timing: AnswerTiming
    }

    /// Runs the client's loop until the answer is whole. `interrupts` is given what ends it early.
    package static func run(
        _ conversation: ChatConversation, on client: APIClient, within limit: Duration,
        interrupts: (@escaping () -> Void) -> Void = { _ in },
        show: @escaping (ChatOutput) -> Void
    ) -> Outcome {
        let turn = ChatTurn(
            client, conversation, clocks: APIClient.clocks(limit), show: show)
        interrupts { [weak turn] in turn?.cancel() }
        client.loop.withTurn { turn.begin() }
        if !turn.isOver { client.loop.run() }
        return turn.outcome()
    }

    private func outcome() -> Outcome {
        let now = client.loop.clock()
        if failure != nil { conversation.takeBack() }
        return Outcome(
            conversation: conversation, failure: failure,
            timing: AnswerTiming(
                totalNanoseconds: now.nanoseconds(since: beganAt),
                firstNanoseconds: firstAt.map { $0.nanoseconds(since: beganAt) },
                tokens: tokens ?? pieces, isCounted: tokens != nil))
    }

    private func begin() {
        beganAt = client.loop.clock()
        ask()
    }

    private func ask() {
        rounds += 1
        earlierTokens = tokens ?? 0
        response = ModelResponse()
        call?.start(conversation.request(), streams: conversation.streams)
    }

    private func cancel() {
        guard !isOver else { return }
        call?.cancel()
        finish("interrupted")
    }

    private func finish(_ failure: String?) {
        self.failure = failure
        isOver = true
        client.loop.stop()
    }

    /// Servers may send more choices than were asked for.
    private static func concernsFirstChoice(_ event: ModelEvent) -> Bool {
        switch event {
        case .partOpened(let choice, _), .delta(let choice, _), .signature(let choice, _),
            .partClosed(let choice), .finished(let choice, _):
            choice == 0
        case .started, .usage, .ended, .failed: true
        }
    }

    // MARK: Tools

    private func run(_ call: ChatToolCall) -> String {
        guard let tool = call.name.withByteSlice({ BuiltInTool.named($0) }) else {
            return "There is no function '\(call.name)'."
        }
        let context = BuiltInContext(
            nowSeconds: client.loop.secondsSince1970, zoneFile: { [zones] in zones.bytes(of: $0) })
        let text = call.arguments.isEmpty ? "{}" : call.arguments
        return text.withByteSlice { bytes in
            guard let tree = try? arena.read(bytes), tree.root.kind == .object else {
                return "The arguments are not a JSON object."
            }
            var out = ByteBuffer()
            do throws(BuiltInFailure) {
                try tool.run(tree.root, context, &out)
                return out.string
            } catch { return error.message }
        }
    }
}

extension ChatTurn: ChatCallDelegate {
    package func answerContinued(_ event: ModelEvent) {
        guard Self.concernsFirstChoice(event) else { return }
        response.add(event)
        switch event {
        case .delta(_, let bytes):
            pieces += 1
            if firstAt == nil { firstAt = client.loop.clock() }
            switch response.choices.first?.parts.last?.kind {
            case .text, .refusal: show(.text(bytes.string))
            case .reasoning: show(.reasoning(bytes.string))
            default: break
            }
        case .usage(let usage) where usage.outputTokens > 0:
            tokens = earlierTokens + usage.outputTokens
        default: break
        }
    }

    package func callEnded(_ failure: String?) {
        if let failure { return finish(failure) }
        let calls = conversation.answered(response)
        guard !calls.isEmpty, conversation.hasTools else { return finish(nil) }
        guard rounds < Self.roundsMax else {
            return finish("the model calls functions again and again")
        }
        for call in calls {
            show(.call(call))
            let result = run(call)
            show(.result(result))
            conversation.add(result: result, of: call)
        }
        ask()
    }
}
