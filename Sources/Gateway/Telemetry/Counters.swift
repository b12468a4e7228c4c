// Counters.swift — what a worker has done: words of one block, which only it writes and every worker
// reads, so that any of them can tell the sum. Where the block lies is the owner's matter.

import ReactorCore

/// Counts of one worker, by place in its block. What a worker leaves behind when it dies stays.
///
/// `@unchecked Sendable`: words are read and written atomically.
package struct Counters: @unchecked Sendable {
    /// Words of a block: whole cache lines, so that no two workers write to one.
    package static let wordCount = 32

    let first: AtomicWord

    /// The counters in the block that begins with `first`.
    package init(at first: AtomicWord) { self.first = first }

    /// Requests whose head arrived.
    package var requests: Int {
        get { first.value }
        nonmutating set { first.value = newValue }
    }

    /// Requests being served now.
    package var inFlight: Int {
        get { first.advanced(by: 1).value }
        nonmutating set { first.advanced(by: 1).value = newValue }
    }

    /// Requests whose client left.
    package var cancelled: Int {
        get { first.advanced(by: 2).value }
        nonmutating set { first.advanced(by: 2).value = newValue }
    }

    /// Streams begun.
    package var streams: Int {
        get { first.advanced(by: 3).value }
        nonmutating set { first.advanced(by: 3).value = newValue }
    }

    /// Heartbeats written.
    package var heartbeats: Int {
        get { first.advanced(by: 4).value }
        nonmutating set { first.advanced(by: 4).value = newValue }
    }

    /// Second attempts made.
    package var retries: Int {
        get { first.advanced(by: 5).value }
        nonmutating set { first.advanced(by: 5).value = newValue }
    }

    /// Streams that ended in an in-band error.
    package var streamErrors: Int {
        get { first.advanced(by: 6).value }
        nonmutating set { first.advanced(by: 6).value = newValue }
    }

    /// Tokens that upstreams reported.
    package var inputTokens: Int {
        get { first.advanced(by: 7).value }
        nonmutating set { first.advanced(by: 7).value = newValue }
    }

    /// Tokens that upstreams reported.
    package var outputTokens: Int {
        get { first.advanced(by: 8).value }
        nonmutating set { first.advanced(by: 8).value = newValue }
    }

    /// Repairs of tool calls.
    package var repairs: Int {
        get { first.advanced(by: 13).value }
        nonmutating set { first.advanced(by: 13).value = newValue }
    }

    /// Finished requests by the first digit of their status; 499 counts under `cancelled` alone.
    package var byClass: ByClass { ByClass(first: first.advanced(by: 9)) }

    /// Finished requests by class of status.
    package struct ByClass {
        fileprivate let first: AtomicWord

        package var success: Int {
            get { first.value }
            nonmutating set { first.value = newValue }
        }

        package var redirect: Int {
            get { first.advanced(by: 1).value }
            nonmutating set { first.advanced(by: 1).value = newValue }
        }

        package var client: Int {
            get { first.advanced(by: 2).value }
            nonmutating set { first.advanced(by: 2).value = newValue }
        }

        package var server: Int {
            get { first.advanced(by: 3).value }
            nonmutating set { first.advanced(by: 3).value = newValue }
        }
    }

    /// Counts a finished request.
    package func finished(status: Int) {
        inFlight -= 1
        switch status {
        case 499: cancelled += 1
        case 200..<300: byClass.success += 1
        case 300..<400: byClass.redirect += 1
        case 400..<500: byClass.client += 1
        default: byClass.server += 1
        }
    }

    /// The worker is dead: nothing is in flight there any more.
    package func workerDied() { inFlight = 0 }
}
