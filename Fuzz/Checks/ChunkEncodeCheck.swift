// ChunkEncodeCheck.swift — what must hold of the encoders of OpenAI's chunks, of chat and of text
// completions, for any legal answer, cut by a failure anywhere. The first byte chooses what was asked
// for, the others are taken for events.
// Called by the fuzz targets with made-up bytes and by the tests with the corpora and random ones.

import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore

/// Checks of the encoders; each answers what is wrong, or nil.
package enum ChunkEncodeCheck {
    /// A chat stream follows the dialect's grammar and says what was told.
    package static func chat(_ bytes: [UInt8]) -> String? { run(bytes, at: .chat) }

    /// The same of a text completion's stream, which begins with the echo.
    package static func completions(_ bytes: [UInt8]) -> String? { run(bytes, at: .completions) }

    /// What is wrong with a stream of the door's; nil if it follows the grammar.
    package static func complaint(
        _ stream: ByteSlice, at door: AnswerDoor, wantsUsage: Bool
    ) -> String? {
        var reader = ChunkReader(isChat: door == .chat, wantsUsage: wantsUsage)
        return reader.read(stream)
    }

    private static func run(_ bytes: [UInt8], at door: AnswerDoor) -> String? {
        let first = bytes.first ?? 0
        let echo: StaticString = first & 2 == 0 || door == .chat ? "" : "On\"ce\n漢"
        var context = AnswerContext(
            requestID: ByteSlice("req_1"), requestedModel: ByteSlice("m"), createdSeconds: 7,
            wantsUsage: first & 1 == 1)
        context.echoedPrompt = ByteSlice(echo)
        var encoder = door.openStream(context)
        var told = ModelResponse()
        var isWhole = true
        var output = ByteBuffer()
        AnswerScript.play(Array(bytes.dropFirst())) { event in
            told.add(event)
            encoder.encode(event, to: &output)
            isWhole = isWhole && AnswerScript.isWholeEvents(output.slice)
            if case .failed(let failure) = event { OpenAIError(failure).appendEvent(to: &output) }
        }
        guard isWhole else { return "half an event" }
        var reader = ChunkReader(isChat: door == .chat, wantsUsage: context.wantsUsage)
        if let complaint = reader.read(output.slice) { return complaint }
        guard reader.hasFailed == (told.failure != nil) else { return "another end" }
        if told.failure != nil { return nil }
        for (index, choice) in told.choices.enumerated() {
            let expected = Said(choice, echo: "\(echo)", isChat: door == .chat)
            let found = reader.said[index] ?? Said()
            if expected != found { return "choice \(index): \(found), not \(expected)" }
        }
        return reader.said.count == told.choices.count ? nil : "another number of choices"
    }
}

/// What a client makes of one choice.
private struct Said: Equatable {
    var text: [UInt8] = []
    var refusal: [UInt8] = []
    var thought: [UInt8] = []
    var calls: [[UInt8]] = []

    init() {}

    init(_ choice: ModelResponse.Choice, echo: String, isChat: Bool) {
        text = Array(echo.utf8)
        for part in choice.parts {
            switch part.kind {
            case .text: text += part.text
            case .refusal where !isChat: text += part.text
            case .refusal: refusal += part.text
            case .reasoning where isChat: thought += part.text
            case .toolCall where isChat: calls.append(part.text)
            case .reasoning, .toolCall, .redactedReasoning, .image: break
            }
        }
    }
}

/// The grammar, spelled out.
private struct ChunkReader {
    private enum Place { case chunks, usage, end }

    let isChat: Bool
    let wantsUsage: Bool
    private(set) var said: [Int: Said] = [:]
    private(set) var hasFailed = false
    private var finished: Set<Int> = []
    private var place = Place.chunks
    private var id: String?

    init(isChat: Bool, wantsUsage: Bool) {
        self.isChat = isChat
        self.wantsUsage = wantsUsage
    }

    mutating func read(_ output: ByteSlice) -> String? {
        var parser = EventStreamParser()
        var input = output
        let arena = JSONArena()
        while let event = try? parser.next(&input) {
            guard event.canonical != nil, event.name.isEmpty else { return "not canonical" }
            if place == .end { return "an event behind the end" }
            if event.data == "[DONE]" {
                guard finished == Set(said.keys) else { return "a mark behind an open choice" }
                place = .end
                continue
            }
            guard let tree = try? arena.read(event.data) else { return "no JSON" }
            if let complaint = read(tree.root) { return complaint }
        }
        if place != .end { return "no end" }
        return parser.isBetweenEvents ? nil : "ends within an event"
    }

    private mutating func read(_ chunk: JSONValue) -> String? {
        if chunk["error"]?["message"]?.string != nil {
            place = .end
            hasFailed = true
            return nil
        }
        if place == .usage { return "a chunk behind the usage" }
        let object = isChat ? "chat.completion.chunk" : "text_completion"
        guard let id = chunk["id"]?.string?.string, id == self.id ?? id else { return "another id" }
        self.id = id
        guard chunk["object"]?.string?.string == object, chunk["created"]?.int == 7,
            chunk["model"]?.string?.string == "m"
        else { return "another head" }
        guard let choices = chunk["choices"], choices.kind == .array else { return "no choices" }
        let usage = chunk["usage"]
        if (usage != nil) != wantsUsage { return "usage that was not asked for, or none" }
        if choices.count == 0 {
            guard usage?["prompt_tokens"]?.int != nil else { return "an empty chunk" }
            place = .usage
            return nil
        }
        if let usage, !usage.isNull { return "usage amid choices" }
        for choice in choices.elements {
            if let complaint = read(choice: choice) { return complaint }
        }
        return nil
    }

    private mutating func read(choice: JSONValue) -> String? {
        guard let index = choice["index"]?.int, let reason = choice["finish_reason"],
            choice["logprobs"]?.isNull == true
        else { return "a choice without its members" }
        if finished.contains(index) { return "choice \(index) behind its end" }
        let isFirst = said[index] == nil
        var said = said[index] ?? Said()
        if isChat {
            guard let delta = choice["delta"], delta.kind == .object else { return "no delta" }
            guard (delta["role"]?.string?.string == "assistant") == isFirst else {
                return "another role"
            }
            said.text += bytes(delta["content"])
            said.refusal += bytes(delta["refusal"])
            said.thought += bytes(delta["reasoning_content"])
            if let call = delta["tool_calls"], let complaint = said.take(call) { return complaint }
        } else {
            guard let text = choice["text"], text.kind == .string else { return "no text" }
            said.text += bytes(text)
        }
        self.said[index] = said
        if !reason.isNull {
            guard reason.string != nil else { return "a reason that is no word" }
            finished.insert(index)
        }
        return nil
    }
}

extension Said {
    /// Takes the piece of a call; a first one has id, type and name.
    fileprivate mutating func take(_ pieces: JSONValue) -> String? {
        for piece in pieces.elements {
            guard let index = piece["index"]?.int, index <= calls.count else {
                return "a call out of order"
            }
            let inner = piece["function"] ?? piece["custom"]
            if index == calls.count {
                guard piece["id"]?.string?.isEmpty == false, piece["type"]?.string != nil,
                    inner?["name"]?.string != nil
                else { return "a call without its beginning" }
                calls.append([])
            }
            guard let text = inner?["arguments"] ?? inner?["input"], text.kind == .string else {
                return "a piece of a call without text"
            }
            calls[index] += bytes(text)
        }
        return nil
    }
}

private func bytes(_ value: JSONValue?) -> [UInt8] { (value?.string).map { Array($0.raw) } ?? [] }
