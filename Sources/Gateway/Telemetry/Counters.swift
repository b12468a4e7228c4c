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

    fileprivate subscript(place: Int) -> Int {
        get { first.advanced(by: place).value }
        nonmutating set { first.advanced(by: place).value = newValue }
    }

    /// Requests whose head arrived.
    package var requests: Int {
        get { self[0] }
        nonmutating set { self[0] = newValue }
    }

    /// Requests being served now.
    package var inFlight: Int {
        get { self[1] }
        nonmutating set { self[1] = newValue }
    }

    /// Requests whose client left.
    package var cancelled: Int {
        get { self[2] }
        nonmutating set { self[2] = newValue }
    }

    /// Streams begun.
    package var streams: Int {
        get { self[3] }
        nonmutating set { self[3] = newValue }
    }

    /// Heartbeats written.
    package var heartbeats: Int {
        get { self[4] }
        nonmutating set { self[4] = newValue }
    }

    /// Second attempts made.
    package var retries: Int {
        get { self[5] }
        nonmutating set { self[5] = newValue }
    }

    /// Streams that ended in an in-band error.
    package var streamErrors: Int {
        get { self[6] }
        nonmutating set { self[6] = newValue }
    }

    /// Tokens that upstreams reported.
    package var inputTokens: Int {
        get { self[7] }
        nonmutating set { self[7] = newValue }
    }

    /// Tokens that upstreams reported.
    package var outputTokens: Int {
        get { self[8] }
        nonmutating set { self[8] = newValue }
    }

    /// Repairs of tool calls.
    package var repairs: Int {
        get { self[13] }
        nonmutating set { self[13] = newValue }
    }

    /// Finished requests by the first digit of their status; 499 counts under `cancelled` alone.
    package var byClass: ByClass { ByClass(counters: self) }

    /// Finished requests by class of status.
    package struct ByClass {
        fileprivate let counters: Counters

        package var success: Int {
            get { counters[9] }
            nonmutating set { counters[9] = newValue }
        }

        package var redirect: Int {
            get { counters[10] }
            nonmutating set { counters[10] = newValue }
        }

        package var client: Int {
            get { counters[11] }
            nonmutating set { counters[11] = newValue }
        }

        package var server: Int {
            get { counters[12] }
            nonmutating set { counters[12] = newValue }
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
