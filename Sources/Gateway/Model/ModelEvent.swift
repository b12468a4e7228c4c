// ModelEvent.swift — an answer as it comes into being, in no dialect's words.
// Pure; slices live during the call that hands an event on. Providers' decoders make events, doors'
// encoders write them; EventOrder checks both.
//
//     answer := started (choice events, interleaved | usage)* ended
//             | any prefix of that, then failed
//     choice := (partOpened (delta | signature)* partClosed)* finished
//
// A choice has at most one open part. Choices are numbered from 0; a choice begins with its first
// event. `ended` comes only when every choice that began has finished, and at least one has.

import ReactorCore

/// One step of an answer.
package enum ModelEvent {
    case started(AnswerStart)
    case partOpened(choice: Int, PartStart)
    /// More of the open part: its text, a tool's arguments (pieces of JSON text), redacted data.
    case delta(choice: Int, ByteSlice)
    /// The proof that goes with the open part; whole, at most once a part.
    case signature(choice: Int, ByteSlice)
    case partClosed(choice: Int)
    case finished(choice: Int, Finish)
    /// Tokens so far; a later one replaces an earlier one.
    case usage(Usage)
    /// The answer is whole.
    case ended
    /// It will never be.
    case failed(Failure)
}

/// What is known when an answer begins. Empty slices: the provider did not say.
package struct AnswerStart {
    /// The provider's id of the answer.
    package var id: ByteSlice
    /// The model by the provider's name.
    package var model: ByteSlice
    package var createdSeconds: Int?

    package init(id: ByteSlice = .empty, model: ByteSlice = .empty, createdSeconds: Int? = nil) {
        self.id = id
        self.model = model
        self.createdSeconds = createdSeconds
    }
}

/// What a part will be.
package enum PartStart {
    case text
    case reasoning
    /// Its deltas are opaque.
    case redactedReasoning
    case refusal
    /// Id and name are whole; the arguments follow. An empty id: the provider gave none.
    case toolCall(id: ByteSlice, name: ByteSlice, isCustom: Bool)
    /// Its deltas are base64 text.
    case image(mediaType: ByteSlice)
}

/// Why a choice ended.
package struct Finish {
    package var reason: FinishReason
    /// The stop text that was met, where the provider tells.
    package var stopSequence: ByteSlice?

    package init(_ reason: FinishReason, stopSequence: ByteSlice? = nil) {
        self.reason = reason
        self.stopSequence = stopSequence
    }
}
