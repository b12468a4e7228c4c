// ChatWire.swift — every name of the OpenAI chat dialect, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// The chat completions dialect.
package enum ChatWire {
    // Request.
    package static let model: StaticString = "model"
    package static let messages: StaticString = "messages"
    package static let stream: StaticString = "stream"
    package static let streamOptions: StaticString = "stream_options"
    package static let includeUsage: StaticString = "include_usage"
    package static let tools: StaticString = "tools"
    package static let maxTokens: StaticString = "max_tokens"
    package static let maxCompletionTokens: StaticString = "max_completion_tokens"
    package static let user: StaticString = "user"

    // Response and chunk.
    package static let choices: StaticString = "choices"
    package static let index: StaticString = "index"
    package static let delta: StaticString = "delta"
    package static let role: StaticString = "role"
    package static let finishReason: StaticString = "finish_reason"
    package static let usage: StaticString = "usage"
    package static let promptTokens: StaticString = "prompt_tokens"
    package static let completionTokens: StaticString = "completion_tokens"
    package static let totalTokens: StaticString = "total_tokens"
    package static let promptTokensDetails: StaticString = "prompt_tokens_details"
    package static let cachedTokens: StaticString = "cached_tokens"
    package static let completionTokensDetails: StaticString = "completion_tokens_details"
    package static let reasoningTokens: StaticString = "reasoning_tokens"

    // Finish reasons.
    package static let stop: StaticString = "stop"
    package static let length: StaticString = "length"
    package static let toolCalls: StaticString = "tool_calls"
    package static let functionCall: StaticString = "function_call"
    package static let contentFilter: StaticString = "content_filter"

    /// The payload behind the last event of a stream.
    package static let done: StaticString = "[DONE]"
    /// The event that carries it.
    package static let doneEvent: StaticString = "data: [DONE]\n\n"

    // Asking for usage where the client did not: the member that is missing, with the comma that
    // leads to the next one or without.
    package static let usageObject: StaticString = #"{"include_usage":true}"#
    package static let usageMember: StaticString = #""include_usage":true"#
    package static let usageMemberComma: StaticString = #""include_usage":true,"#
    package static let optionsMemberComma: StaticString =
        #""stream_options":{"include_usage":true},"#
}
