// PoolMachine+Actions.swift — the names and answers of the connection pool's machine.
// Plain values without memory of their own, so that answering allocates nothing.

extension PoolMachine {
    /// Names one connection from the moment it is to be opened until it is closed.
    public struct ConnectionID: Hashable, Sendable {
        let slot: UInt32
        let generation: UInt32

        /// Where the connection lies among at most `openMax`; free again once it is closed.
        public var index: Int { Int(slot) }
    }

    /// Names one request from its arrival until it fails, is cancelled, or its lease ends.
    public struct RequestID: Hashable, Sendable {
        let slot: UInt32
        let generation: UInt32

        /// Where the request lies among those of the pool; free again once it has ended.
        public var index: Int { Int(slot) }
    }

    /// Why a request gets no connection.
    public enum Refusal: Equatable, Sendable {
        /// `waitingMax` requests wait already.
        case queueFull
        /// The pool takes no new requests.
        case draining
        /// It waited for `waitTime`.
        case waitTimedOut
    }

    /// What becomes of a request that has arrived.
    public enum Decision: Equatable, Sendable {
        /// Send it on this idle connection.
        case lease(ConnectionID)
        /// Open a connection of this name for it. `closing` is closed first, to make room.
        case connect(ConnectionID, closing: ConnectionID?)
        /// Hold it: a later answer will name it.
        case wait
        /// Fail it. Its name is stale already.
        case refuse(Refusal)
    }

    /// A connection to be opened for a request that has been waiting.
    public struct Connect: Equatable, Sendable {
        /// The connection's name.
        public let connection: ConnectionID
        /// The request it is bound to.
        public let request: RequestID
    }

    /// What to do with a connection that has just been opened.
    public enum Connected: Equatable, Sendable {
        /// Send this request on it.
        case lease(to: RequestID)
        /// Nothing in the pool goes by that name, or it is open already: close what was opened.
        case stale
    }

    /// What to do with a connection whose exchange is over, and what else that makes possible.
    public struct Released: Equatable, Sendable {
        /// What becomes of the connection.
        public enum Outcome: Equatable, Sendable {
            /// Send this request, which has been waiting, on it.
            case lease(to: RequestID)
            /// Keep it open.
            case keepIdle
            /// Close it; its name is stale already.
            case close
            /// Nothing was leased under that name.
            case stale
        }

        /// What becomes of the connection.
        public let outcome: Outcome
        /// A connection to open in the room that was freed.
        public let next: Connect?
    }

    /// What follows when a connection is lost.
    public struct Lost: Equatable, Sendable {
        /// The request that it was being opened for or leased to; ended, and to be told.
        public let request: RequestID?
        /// A connection to open in the room that was freed.
        public let next: Connect?
        /// Nothing in the pool went by that name.
        public let isStale: Bool
    }

    /// What to do when a request is given up.
    public struct Cancelled: Equatable, Sendable {
        /// What becomes of the connection bound to it.
        public enum Outcome: Equatable, Sendable {
            /// Nothing is to be done.
            case nothing
            /// Stop opening this connection; its name is stale already.
            case abortConnect(ConnectionID)
            /// Close this leased connection; its name is stale already.
            case close(ConnectionID)
            /// Nothing in the pool went by that name.
            case stale
        }

        /// What becomes of the connection bound to it.
        public let outcome: Outcome
        /// A connection to open in the room that was freed.
        public let next: Connect?
    }

    /// What the passing of time brings about.
    public enum Expired: Equatable, Sendable {
        /// Close this connection, idle for `idleTime`; its name is stale already.
        case close(ConnectionID)
        /// Fail this request; its name is stale already.
        case fail(RequestID, Refusal)
    }
}
