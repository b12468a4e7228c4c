// LoopedRequest.swift — a request of which an answer may need several rounds, kept for as long as it is
// being answered. Owns what the request borrows from.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The documents that a request was decoded from.
final class RequestDocuments {
    let tree: JSONTree
    private let recalled: JSONTree?

    /// - Parameter recalled: what the store had of the conversation.
    init(_ tree: consuming JSONTree, recalled: consuming JSONTree?) {
        self.tree = tree
        self.recalled = recalled
    }

    var recalledRoot: JSONValue? {
        switch recalled {
        case .some(let tree): tree.root
        case .none: nil
        }
    }
}

/// A request to which every round adds.
final class LoopedRequest {
    private let documents: RequestDocuments
    var request: ModelRequest
    /// Fields of the client's that go on to the upstream, each time.
    let forwarded: ByteBuffer

    init(_ request: ModelRequest, _ documents: RequestDocuments, forwarded: ByteSlice) {
        self.request = request
        self.documents = documents
        var kept = ByteBuffer()
        kept.append(forwarded)
        self.forwarded = kept
    }
}
