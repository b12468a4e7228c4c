// OpenAIRequestEncoder.swift — the head of a request to an OpenAI-compatible upstream.

import GatewayModel
import ReactorCore

/// The parts of an upstream request's head that do not change between requests, made once.
package struct OpenAIRequestEncoder: Sendable {
    private let chatHead: [UInt8]
    private let endOfFields: [UInt8]

    /// - Parameters:
    ///   - authority: the Host value.
    ///   - pathPrefix: the path of the base URL, without a slash at its end.
    ///   - headers: configured fields, already checked.
    package init(
        authority: String, pathPrefix: String, key: Secret,
        headers: [(name: String, value: Secret)],
        userAgent: String
    ) {
        var head = "POST \(pathPrefix)/chat/completions HTTP/1.1\r\nhost: \(authority)\r\n"
        head += "user-agent: \(userAgent)\r\naccept-encoding: identity\r\n"
        head += "content-type: application/json\r\n"
        if !key.isEmpty { head += "authorization: Bearer \(key.withBytes { $0.string })\r\n" }
        for header in headers {
            head += "\(header.name): \(header.value.withBytes { $0.string })\r\n"
        }
        chatHead = Array(head.utf8)
        endOfFields = Array("\r\n\r\n".utf8)
    }

    /// Appends the head of a chat completion request.
    ///
    /// - Parameter forwarded: whole field lines that the client's request carried along.
    package func appendChatHead(
        streams: Bool, contentLength: Int, forwarded: ByteSlice, to buffer: inout ByteBuffer
    ) {
        chatHead.withUnsafeBytes { buffer.append(ByteSlice($0)) }
        buffer.append(streams ? "accept: text/event-stream\r\n" : "accept: application/json\r\n")
        buffer.append(forwarded)
        buffer.append("content-length: " as StaticString)
        buffer.append(decimal: contentLength)
        endOfFields.withUnsafeBytes { buffer.append(ByteSlice($0)) }
    }
}
