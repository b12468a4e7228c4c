// TokenReply.swift — what the answers of token endpoints have in common: JSON with a token in it, or
// an error in OAuth's words. Pure. Invariant: no credential that was sent and no body gets into a
// failure, only the words of `error` and `error_description`, bounded.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum TokenReply {
    /// Bytes of an answer that are read.
    static let bodyBytesMax = 64 << 10
    /// Bytes of a provider's words that are repeated.
    private static let errorBytesMax = 64
    private static let descriptionBytesMax = 256

    /// The document of a good answer, which must be an object.
    static func object(
        _ body: ByteSlice, from endpoint: TokenEndpoint
    ) throws(TokenFailure) -> JSONTree {
        let tree: JSONTree
        do throws(JSONFailure) {
            guard body.count <= bodyBytesMax else {
                throw JSONFailure(kind: .tooLarge, offset: bodyBytesMax)
            }
            tree = try JSONArena().read(body, depthMax: 16)
        } catch {
            throw TokenFailure(
                .malformed, "\(endpoint.host) answered with what is not JSON (\(error))")
        }
        guard tree.root.kind == .object else {
            throw TokenFailure(.malformed, "\(endpoint.host) answered with what is no JSON object")
        }
        return tree
    }

    /// A member that must be a string, not empty.
    static func text(
        _ name: StaticString, of object: JSONValue, from endpoint: TokenEndpoint
    ) throws(TokenFailure) -> ByteSlice {
        guard let text = object[name]?.string, !text.isEmpty else {
            throw TokenFailure(.malformed, "\(endpoint.host) answered without '\(name)'")
        }
        return text
    }

    /// A token that may stand in a header field.
    static func token(
        _ text: ByteSlice, from endpoint: TokenEndpoint
    ) throws(TokenFailure) -> Secret {
        guard text.raw.allSatisfy(ASCII.isVisible) else {
            throw TokenFailure(
                .malformed, "\(endpoint.host) answered with a token that no header can carry")
        }
        return Secret(text)
    }

    /// A token that lives for `seconds` from now.
    static func accessToken(
        _ secret: Secret, lasting seconds: Int, now: Int, apiHost: String? = nil,
        from endpoint: TokenEndpoint
    ) throws(TokenFailure) -> AccessToken {
        guard seconds > 0 else {
            throw TokenFailure(
                .malformed, "\(endpoint.host) answered with a token that has run out already")
        }
        return AccessToken(
            secret: secret, createdAt: now,
            expiresAt: now + min(seconds, AccessToken.lifetimeMax), apiHost: apiHost)
    }

    /// Seconds, written as a number or as its digits.
    static func seconds(_ value: JSONValue?) -> Int? {
        guard let value else { return nil }
        if let whole = value.int ?? value.string?.decimalValue { return whole }
        return value.double.flatMap { Int(exactly: $0.rounded(.down)) }
    }

    // MARK: Failures

    /// An answer with another status than 200 or 201.
    ///
    /// - Parameter secrets: what was sent and is not to be repeated.
    static func failure(
        status: Int, fields: TokenFields, body: ByteSlice, secrets: [Secret],
        from endpoint: TokenEndpoint
    ) -> TokenFailure {
        let kind: TokenFailure.Kind
        switch status {
        case 300...399:
            return TokenFailure(
                .malformed,
                "\(endpoint.host) answered with a redirect (status \(status)), which is not followed"
            )
        case 429: kind = .rateLimited
        case 408, 500...599: kind = .fault
        case 400...499: kind = .refused
        default: kind = .malformed
        }
        var reason = "\(endpoint.host) answered with status \(status)"
        if let words = words(of: body, without: secrets) { reason += ": \(words)" }
        return TokenFailure(kind, reason, retryAfter: fields.retryAfter)
    }

    /// `error: error_description`, as far as they are there.
    private static func words(of body: ByteSlice, without secrets: [Secret]) -> String? {
        guard body.count <= bodyBytesMax, let tree = try? JSONArena().read(body, depthMax: 16),
            let error = tree.root[OAuthWire.error]?.string
        else { return nil }
        return words(
            error: error.string,
            description: tree.root[OAuthWire.errorDescription]?.string?.string, without: secrets)
    }

    /// The two as one text that a log line and an answer may hold.
    static func words(
        error: String, description: String?, without secrets: [Secret]
    ) -> String {
        let parts = [(error, errorBytesMax), (description ?? "", descriptionBytesMax)]
        return parts.map { text, bytesMax in
            // Erased before it is cut, so that no half of a credential is left over.
            plain(
                secrets.reduce(text) { text, secret in SecretEraser.erase(secret, from: text) },
                bytesMax: bytesMax)
        }.filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// On one line, of at most so many bytes.
    private static func plain(_ text: String, bytesMax: Int) -> String {
        var plain = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            let shown: Unicode.Scalar = isControl ? " " : scalar
            bytes += String(shown).utf8.count
            guard bytes <= bytesMax else { break }
            plain.unicodeScalars.append(shown)
        }
        return plain
    }
}

/// Reads the claims of a JSON web token (RFC 7519) without trusting them: it was not sent to us.
enum WebToken {
    /// Its `exp`, seconds since 1970, if it is a web token that has one.
    static func expiry(of token: ByteSlice) -> Int? {
        guard let first = token.firstIndex(of: 0x2E) else { return nil }
        let rest = token.dropFirst(first + 1)
        guard let second = rest.firstIndex(of: 0x2E),
            rest.dropFirst(second + 1).firstIndex(of: 0x2E) == nil
        else { return nil }
        var claims = ByteBuffer()
        guard Base64.url.decode(rest.prefix(second), into: &claims),
            let tree = try? JSONArena().read(claims.slice, depthMax: 16),
            let expiry = tree.root[JWTWire.expires],
            let seconds = expiry.int
                ?? expiry.double.flatMap({ Int(exactly: $0.rounded(.down)) }),
            // No arithmetic with it can overflow.
            (0...1 << 40).contains(seconds)
        else { return nil }
        return seconds
    }

    /// A signed assertion: header and claims as they are written by `claims`.
    static func assertion(
        signer: RSASigner, keyID: String? = nil, _ claims: (inout JSONWriter) -> Void
    ) throws(TokenFailure) -> Secret {
        var header = ByteBuffer()
        header.writeJSON {
            $0.beginObject()
            $0.field(JWTWire.algorithm, JWTWire.rs256)
            $0.field(JWTWire.type, JWTWire.jwt)
            if let keyID { $0.field(JWTWire.keyID, text: keyID) }
            $0.endObject()
        }
        var body = ByteBuffer()
        body.writeJSON {
            $0.beginObject()
            claims(&$0)
            $0.endObject()
        }
        var token = ByteBuffer()
        Base64.url.encode(header.slice, into: &token)
        token.append(0x2E as UInt8)
        Base64.url.encode(body.slice, into: &token)
        var signature = ByteBuffer()
        do throws(SigningKeyFailure) {
            try signer.sign(token.slice, into: &signature)
        } catch {
            throw TokenFailure(.refused, "\(error)")
        }
        token.append(0x2E as UInt8)
        Base64.url.encode(signature.slice, into: &token)
        return Secret(token.slice)
    }
}
