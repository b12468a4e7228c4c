// LoopTimer.swift — a deadline that is cheap to move.

import ReactorCore

/// One deadline on a loop and what happens when it passes.
///
/// Moving a deadline later costs one store: the wheel is touched only when the earlier time comes,
/// and then the timer goes back in for what is left. So a connection can push its idle deadline
/// with every byte. The owner must keep the timer and `cancel` it before letting go.
public final class LoopTimer {
    private unowned(unsafe) let loop: EventLoop
    private let action: () -> Void
    private var id: TimerWheel.ID?
    private var scheduledAt = Instant.never
    /// When the action is due; `.never` while it is not.
    public private(set) var deadline = Instant.never

    /// A timer that is not set. `action` runs within a turn; it must not retain the owner.
    public init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    deinit { cancel() }

    /// Sets or moves the deadline; `.never` keeps the timer from firing.
    public func set(_ deadline: Instant) {
        self.deadline = deadline
        guard deadline < scheduledAt else { return }
        scheduledAt = deadline
        if let id, loop.wheel.reschedule(id, at: deadline) {
            loop.wakeUp(at: deadline)
            return
        }
        let payload = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
        id = loop.wheel.schedule(at: deadline, payload: payload)
        loop.wakeUp(at: deadline)
    }

    /// Takes the timer off the loop.
    public func cancel() {
        deadline = .never
        scheduledAt = .never
        guard let id else { return }
        self.id = nil
        _ = loop.wheel.cancel(id)
        loop.timerCancelled()
    }

    /// The wheel has given the timer another place.
    func renamed(_ id: TimerWheel.ID) { self.id = id }

    /// The wheel has given the timer out: due now, or set later in the meantime.
    func popped() {
        id = nil
        scheduledAt = .never
        let due = deadline
        guard due <= loop.now else {
            if due != .never { set(due) }
            return
        }
        deadline = .never
        action()
    }
}
