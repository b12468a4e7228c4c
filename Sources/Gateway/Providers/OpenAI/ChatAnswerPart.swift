// ChatAnswerPart.swift — the parts of an answer that is being put together, and the calls among them.
// Pure; owns its bytes. Only ChatAnswerAssembler uses it.

import GatewayModel
import ReactorCore

/// A part of a choice: open, waiting for the one before it, or (calls only) closed.
struct ChatAnswerPart {
    enum Kind: Equatable {
        case text, reasoning, redactedReasoning, refusal, image, toolCall
    }

    let kind: Kind
    /// What came before the part could be opened.
    var held: [UInt8] = []
    var signature: [UInt8]?
    var isSigned = false

    // Of calls only.

    /// The number that the server gives the call; `functionIndex` for the one legacy call.
    var index: Int?
    /// The server's id; empty where it gave none.
    var id: [UInt8] = []
    /// The tool's name, or an image's media type.
    var name: [UInt8] = []
    var isCustom = false
    var progress = ArgumentProgress()

    static let functionIndex = -1

    init(_ kind: Kind) { self.kind = kind }

    /// Whether nothing more can come for it once something else has begun. A call is done only when
    /// its arguments are whole: servers may send those of several calls in turns.
    var isDone: Bool { kind != .toolCall || progress.isWhole }

    /// Whether it can be opened.
    var isReady: Bool { kind != .toolCall || !name.isEmpty }
}

/// What one delta says of a call. Slices live as long as the chunk.
struct ChatCallPiece {
    var index: Int?
    var id = ByteSlice.empty
    var name = ByteSlice.empty
    var arguments = ByteSlice.empty
    var isCustom = false
    var signature: ByteSlice?

    init() {}
}

/// The parts of one choice.
struct ChatAnswerChoice {
    /// Closed calls, then the part that is open or next, then those that wait for it.
    var parts: [ChatAnswerPart] = []
    /// The first part that is not closed.
    var head = 0
    var isHeadOpen = false
    var hasBegun = false
    var isFinished = false

    var hasCalls: Bool { parts.contains { $0.kind == .toolCall } }

    /// Which call a piece belongs to; nil if it begins a new one.
    ///
    /// Servers number calls, or give all of them the number 0, or none; give ids, or empty ones.
    /// - Parameter first: calls from here on have been touched by the same delta.
    func call(for piece: ChatCallPiece, touchedFrom first: Int) -> Int? {
        guard let found = candidate(for: piece) else { return nil }
        let call = parts[found]
        if !piece.id.isEmpty {
            if call.id.isEmpty { return piece.name.isEmpty || call.name.isEmpty ? found : nil }
            // Twice in one delta, each with a name: two calls that were given one id.
            let isTwin = found >= first && !piece.name.isEmpty && !call.name.isEmpty
            return Self.same(call.id, piece.id) && !isTwin ? found : nil
        }
        // Without an id only a name can begin a call.
        if piece.name.isEmpty || call.name.isEmpty { return found }
        if found >= first || !Self.same(call.name, piece.name) { return nil }
        let restarts =
            call.progress.lastByte == ASCII.closeBrace && piece.arguments.count > 0
            && piece.arguments[0] == ASCII.openBrace
        return restarts ? nil : found
    }

    private func candidate(for piece: ChatCallPiece) -> Int? {
        if !piece.id.isEmpty {
            let named = parts.lastIndex { part in
                part.isCall && Self.same(part.id, piece.id)
                    && (piece.index == nil || part.index == piece.index)
            }
            if named != nil || piece.index == nil { return named }
        }
        return parts.lastIndex { $0.isCall && (piece.index == nil || $0.index == piece.index) }
    }

    private static func same(_ bytes: [UInt8], _ slice: ByteSlice) -> Bool {
        bytes.withUnsafeBytes { ByteSlice($0) == slice }
    }
}

extension ChatAnswerPart {
    fileprivate var isCall: Bool { kind == .toolCall }
}
