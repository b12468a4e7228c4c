// HistoryBound.swift — keeps a conversation that the gateway builds from growing without end.
// Pure. Used where the gateway composes conversations; never on what a client sent unless its
// operator asks for it.

import GatewayModel

/// A bound on the messages of a conversation.
package enum HistoryBound {
    /// The bound of an earlier gateway (`MAX_HISTORY_SIZE`).
    package static let messagesDefault = 50

    /// Drops the oldest messages above `messagesMax`, instructions aside, which stay and count. A
    /// result whose call is gone goes with it. - Returns: how many were dropped.
    @discardableResult
    package static func apply(to request: inout ModelRequest, messagesMax: Int) -> Int {
        let before = request.messages.count
        var excess = before - max(messagesMax, 1)
        guard excess > 0 else { return 0 }
        var kept: [Message] = []
        var hasBegun = false
        for (index, message) in request.messages.enumerated() {
            let isInstruction = message.role == .system || message.role == .developer
            let isLast = index == before - 1
            if !isInstruction, !isLast, excess > 0 {
                excess -= 1
                continue
            }
            if message.role == .tool, !hasBegun, !isLast { continue }
            if !isInstruction { hasBegun = true }
            kept.append(message)
        }
        request.messages = kept
        return before - kept.count
    }
}
