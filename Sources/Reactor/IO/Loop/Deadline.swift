// Deadline.swift — one deadline in a loop's wheel, inside whoever has it: of LoopTimer, and of every
// connection, which would be heavier and dearer with a timer object.

import ReactorCore

/// A deadline that is cheap to move: later costs one store. The wheel is touched only when the earlier
/// time comes, and then the deadline goes back in for what is left.
///
/// `payload` names the owner to the loop, which calls it when the wheel gives the deadline out.
struct Deadline {
    /// Its name in the wheel; 0 while it is in none.
    private var id: UInt64 = 0
    private var scheduledAt = Instant.never
    /// When it is due; `.never` while it is not.
    private(set) var time = Instant.never

    /// Whether the wheel knows of it.
    var isInWheel: Bool { id != 0 }

    /// Moves it; `.never` keeps it from being due. Returns whether the wheel must be told.
    @inline(__always)
    mutating func move(to time: Instant) -> Bool {
        self.time = time
        return time < scheduledAt
    }

    /// Tells the wheel.
    mutating func schedule(on loop: EventLoop, payload: UInt) {
        scheduledAt = time
        if id == 0 || !loop.wheel.reschedule(TimerWheel.ID(packed: id), at: time) {
            id = loop.wheel.schedule(at: time, payload: payload).packed
        }
        loop.wakeUp(at: time)
    }

    /// Takes it out of the wheel.
    mutating func cancel(on loop: EventLoop) {
        time = .never
        scheduledAt = .never
        guard id != 0 else { return }
        _ = loop.wheel.cancel(TimerWheel.ID(packed: id))
        id = 0
        loop.timerCancelled()
    }

    /// The wheel has given it another place.
    mutating func renamed(_ id: TimerWheel.ID) { self.id = id.packed }

    /// The wheel has given it out. Returns whether it is due; else it was moved in the meantime.
    mutating func popped(on loop: EventLoop, payload: UInt) -> Bool {
        id = 0
        scheduledAt = .never
        guard time <= loop.now else {
            if time != .never { schedule(on: loop, payload: payload) }
            return false
        }
        time = .never
        return true
    }
}

/// The owner of a deadline, as one word: its address, with the lowest bit for its kind.
enum DeadlineOwner {
    case timer(Unmanaged<LoopTimer>)
    case connection(Unmanaged<TCPConnection>)

    @inline(__always)
    init(payload: UInt) {
        let address = UnsafeRawPointer(bitPattern: payload & ~1).unsafelyUnwrapped
        self =
            payload & 1 == 0 ? .timer(.fromOpaque(address)) : .connection(.fromOpaque(address))
    }

    @inline(__always)
    var payload: UInt {
        switch self {
        case .timer(let timer): UInt(bitPattern: timer.toOpaque())
        case .connection(let connection): UInt(bitPattern: connection.toOpaque()) | 1
        }
    }
}
