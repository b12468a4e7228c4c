// Counters.swift — what a worker has done since it started. Plain integers on one thread.

/// Counts of one worker.
package struct Counters: Sendable {
    /// Requests whose head arrived.
    package var requests = 0
    /// Requests being served now.
    package var inFlight = 0
    /// Finished requests by the first digit of their status; 499 counts under `cancelled` alone.
    package var byClass = (informational: 0, success: 0, redirect: 0, client: 0, server: 0)
    /// Requests whose client left.
    package var cancelled = 0
    /// Streams begun.
    package var streams = 0
    /// Heartbeats written.
    package var heartbeats = 0
    /// Second attempts made.
    package var retries = 0
    /// Streams that ended in an in-band error.
    package var streamErrors = 0
    /// Repairs of tool calls.
    package var repairs = 0
    /// Tokens that upstreams reported.
    package var inputTokens = 0
    package var outputTokens = 0

    package init() {}

    /// Counts a finished request.
    package mutating func finished(status: Int) {
        inFlight -= 1
        switch status {
        case 499: cancelled += 1
        case 200..<300: byClass.success += 1
        case 300..<400: byClass.redirect += 1
        case 400..<500: byClass.client += 1
        default: byClass.server += 1
        }
    }
}
