// HTTPClientFailure+Sentence.swift — a failed call in words, for people who read a log or a terminal.
// Pure. Imported by whoever calls a server on the gateway's own account.

import GatewayModel
import Reactor

extension HTTPClientFailure {
    /// The sentence, without a full stop.
    package func sentence(host: String) -> String {
        switch self {
        case .unresolved: "the name \(host) was not found"
        case .refused("ETIMEDOUT"): "\(host) could not be reached in time"
        case .refused(let code): "\(host) could not be reached (\(code))"
        case .tls(let failure): "no secure connection to \(host): \(failure)"
        case .timedOut(let clock):
            "\(host) took too long: the \(Failure.Clock(clock).rawValue) time-out ran out"
        case .queueFull, .draining: "no connection to \(host) is free"
        case .lost, .truncated: "the connection to \(host) was lost"
        case .malformed, .http2, .unexpectedInterim: "\(host) does not speak HTTP"
        }
    }
}
