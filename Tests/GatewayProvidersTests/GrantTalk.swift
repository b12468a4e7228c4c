// GrantTalk.swift — a grant in conversation with a scripted endpoint, and what the tests of all grants
// read out of it.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport

/// What an endpoint answers.
struct TokenReplyScript {
    var status = 200
    var fields: [(String, String)] = []
    var body = ""
}

struct GrantTalk {
    static let now = 1_767_225_600
    /// A key for all tests: making one takes time.
    static let key = TestKey(rsaBits: 2048)
    var grant: TokenGrant
    private(set) var sent: [TokenRequest] = []
    private(set) var end: TokenStep?

    init(_ grant: TokenGrant, random: UInt8 = 7) {
        self.grant = grant
        let bytes = [UInt8](repeating: random, count: TokenGrant.randomBytesCount)
        take(bytes.withUnsafeBytes { self.grant.begin(now: Self.now, random: ByteSlice($0)) })
    }

    mutating func answer(_ reply: TokenReplyScript) {
        var fields = TokenFields()
        for (name, value) in reply.fields {
            name.withByteSlice { name in value.withByteSlice { fields.add(name, $0) } }
        }
        take(
            reply.body.withByteSlice {
                grant.answered(
                    status: reply.status, fields: fields, body: $0, now: Self.now)
            })
    }

    mutating func answer(
        _ status: Int = 200, _ body: String = "", _ fields: [(String, String)] = []
    ) {
        answer(TokenReplyScript(status: status, fields: fields, body: body))
    }

    private mutating func take(_ step: TokenStep) {
        if case .send(let request) = step { sent.append(request) } else { end = step }
    }

    var token: AccessToken? { if case .done(let token) = end { token } else { nil } }
    var failure: TokenFailure? { if case .failed(let failure) = end { failure } else { nil } }
    /// The last request as bytes.
    var wire: String {
        var buffer = ByteBuffer()
        sent.last?.append(userAgent: "test", to: &buffer)
        return buffer.string
    }
}

extension TestKey {
    /// A signer with this key.
    var signer: RSASigner {
        get throws { try Self.signer(pem) }
    }

    private static func signer(_ pem: String) throws -> RSASigner {
        let bytes = Array(pem.utf8)
        return try bytes.withUnsafeBytes { try RSASigner(pem: ByteSlice($0)) }
    }
}

extension Secret {
    var text: String { withBytes { $0.string } }
}

/// A web token that nobody has signed.
func webToken(_ claims: String) -> String {
    var text = ByteBuffer()
    text.append("eyJhbGciOiJSUzI1NiJ9." as StaticString)
    claims.withByteSlice { Base64.url.encode($0, into: &text) }
    text.append(".c2ln" as StaticString)
    return text.string
}

/// The parts of a web token as JSON, and its signature.
func parts(of token: String) -> (header: String, claims: String, signature: [UInt8])? {
    let texts = token.split(separator: ".").map { part -> [UInt8] in
        var bytes = ByteBuffer()
        let isDecoded = String(part).withByteSlice { Base64.url.decode($0, into: &bytes) }
        return isDecoded ? bytes.array : []
    }
    guard texts.count == 3 else { return nil }
    return (
        String(decoding: texts[0], as: UTF8.self), String(decoding: texts[1], as: UTF8.self),
        texts[2]
    )
}
