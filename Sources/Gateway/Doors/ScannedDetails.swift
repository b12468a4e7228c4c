// ScannedDetails.swift — places in a body that is passed on as it is, of what only those ask for who
// keep a record of requests. Nothing is checked of them, and they may come twice: the last counts.
// Pure; borrows nothing: ranges of the body. Shared by the scans of all doors; read by Exchange.

import GatewayCodec
import GatewayWire
import ReactorCore

/// Where a body says what a trace tells.
package struct ScannedDetails: Equatable, Sendable {
    /// A range of a body; empty where there is nothing. Bodies are below 4 GiB.
    package struct Place: Equatable, Sendable {
        private var start: UInt32 = 0
        private var end: UInt32 = 0

        fileprivate init() {}

        init(_ range: Range<Int>) {
            start = UInt32(truncatingIfNeeded: range.lowerBound)
            end = UInt32(truncatingIfNeeded: range.upperBound)
        }

        /// The bytes meant.
        @inline(__always)
        package func slice(of body: ByteSlice) -> ByteSlice {
            start < end && end <= body.count ? body[Int(start)..<Int(end)] : .empty
        }
    }

    /// The conversation: `messages`, `input`, `prompt`.
    package internal(set) var content = Place()
    /// What stands beside it: `system`, `instructions`.
    package internal(set) var system = Place()
    /// An object of the client's own.
    package internal(set) var metadata = Place()
    /// Numbers as they were written.
    package internal(set) var temperature = Place()
    package internal(set) var topP = Place()

    init() {}

    /// The names of the three that all dialects have in common, in the order of `take`.
    static let metadataName: StaticString = ResponsesWire.metadata
    static let temperatureName: StaticString = ChatWire.temperature
    static let topPName: StaticString = ChatWire.topP

    /// Takes the value of one of them by its place in that order.
    mutating func take(_ index: Int, _ value: JSONSpan) {
        switch index {
        case 0: metadata = value.kind == .object ? Place(value.range) : Place()
        case 1: temperature = value.kind == .number ? Place(value.range) : Place()
        default: topP = value.kind == .number ? Place(value.range) : Place()
        }
    }
}

/// What a trace tells of a request, in the client's own bytes; empty where it does not say so.
package struct TracedRequest {
    package let metadata: ByteSlice
    package let temperature: ByteSlice
    package let topP: ByteSlice
    /// The inside of a string, escapes as they stand.
    package let user: ByteSlice
    package let outputTokensMax: Int?

    @inline(__always)
    fileprivate init(
        _ details: ScannedDetails, _ user: Range<Int>?, _ outputTokensMax: Int?, _ body: ByteSlice
    ) {
        metadata = details.metadata.slice(of: body)
        temperature = details.temperature.slice(of: body)
        topP = details.topP.slice(of: body)
        self.user = user.map { body[$0.lowerBound + 1..<$0.upperBound - 1] } ?? .empty
        self.outputTokensMax = outputTokensMax
    }
}

extension DoorScan {
    package var details: ScannedDetails {
        switch self {
        case .chat(let scan): scan.details
        case .messages(let scan): scan.details
        case .responses(let scan): scan.details
        case .completions(let scan): scan.details
        case .embeddings(let scan): scan.details
        }
    }

    /// What a trace tells of the request that `body` is: at once, for to look into a scan copies it.
    package func traced(of body: ByteSlice) -> TracedRequest {
        if case .chat(let scan) = self {
            return TracedRequest(scan.details, scan.user, scan.outputTokensMax, body)
        }
        return TracedRequest(details, user, outputTokensMax, body)
    }

    /// The conversation that `body` holds, and what stands beside it.
    package func content(of body: ByteSlice) -> (content: ByteSlice, system: ByteSlice) {
        let details = details
        return (details.content.slice(of: body), details.system.slice(of: body))
    }

    /// The end user's name, quotes included, if it is a string.
    package var user: Range<Int>? {
        switch self {
        case .chat(let scan): scan.user
        case .messages(let scan): scan.user
        case .responses(let scan): scan.user
        case .completions(let scan): scan.user
        case .embeddings(let scan): scan.user
        }
    }
}
