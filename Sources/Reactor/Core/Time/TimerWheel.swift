// TimerWheel.swift — many deadlines, one clock. Pure: handed the time, it hands out what is due.
// Imported by the event loop.
//
// Seven levels of 64 slots. A slot of level n spans 64^n ticks; a timer lives on the lowest level
// on which its deadline and the wheel's position still differ, and moves down as the position
// comes near:
//
//   level 0   |0|1|2| ... |63|         1 tick a slot, about 1 ms
//   level 1   |0|1|2| ... |63|        64 ticks
//   level 6   |0|1|2| ... |63|      64^6 ticks, about two years

/// A hierarchical timing wheel with a resolution of 2^20 ns (1.05 ms).
///
/// Invariants: a timer never fires early; every linked timer's slot has its bit set in the level's
/// map; an id names its timer until that fires or is cancelled and nothing afterwards.
public struct TimerWheel: ~Copyable {
    /// Names one timer; a stale id names nothing.
    public struct ID: Hashable, Sendable {
        let slot: UInt32
        let generation: UInt32
    }

    private struct Entry {
        var tick: UInt64 = 0
        var payload: UInt = 0
        var next: Int32 = -1
        var previous: Int32 = -1
        var generation: UInt32 = 0
        /// level * 64 + slot, or `unlinked`.
        var bucket: Int16 = -1
        var inUse = false
    }

    private static let levelCount = 7
    private static let unlinked: Int16 = -1
    private static let tickShift: UInt64 = 20

    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private var heads = [Int32](repeating: -1, count: levelCount * 64)
    private var maps = [UInt64](repeating: 0, count: levelCount)
    private var position: UInt64
    /// Timers scheduled and not yet fired or cancelled.
    public private(set) var count = 0

    /// A wheel whose position is `start`.
    public init(start: Instant) { position = start.nanoseconds >> Self.tickShift }

    // MARK: Scheduling

    /// Adds a timer. `.never` adds one that cannot fire but can be rescheduled.
    public mutating func schedule(at deadline: Instant, payload: UInt) -> ID {
        let slot: UInt32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = UInt32(entries.count)
            entries.append(Entry())
        }
        entries[Int(slot)].payload = payload
        entries[Int(slot)].inUse = true
        count += 1
        link(Int(slot), at: deadline)
        return ID(slot: slot, generation: entries[Int(slot)].generation)
    }

    /// Moves a timer. Returns false when it has fired or was cancelled.
    public mutating func reschedule(_ id: ID, at deadline: Instant) -> Bool {
        guard isLive(id) else { return false }
        unlink(Int(id.slot))
        link(Int(id.slot), at: deadline)
        return true
    }

    /// Removes a timer and returns its payload; nil when it has fired or was cancelled before.
    public mutating func cancel(_ id: ID) -> UInt? {
        guard isLive(id) else { return nil }
        unlink(Int(id.slot))
        return release(Int(id.slot))
    }

    private func isLive(_ id: ID) -> Bool {
        Int(id.slot) < entries.count && entries[Int(id.slot)].inUse
            && entries[Int(id.slot)].generation == id.generation
    }

    private mutating func release(_ slot: Int) -> UInt {
        entries[slot].inUse = false
        entries[slot].generation &+= 1
        free.append(UInt32(slot))
        count -= 1
        return entries[slot].payload
    }

    // MARK: Expiry

    /// Takes out one timer whose deadline is not after `now`; nil when there is none. Timers may
    /// be scheduled and cancelled between two calls.
    public mutating func popExpired(now: Instant) -> (id: ID, payload: UInt)? {
        let nowTick = now.nanoseconds >> Self.tickShift
        while let (bucket, tick) = nextBucket(), tick <= nowTick {
            position = max(position, tick)
            let slot = Int(heads[bucket])
            if bucket < 64 {
                let id = ID(slot: UInt32(slot), generation: entries[slot].generation)
                unlink(slot)
                return (id, release(slot))
            }
            moveDown(bucket)
        }
        position = max(position, nowTick)
        return nil
    }

    /// When `popExpired` must be called next at the latest; nil when no timer can fire.
    public func nextWake(after now: Instant) -> Instant? {
        guard let (_, tick) = nextBucket() else { return nil }
        return max(Instant(nanoseconds: tick << Self.tickShift), now)
    }

    /// The bucket that comes first and the tick at which it begins. Lower levels come first: what
    /// is on a higher one lies beyond the current round of those below.
    private func nextBucket() -> (bucket: Int, tick: UInt64)? {
        for level in 0..<Self.levelCount where maps[level] != 0 {
            let shift = UInt64(level * 6)
            let current = (position >> shift) & 63
            let ahead = maps[level] & (~0 << current)
            // A slot behind the current one cannot be occupied: it would differ on a higher level.
            precondition(ahead != 0, "a timer behind the wheel's position")
            let slot = UInt64(ahead.trailingZeroBitCount)
            let round = (position >> (shift + 6)) << (shift + 6)
            return (level * 64 + Int(slot), max(round | (slot << shift), position))
        }
        return nil
    }

    private mutating func moveDown(_ bucket: Int) {
        var slot = heads[bucket]
        heads[bucket] = -1
        maps[bucket >> 6] &= ~(1 << UInt64(bucket & 63))
        while slot >= 0 {
            let next = entries[Int(slot)].next
            insert(Int(slot))
            slot = next
        }
    }

    // MARK: Lists

    private mutating func link(_ slot: Int, at deadline: Instant) {
        entries[slot].bucket = Self.unlinked
        guard deadline != .never else { return }
        // Rounded up, so that it never fires early.
        let (up, overflow) = deadline.nanoseconds.addingReportingOverflow((1 << Self.tickShift) - 1)
        guard !overflow else { return }
        entries[slot].tick = max(up >> Self.tickShift, position)
        insert(slot)
    }

    /// Puts an unlinked entry where its tick belongs, seen from the current position.
    private mutating func insert(_ slot: Int) {
        let tick = entries[slot].tick
        let differing = (tick ^ position) | 63
        let level = (63 - differing.leadingZeroBitCount) / 6
        guard level < Self.levelCount else {
            entries[slot].bucket = Self.unlinked
            return
        }
        let place = Int((tick >> UInt64(level * 6)) & 63)
        let bucket = level * 64 + place
        entries[slot].bucket = Int16(bucket)
        entries[slot].previous = -1
        entries[slot].next = heads[bucket]
        if heads[bucket] >= 0 { entries[Int(heads[bucket])].previous = Int32(slot) }
        heads[bucket] = Int32(slot)
        maps[level] |= 1 << UInt64(place)
    }

    private mutating func unlink(_ slot: Int) {
        let bucket = Int(entries[slot].bucket)
        guard bucket >= 0 else { return }
        let (next, previous) = (entries[slot].next, entries[slot].previous)
        if next >= 0 { entries[Int(next)].previous = previous }
        if previous >= 0 { entries[Int(previous)].next = next } else { heads[bucket] = next }
        if heads[bucket] < 0 { maps[bucket >> 6] &= ~(1 << UInt64(bucket & 63)) }
        entries[slot].bucket = Self.unlinked
    }
}
