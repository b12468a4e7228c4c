// ChatWire.swift — how the OpenAI dialect spells its fields. Every name stands here and nowhere
// else (Chat Completions reference; ../shared facts are in docs/wire-fidelity.md).

/// Field names of chat completions.
package enum ChatWire {
    package static let model: StaticString = "model"
    package static let messages: StaticString = "messages"
    package static let stream: StaticString = "stream"
    package static let streamOptions: StaticString = "stream_options"
    package static let includeUsage: StaticString = "include_usage"
    package static let tools: StaticString = "tools"
    package static let maxTokens: StaticString = "max_tokens"
    package static let maxCompletionTokens: StaticString = "max_completion_tokens"
    package static let user: StaticString = "user"

    package static let choices: StaticString = "choices"
    package static let finishReason: StaticString = "finish_reason"
    package static let index: StaticString = "index"
    package static let usage: StaticString = "usage"
    package static let promptTokens: StaticString = "prompt_tokens"
    package static let completionTokens: StaticString = "completion_tokens"
    package static let promptTokensDetails: StaticString = "prompt_tokens_details"
    package static let completionTokensDetails: StaticString = "completion_tokens_details"
    package static let cachedTokens: StaticString = "cached_tokens"
    package static let reasoningTokens: StaticString = "reasoning_tokens"

    package static let error: StaticString = "error"
    package static let message: StaticString = "message"
    package static let type: StaticString = "type"
    package static let code: StaticString = "code"
    package static let param: StaticString = "param"

    /// The payload of the event that ends a stream.
    package static let done: StaticString = "[DONE]"
}
