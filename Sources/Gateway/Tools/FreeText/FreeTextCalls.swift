// FreeTextCalls.swift — brings calls of tools that FreeTextTools had rewritten back into free text.
// Pure value: events in, events out. Used by Exchange between a decoder and an encoder. The JSON of
// such a call is held until it is whole.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One answer's filter.
package struct FreeTextCalls {
    /// A longer call fails the answer.
    package static let heldBytesMax = 8 << 20

    private let names: [[UInt8]]
    /// By choice: the arguments so far of the call that is open.
    private var held: [Int: [UInt8]] = [:]

    /// A filter for the answer to `request`, as it was before it was rewritten.
    package init(_ request: ModelRequest) {
        names = request.tools.compactMap {
            if case .custom = $0.kind { Array($0.name.raw) } else { nil }
        }
    }

    package mutating func pass(
        _ event: ModelEvent, _ arena: JSONArena, _ emit: (ModelEvent) -> Void
    ) {
        switch event {
        case .partOpened(let choice, .toolCall(let id, let name, false)) where isFreeText(name):
            held[choice] = []
            emit(.partOpened(choice: choice, .toolCall(id: id, name: name, isCustom: true)))
        case .delta(let choice, let text) where held[choice] != nil:
            guard held[choice, default: []].count + text.count <= Self.heldBytesMax else {
                return emit(.failed(Failure(.upstreamMalformed, "A tool call is too large.")))
            }
            held[choice, default: []].append(contentsOf: text.raw)
        case .partClosed(let choice):
            if let arguments = held.removeValue(forKey: choice) {
                arguments.withUnsafeBytes { arguments in
                    Self.read(ByteSlice(arguments), arena) {
                        if !$0.isEmpty { emit(.delta(choice: choice, $0)) }
                    }
                }
            }
            emit(event)
        default: emit(event)
        }
    }

    private func isFreeText(_ name: ByteSlice) -> Bool {
        names.contains { $0.withUnsafeBytes { ByteSlice($0) == name } }
    }

    /// What models make of it: the object that was asked for, one with another name in it, a mere
    /// string, or the text itself.
    private static func read(
        _ arguments: ByteSlice, _ arena: JSONArena, _ body: (ByteSlice) -> Void
    ) {
        if arguments.trimmed.isEmpty { return body(.empty) }
        guard let tree = try? arena.read(arguments) else { return body(arguments) }
        if let text = tree.root[FreeTextTools.input]?.string ?? tree.root.string {
            return body(text)
        }
        if tree.root.kind == .object, tree.root.count == 0 { return body(.empty) }
        for (_, value) in tree.root.members where tree.root.count == 1 {
            if let text = value.string { return body(text) }
        }
        body(arguments)
    }
}
