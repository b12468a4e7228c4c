// ToolCallRepair+Whole.swift — sets a call right that is there as a whole, for callers that have no
// events of it: the bytes around it are to stay what they are.

import GatewayModel
import ReactorCore

/// A whole call as it may leave.
package struct MendedCall: ~Copyable {
    package fileprivate(set) var id = ByteBuffer()
    package fileprivate(set) var name = ByteBuffer()
    /// A JSON object; of a custom tool whatever it was. Where `isText`, all that is left of the call.
    package fileprivate(set) var arguments = ByteBuffer()
    /// It is beyond repair and goes on as text.
    package fileprivate(set) var isText = false
    package fileprivate(set) var hasNewID = false
    package fileprivate(set) var hasNewName = false
    package fileprivate(set) var hasNewArguments = false

    package init() {}

    fileprivate mutating func take(_ event: ModelEvent) {
        switch event {
        case .partOpened(_, .toolCall(let id, let name, _)):
            self.id.append(id)
            self.name.append(name)
        case .partOpened: isText = true
        case .delta(_, let text): arguments.append(text)
        default: break
        }
    }
}

extension ToolCallRepair {
    /// Sets a call right. A custom tool's arguments are free text.
    /// - Parameter mended: becomes the call as it may leave; its memory is used again.
    package mutating func mend(
        id: ByteSlice, name: ByteSlice, arguments: ByteSlice, isCustom: Bool = false,
        into mended: inout MendedCall
    ) {
        mended.id.removeAll()
        mended.name.removeAll()
        mended.arguments.removeAll()
        mended.isText = false
        let before = counts
        let start = PartStart.toolCall(id: id, name: name, isCustom: isCustom)
        pass(.partOpened(choice: 0, start)) { mended.take($0) }
        if !arguments.isEmpty { pass(.delta(choice: 0, arguments)) { mended.take($0) } }
        pass(.partClosed(choice: 0)) { mended.take($0) }
        mended.hasNewID = counts[.id] != before[.id]
        mended.hasNewName = counts[.name] != before[.name]
        // White space around it is no fault of a call's.
        mended.hasNewArguments =
            counts.mendedCount != before.mendedCount || arguments.isEmpty && !isCustom
    }
}
