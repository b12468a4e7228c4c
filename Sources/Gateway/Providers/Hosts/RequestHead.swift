// RequestHead.swift — the head of every request to one provider: where it goes and what goes with
// each. Made once; the credential may be fixed or come with each request.
// Pure. Imported by Exchange and Config.

import GatewayModel
import ReactorCore

/// The parts of an upstream request's head that do not change between requests.
package struct RequestHead: Sendable {
    /// Where a credential stands in the head.
    package enum CredentialField: Sendable {
        /// `authorization: Bearer ...`
        case bearer
        /// `x-api-key: ...`
        case anthropicKey
        /// `x-goog-api-key: ...`
        case googleKey
        /// `cookie: access_token=...`
        case cookie

        fileprivate var prefix: StaticString {
            switch self {
            case .bearer: "authorization: Bearer "
            case .anthropicKey: "x-api-key: "
            case .googleKey: "x-goog-api-key: "
            case .cookie: "cookie: access_token="
            }
        }
    }

    /// Media types of answers.
    package static let json: StaticString = "application/json"
    package static let events: StaticString = "text/event-stream"
    package static let frames: StaticString = "application/vnd.amazon.eventstream"

    private let start: [UInt8]
    private let fixedFields: [UInt8]
    /// The same for a request without a body.
    private let bodilessFields: [UInt8]
    private let credential: CredentialField

    /// - Parameters:
    ///   - authority: the Host value.
    ///   - pathPrefix: the path of the base URL, without a slash at its end.
    ///   - key: a credential that never changes; empty where there is none or a token is lent.
    ///   - headers: configured fields, already checked.
    package init(
        authority: String, pathPrefix: String, key: Secret, credential: CredentialField = .bearer,
        headers: [(name: String, value: Secret)], userAgent: String
    ) {
        // A method of five bytes, blank included: see appendGet.
        start = Array("POST \(pathPrefix)".utf8)
        let version = " HTTP/1.1\r\nhost: \(authority)\r\nuser-agent: \(userAgent)\r\n"
        var fields = "accept-encoding: identity\r\n"
        if !key.isEmpty { fields += "\(credential.prefix)\(key.withBytes { $0.string })\r\n" }
        for header in headers {
            fields += "\(header.name): \(header.value.withBytes { $0.string })\r\n"
        }
        bodilessFields = Array((version + fields).utf8)
        fixedFields = Array((version + "content-type: application/json\r\n" + fields).utf8)
        self.credential = credential
    }

    /// A hash over all of it: two that are equal ask the same place with the same credential.
    package var identity: SHA256Digest {
        var hash = SHA256Hash()
        start.withUnsafeBytes { hash.update(ByteSlice($0)) }
        bodilessFields.withUnsafeBytes { hash.update(ByteSlice($0)) }
        return hash.finish()
    }

    /// Appends the head of a request without a body that asks for JSON.
    ///
    /// - Parameters:
    ///   - target: what stands behind the base URL's path.
    ///   - token: a credential lent for this request.
    ///   - fields: whole field lines.
    package func appendGet(
        target: ByteSlice, token: Secret? = nil, fields: ByteSlice = .empty,
        to buffer: inout ByteBuffer
    ) {
        buffer.append("GET " as StaticString)
        start.withUnsafeBytes { buffer.append(ByteSlice($0).dropFirst(5)) }
        buffer.append(target)
        bodilessFields.withUnsafeBytes { buffer.append(ByteSlice($0)) }
        if let token {
            buffer.append(credential.prefix)
            token.withBytes { buffer.append($0) }
            buffer.append("\r\n" as StaticString)
        }
        buffer.append("accept: application/json\r\n" as StaticString)
        buffer.append(fields)
        buffer.append("\r\n" as StaticString)
    }

    /// Appends the head of one request.
    ///
    /// - Parameters:
    ///   - target: what stands behind the base URL's path.
    ///   - accept: the media type of the answer that is asked for.
    ///   - token: a credential lent for this request.
    ///   - fields: whole field lines.
    package func append(
        target: ByteSlice, accept: StaticString, token: Secret? = nil, fields: ByteSlice,
        contentLength: Int, to buffer: inout ByteBuffer
    ) {
        start.withUnsafeBytes { buffer.append(ByteSlice($0)) }
        buffer.append(target)
        fixedFields.withUnsafeBytes { buffer.append(ByteSlice($0)) }
        if let token {
            buffer.append(credential.prefix)
            token.withBytes { buffer.append($0) }
            buffer.append("\r\n" as StaticString)
        }
        buffer.append("accept: " as StaticString)
        buffer.append(accept)
        buffer.append("\r\n" as StaticString)
        buffer.append(fields)
        buffer.append("content-length: " as StaticString)
        buffer.append(decimal: contentLength)
        buffer.append("\r\n\r\n" as StaticString)
    }
}
