// SalesforceText.swift — a message's parts as the one string that Salesforce's surfaces take.
// Pure. Only the two Salesforce encoders use it.

import GatewayModel
import ReactorCore

enum SalesforceText {
    /// Appends the text of `message`, its parts on lines of their own.
    /// - Throws: what text cannot say, by its place.
    static func append(
        _ message: Message, at index: Int, of request: ModelRequest, call: inout ProviderCall,
        to buffer: inout ByteBuffer
    ) throws(Failure) {
        let start = buffer.count
        for (place, part) in request.parts(of: message).enumerated() {
            let text: ByteSlice
            switch part.content {
            case .text(let words), .refusal(let words): text = words
            case .toolCall: continue
            case .reasoning:
                call.drop(.reasoningHistory)
                continue
            case .image: throw refusal("an image", index, place)
            case .audio: throw refusal("audio", index, place)
            case .file: throw refusal("a file", index, place)
            case .foreign: throw refusal("a part of this type", index, place)
            }
            if part.cacheControl != nil { call.drop(.cacheControl) }
            if buffer.count > start { buffer.append(ASCII.lf) }
            buffer.append(text)
        }
        if message.name != nil { call.drop(.participantName) }
    }

    private static func refusal(_ what: String, _ index: Int, _ place: Int) -> Failure {
        Failure(
            .unsupportedParameter,
            "This model's surface at Salesforce takes text only: messages[\(index)].content"
                + "[\(place)] is \(what).",
            parameter: "messages[\(index)].content[\(place)]")
    }
}
