// TokenGrant.swift — every way to an access token, behind one switch. Pure. Imported by Config, which
// makes one, and by Exchange, which runs it.

import GatewayModel
import ReactorCore

/// How a token is obtained: one or several requests, from the beginning each time.
package enum TokenGrant {
    case salesforce(SalesforceGrant)
    case google(GoogleGrant)
    case sambaNova(SambaNovaLogin)

    /// Random bytes that `begin` is handed.
    package static let randomBytesCount = SambaNovaLogin.randomBytesCount
    /// Bytes of an answer's body that a grant reads.
    package static let bodyBytesMax = TokenReply.bodyBytesMax

    /// Where the first request goes.
    package var endpoint: TokenEndpoint {
        switch self {
        case .salesforce(let grant): grant.endpoint
        case .google(let grant): grant.endpoint
        case .sambaNova(let login): login.endpoint
        }
    }

    /// A hash over what tells this credential from any other: two that are equal may share tokens.
    package var identity: SHA256Digest {
        let parts =
            switch self {
            case .salesforce(let grant): grant.identity
            case .google(let grant): grant.identity
            case .sambaNova(let login): login.identity
            }
        var text = ByteBuffer()
        for part in parts {
            // With its length, so that no two lists come to the same text.
            text.append(decimal: part.utf8.count)
            text.append(ASCII.colon)
            text.append(part)
        }
        return SHA256Digest(of: text.slice)
    }

    /// Begins anew.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - random: `randomBytesCount` bytes that nobody can foretell.
    package mutating func begin(now: Int, random: ByteSlice) -> TokenStep {
        precondition(random.count == Self.randomBytesCount, "not the random bytes of one grant")
        switch self {
        case .salesforce(var grant):
            defer { self = .salesforce(grant) }
            return grant.begin(now: now)
        case .google(var grant):
            defer { self = .google(grant) }
            return grant.begin(now: now)
        case .sambaNova(var login):
            defer { self = .sambaNova(login) }
            return login.begin(random: random)
        }
    }

    /// The last request was answered.
    ///
    /// - Parameter body: at most `bodyBytesMax` bytes.
    package mutating func answered(
        status: Int, fields: TokenFields, body: ByteSlice, now: Int
    ) -> TokenStep {
        switch self {
        case .salesforce(var grant):
            defer { self = .salesforce(grant) }
            return grant.answered(status: status, fields: fields, body: body, now: now)
        case .google(var grant):
            defer { self = .google(grant) }
            return grant.answered(status: status, fields: fields, body: body, now: now)
        case .sambaNova(var login):
            defer { self = .sambaNova(login) }
            return login.answered(status: status, fields: fields, body: body, now: now)
        }
    }
}
