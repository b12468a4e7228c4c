// AnthropicRequestCheck.swift — what Anthropic's Messages have no word for and must not be left out
// in silence: a 400 that names the place.
// Pure. Runs before anything is written.

import GatewayModel
import ReactorCore

struct AnthropicRequestCheck {
    let request: ModelRequest
    let flavour: AnthropicProvider.Flavour
    let capabilities: AnthropicCapabilities

    func run() throws(Failure) {
        if request.choiceCount > 1 {
            throw unsupported("The provider gives one answer a request.", "n")
        }
        guard !request.messages.isEmpty else {
            throw Failure(
                .missingParameter, "There must be at least one message.", parameter: "messages")
        }
        for index in request.messages.indices { try check(messageAt: index) }
        for (index, tool) in request.tools.enumerated() { try check(tool, "tools[\(index)]") }
        if let place = request.prefill, !capabilities.allowsPrefill {
            throw unsupported(
                "The model does not go on from words of the assistant: the last message must be "
                    + "the user's or a tool's.", "messages[\(place)]")
        }
    }

    private func check(messageAt index: Int) throws(Failure) {
        let message = request.messages[index]
        for place in 0..<message.parts.count {
            let part = request.parts[message.parts.lowerBound + place]
            let problem: String?
            switch part.content {
            case .text, .refusal, .reasoning, .toolCall: problem = nil
            case .audio: problem = "The provider does not take audio."
            case .foreign(.messages, _): problem = nil
            case .foreign: problem = "The provider has no counterpart for this part."
            case .image(let media): problem = self.problem(media, in: message, isImage: true)
            case .file(let media):
                problem = self.problem(media, in: message, isImage: part.isImage)
            }
            if let problem {
                throw unsupported(problem, "messages[\(index)].content[\(place)]")
            }
        }
    }

    private func problem(_ media: Media, in message: Message, isImage: Bool) -> String? {
        if message.role == .assistant || message.role.isInstruction {
            return "The provider takes images and files from the user and from tools only."
        }
        switch media.source {
        case .url where !flavour.fetchesURLs:
            return "The provider does not fetch URLs: the data must be sent."
        case .url(let url):
            // Where a data URL could not be taken apart.
            return url.hasPrefix("http") ? nil : "The URL is neither of HTTP nor of base64 data."
        case .data(let data):
            if isImage || media.mediaType.isEmpty { return nil }
            if media.mediaType.equalsIgnoringCase("application/pdf") { return nil }
            guard media.isPlainText else {
                return "The provider takes files of text and of the type application/pdf only."
            }
            var text = ByteBuffer()
            return Base64.standard.decode(data, into: &text) ? nil : "The data are not base64."
        case .text: return isImage ? "An image cannot be text." : nil
        case .fileID: return nil
        }
    }

    private func check(_ tool: ToolDefinition, _ place: String) throws(Failure) {
        switch tool.kind {
        case .function, .foreign(.messages, _): return
        case .custom:
            throw unsupported("The provider has no tools with free text as input.", place)
        case .foreign: throw unsupported("The provider does not have this tool.", place)
        }
    }

    private func unsupported(_ message: String, _ parameter: String) -> Failure {
        Failure(.unsupportedParameter, message, parameter: parameter)
    }
}

extension Media {
    /// Whether it is a document of text, which the dialect wants as it is.
    var isPlainText: Bool { mediaType.hasPrefix("text/") }
}
