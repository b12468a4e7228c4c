// SignalWatcher.swift — a Unix signal as an event of the loop.

import CUV
import ReactorCore

/// Calls back within a turn whenever a signal arrives, until it is closed.
public final class SignalWatcher {
    private unowned(unsafe) let loop: EventLoop
    private let handle: UnsafeMutablePointer<uv_signal_t>
    private let action: () -> Void
    private var isClosed = false

    /// Watches `number` (e.g. SIGTERM). Does not keep the loop alive.
    public init(_ loop: EventLoop, number: Int32, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
        handle = .allocate(capacity: 1)
        uv_signal_init(loop.uv, handle)
        handle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        uv_signal_start(
            handle,
            { handle, _ in
                Unmanaged<SignalWatcher>.fromOpaque(handle.unsafelyUnwrapped.pointee.data)
                    ._withUnsafeGuaranteedRef { watcher in
                        watcher.loop.withTurn { watcher.action() }
                    }
            }, number)
        uv_unref(cuv_signal_handle(handle))
    }

    /// Stops watching.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        uv_close(cuv_signal_handle(handle)) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<SignalWatcher>.fromOpaque(data)._withUnsafeGuaranteedRef {
                $0.handle.deallocate()
            }
            Unmanaged<SignalWatcher>.fromOpaque(data).release()
        }
    }
}
