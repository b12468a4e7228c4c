// ModelResponse.swift — a whole answer: the fold of its events, and their source again.
// Pure; owns its bytes. Made by Exchange from events, written by doors' encoders.

import ReactorCore

/// A whole answer.
package struct ModelResponse {
    package struct Part {
        package enum Kind: Equatable, Sendable {
            case text, reasoning, redactedReasoning, refusal
            case toolCall(isCustom: Bool)
            case image
        }

        package var kind: Kind
        /// Text, arguments, redacted or base64 data.
        package var text: [UInt8] = []
        /// A tool call's id; empty where the provider gave none.
        package var id: [UInt8] = []
        /// A tool's name, or an image's media type.
        package var name: [UInt8] = []
        package var signature: [UInt8]?

        package init(kind: Kind) { self.kind = kind }
    }

    package struct Choice {
        package var parts: [Part] = []
        package var reason = FinishReason.stop
        package var stopSequence: [UInt8]?

        package init() {}
    }

    package private(set) var id: [UInt8] = []
    package private(set) var model: [UInt8] = []
    package private(set) var createdSeconds: Int?
    package private(set) var choices: [Choice] = []
    package private(set) var usage: Usage?
    /// Why there is no answer.
    package private(set) var failure: Failure?
    /// Whether the terminal event has come.
    package private(set) var isOver = false
    /// Bytes of all parts.
    package private(set) var byteCount = 0

    package init() {}

    /// Forgets everything and keeps the memory of what every answer has.
    package mutating func removeAll() {
        id.removeAll(keepingCapacity: true)
        model.removeAll(keepingCapacity: true)
        createdSeconds = nil
        choices.removeAll(keepingCapacity: true)
        usage = nil
        failure = nil
        isOver = false
        byteCount = 0
    }

    /// Adds the next event, which must be in order (`EventOrder`).
    package mutating func add(_ event: ModelEvent) {
        switch event {
        case .started(let start):
            id.removeAll(keepingCapacity: true)
            id.append(contentsOf: start.id.raw)
            model.removeAll(keepingCapacity: true)
            model.append(contentsOf: start.model.raw)
            createdSeconds = start.createdSeconds
        case .partOpened(let choice, let start):
            reach(choice)
            choices[choice].parts.append(Part(start))
        case .delta(let choice, let text):
            byteCount += text.count
            withOpenPart(of: choice) { $0.text.append(contentsOf: text.raw) }
        case .signature(let choice, let signature):
            byteCount += signature.count
            withOpenPart(of: choice) { $0.signature = Array(signature.raw) }
        case .partClosed: break
        case .finished(let choice, let finish):
            reach(choice)
            choices[choice].reason = finish.reason
            choices[choice].stopSequence = finish.stopSequence.map { Array($0.raw) }
        case .usage(let usage): self.usage = usage
        case .ended: isOver = true
        case .failed(let failure):
            self.failure = failure
            isOver = true
        }
    }

    private mutating func reach(_ choice: Int) {
        while choices.count <= choice { choices.append(Choice()) }
    }

    private mutating func withOpenPart(of choice: Int, _ change: (inout Part) -> Void) {
        let last = choices[choice].parts.count - 1
        precondition(last >= 0, "a delta without a part")
        change(&choices[choice].parts[last])
    }

    /// Tells the answer again as events.
    package func unfold(_ emit: (ModelEvent) -> Void) {
        Self.slice(id) { id in
            Self.slice(model) { model in
                emit(.started(AnswerStart(id: id, model: model, createdSeconds: createdSeconds)))
            }
        }
        for (index, choice) in choices.enumerated() {
            for part in choice.parts { part.unfold(choice: index, emit) }
            if let stop = choice.stopSequence {
                Self.slice(stop) {
                    emit(.finished(choice: index, Finish(choice.reason, stopSequence: $0)))
                }
            } else {
                emit(.finished(choice: index, Finish(choice.reason)))
            }
        }
        if let usage { emit(.usage(usage)) }
        if let failure { emit(.failed(failure)) } else { emit(.ended) }
    }

    fileprivate static func slice(_ bytes: [UInt8], _ body: (ByteSlice) -> Void) {
        bytes.withUnsafeBytes { body(ByteSlice($0)) }
    }
}

extension ModelResponse.Part {
    fileprivate init(_ start: PartStart) {
        switch start {
        case .text: self.init(kind: .text)
        case .reasoning: self.init(kind: .reasoning)
        case .redactedReasoning: self.init(kind: .redactedReasoning)
        case .refusal: self.init(kind: .refusal)
        case .toolCall(let id, let name, let isCustom):
            self.init(kind: .toolCall(isCustom: isCustom))
            self.id = Array(id.raw)
            self.name = Array(name.raw)
        case .image(let mediaType):
            self.init(kind: .image)
            name = Array(mediaType.raw)
        }
    }

    fileprivate func unfold(choice: Int, _ emit: (ModelEvent) -> Void) {
        ModelResponse.slice(id) { id in
            ModelResponse.slice(name) { name in
                let start: PartStart =
                    switch kind {
                    case .text: .text
                    case .reasoning: .reasoning
                    case .redactedReasoning: .redactedReasoning
                    case .refusal: .refusal
                    case .toolCall(let isCustom): .toolCall(id: id, name: name, isCustom: isCustom)
                    case .image: .image(mediaType: name)
                    }
                emit(.partOpened(choice: choice, start))
            }
        }
        if !text.isEmpty { ModelResponse.slice(text) { emit(.delta(choice: choice, $0)) } }
        if let signature {
            ModelResponse.slice(signature) { emit(.signature(choice: choice, $0)) }
        }
        emit(.partClosed(choice: choice))
    }
}
