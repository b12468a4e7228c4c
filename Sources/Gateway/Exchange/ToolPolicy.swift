// ToolPolicy.swift — what an operator says about tools and conversations. Values; part of a snapshot.

import GatewayTools
import ReactorCore

/// Built-in tools, and what may be asked of streams with tools.
package struct ToolPolicy: Sendable {
    /// The built-in tools that may be offered to models.
    package var builtIn: [BuiltInTool] = []
    /// Whether they are offered with every request.
    package var executes = false
    /// Whether a request may ask for them, or for none, in `X-Gateway-Tools`.
    package var allowsPerRequest = false
    /// Requests to the provider for one answer, at most.
    package var roundsMax = ToolLoopMachine.roundsDefault
    /// Whether a stream may ever be answered in one piece: then it is looked who asks.
    package var mayDowngrade = false

    package init() {}

    /// Whether a request's head says anything about tools.
    var readsFields: Bool { allowsPerRequest || mayDowngrade }

    /// The tools that the value of `X-Gateway-Tools` asks for, of those that may be offered.
    func listed(in value: ByteSlice) -> [BuiltInTool] {
        var listed: [BuiltInTool] = []
        var rest = value
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.comma) ?? rest.count
            let name = rest.prefix(end).trimmed
            if let tool = builtIn.first(where: { name == $0.name }),
                !listed.contains(where: { name == $0.name })
            {
                listed.append(tool)
            }
            rest = rest.dropFirst(min(end + 1, rest.count))
        }
        return listed
    }
}

/// How long conversations may become.
package struct HistoryPolicy: Equatable, Sendable {
    /// Messages of a conversation that the gateway keeps.
    package var messagesMax = HistoryBound.messagesDefault
    /// Whether what a client sends itself is held to it as well, where it is translated.
    package var boundsClients = false

    package init() {}
}
