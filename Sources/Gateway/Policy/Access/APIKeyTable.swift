// APIKeyTable.swift — from a presented credential to who it is. Keys are configured as SHA-256 only; what
// a client has shown to be one is kept as it came, for the next request with it.

import GatewayModel
import ReactorCore

/// Who a request is made for.
package struct Principal: Equatable, Sendable {
    /// The key's name in the configuration; empty in open mode.
    package var name: String
    /// Model patterns that it may use; empty means all.
    package var models: [String]
    /// Whether it opens the administration's doors.
    package var isAdmin = false
    /// What it may do a minute and at once; nil: as it likes.
    package var limits: KeyLimits?

    /// Nobody in particular: open mode, or any credential in bearer mode.
    package static let anyone = Principal(name: "", models: [])

    package init(
        name: String, models: [String], isAdmin: Bool = false, limits: KeyLimits? = nil
    ) {
        self.name = name
        self.models = models
        self.isAdmin = isAdmin
        self.limits = limits
    }
}

/// How clients show that they may use the gateway.
package enum AccessMode: Sendable {
    /// Anyone may.
    case open
    /// Anyone who presents some credential.
    case bearer
    /// Holders of a configured key.
    case keys
}

/// The keys of one configuration.
package final class APIKeyTable {
    /// One configured key.
    package struct Entry: Sendable {
        package var principal: Principal
        package var hash: SHA256Digest

        package init(principal: Principal, hash: SHA256Digest) {
            self.principal = principal
            self.hash = hash
        }
    }

    package let mode: AccessMode
    private let entries: [Entry]
    private let patterns: [[NamePattern]]
    /// The names of all entries, one behind the other.
    private let names: ByteBuffer
    private let nameEnds: [Int]
    /// What has been found to be the key of each entry; empty where nothing has.
    private let presented: UnsafeMutablePointer<ByteBuffer>

    package init(mode: AccessMode, entries: [Entry]) {
        self.mode = mode
        self.entries = entries
        patterns = entries.map { $0.principal.models.map { NamePattern($0) } }
        var names = ByteBuffer()
        nameEnds = entries.map {
            names.append($0.principal.name)
            return names.count
        }
        self.names = names
        presented = .allocate(capacity: entries.count)
        for place in 0..<entries.count { (presented + place).initialize(to: ByteBuffer()) }
    }

    deinit {
        presented.deinitialize(count: entries.count)
        presented.deallocate()
    }

    /// A key's place in the table; `anyone` where no keys are asked for.
    package enum Admission: Equatable, Sendable {
        case anyone
        case key(Int)
        /// 401: no credential.
        case missing
        /// 401: not a credential of ours.
        case invalid
    }

    /// Judges a credential. Every entry is compared, each in constant time, so that the answer's
    /// time tells nothing about which key came close.
    package func admit(_ credential: ByteSlice?) -> Admission {
        switch mode {
        case .open:
            return .anyone
        case .bearer:
            guard let credential, !credential.isEmpty else { return .missing }
            return .anyone
        case .keys:
            guard let credential, !credential.isEmpty else { return .missing }
            let hash = SHA256Digest(of: credential)
            var found = -1
            for (index, entry) in entries.enumerated() where entry.hash == hash {
                found = index
            }
            return found < 0 ? .invalid : .key(found)
        }
    }

    /// Judges a credential, of which `known` says what was found last where it comes from: clients
    /// repeat theirs, and to compare it with what they sent before is cheaper than to digest it.
    /// Where that was another table's, it is only slower.
    ///
    /// - Parameter known: 0 at first; belongs to this function.
    package func admit(_ credential: ByteSlice, known: inout Int) -> Admission {
        if known > 0, known <= entries.count,
            Self.isSame(presented[known - 1].slice, credential)
        {
            return .key(known - 1)
        }
        let admission = admit(credential)
        if case .key(let place) = admission {
            known = place + 1
            if presented[place].isEmpty { presented[place].append(credential) }
        }
        return admission
    }

    /// Whether two credentials are one, in a time that tells no more than their lengths. Short ones
    /// are left to the digest.
    @inline(__always)
    private static func isSame(_ left: ByteSlice, _ right: ByteSlice) -> Bool {
        let count = left.count
        guard count >= 16, count == right.count else { return false }
        let (a, b) = (UnsafeRawPointer(left.base), UnsafeRawPointer(right.base))
        // Sixteen at a time, the last sixteen perhaps a second time.
        let last = count &- 16
        var index = 0
        var differing = words(a, last) ^ words(b, last)
        while index < last {
            differing |= words(a, index) ^ words(b, index)
            index &+= 16
        }
        return differing[0] | differing[1] == 0
    }

    @inline(__always)
    private static func words(_ base: UnsafeRawPointer, _ offset: Int) -> SIMD2<UInt64> {
        base.loadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
    }

    /// Who was admitted.
    package func principal(_ admission: Admission) -> Principal {
        if case .key(let index) = admission { return entries[index].principal }
        return .anyone
    }

    /// The name of who was admitted; lives as long as the table.
    package func name(_ admission: Admission) -> ByteSlice {
        guard case .key(let index) = admission else { return .empty }
        return names.slice[(index == 0 ? 0 : nameEnds[index - 1])..<nameEnds[index]]
    }

    /// Whether that key opens the administration's doors; where no keys are asked for, all may.
    package func isAdmin(_ admission: Admission) -> Bool {
        switch admission {
        case .anyone: true
        case .key(let index): entries[index].principal.isAdmin
        case .missing, .invalid: false
        }
    }

    /// The limits of who was admitted, if there are any.
    package func limits(_ admission: Admission) -> KeyLimits? {
        if case .key(let index) = admission { return entries[index].principal.limits }
        return nil
    }

    /// All keys that have a budget.
    package var budgeted: [Principal] {
        entries.map(\.principal).filter { $0.limits?.budget != nil }
    }

    /// Whether that key may use `model`.
    package func allows(_ admission: Admission, model: ByteSlice) -> Bool {
        guard case .key(let index) = admission, !patterns[index].isEmpty else { return true }
        return patterns[index].contains { $0.matches(model) }
    }
}
