// ModelPaceCache.swift — what is known of the models that an upstream was asked for lately, so that
// lists and patterns are not gone through for every request. Bounded; owned by an Upstream.

import GatewayModel
import ReactorCore

final class ModelPaceCache {
    /// Models that are kept; another one takes the place of one of them.
    static let slotCount = 16

    private struct Slot {
        /// The client's name for the model, and the upstream's behind it.
        var names: [UInt8] = []
        var requestedCount = 0
        /// Of the lists that were looked at.
        var version = -1
        var pace = ModelPace()

        func holds(_ requested: ByteSlice, _ upstream: ByteSlice, _ version: Int) -> Bool {
            guard self.version == version, requestedCount == requested.count else { return false }
            return names.withUnsafeBytes {
                let names = ByteSlice($0)
                return names.prefix(requestedCount) == requested
                    && names.dropFirst(requestedCount) == upstream
            }
        }
    }

    /// Empty until somebody asks.
    private var slots: [Slot] = []

    /// What is known of a model, by `find` if it was not asked for lately.
    /// - Parameter version: of what `find` looks at beside the names.
    func pace(
        of requested: ByteSlice, upstream: ByteSlice, version: Int, or find: () -> ModelPace
    ) -> ModelPace {
        if slots.isEmpty { slots = Array(repeating: Slot(), count: Self.slotCount) }
        let place = Self.place(of: requested)
        if slots[place].holds(requested, upstream, version) { return slots[place].pace }
        var slot = Slot()
        slot.names = Array(requested.raw) + Array(upstream.raw)
        slot.requestedCount = requested.count
        slot.version = version
        slot.pace = find()
        slots[place] = slot
        return slot.pace
    }

    /// By the end of the name, where names of a family differ.
    private static func place(of name: ByteSlice) -> Int {
        var hash = name.count
        for index in max(0, name.count - 8)..<name.count { hash = hash &* 31 &+ Int(name[index]) }
        return hash & (slotCount - 1)
    }
}
