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
    package static let temperature: StaticString = "temperature"
    package static let topP: StaticString = "top_p"
    package static let topK: StaticString = "top_k"
    package static let n: StaticString = "n"
    package static let seed: StaticString = "seed"
    package static let presencePenalty: StaticString = "presence_penalty"
    package static let frequencyPenalty: StaticString = "frequency_penalty"
    package static let logprobs: StaticString = "logprobs"
    package static let topLogprobs: StaticString = "top_logprobs"
    package static let logitBias: StaticString = "logit_bias"
    package static let toolChoice: StaticString = "tool_choice"
    package static let parallelToolCalls: StaticString = "parallel_tool_calls"
    package static let functions: StaticString = "functions"
    package static let responseFormat: StaticString = "response_format"
    package static let reasoningEffort: StaticString = "reasoning_effort"
    package static let chatTemplateKwargs: StaticString = "chat_template_kwargs"
    package static let enableThinking: StaticString = "enable_thinking"
    package static let doSample: StaticString = "do_sample"

    // Messages and their parts.
    package static let content: StaticString = "content"
    package static let name: StaticString = "name"
    package static let refusal: StaticString = "refusal"
    package static let toolCallID: StaticString = "tool_call_id"
    package static let type: StaticString = "type"
    package static let text: StaticString = "text"
    package static let imageURL: StaticString = "image_url"
    package static let url: StaticString = "url"
    package static let detail: StaticString = "detail"
    package static let inputAudio: StaticString = "input_audio"
    package static let data: StaticString = "data"
    package static let format: StaticString = "format"
    package static let file: StaticString = "file"
    package static let fileID: StaticString = "file_id"
    package static let fileData: StaticString = "file_data"
    package static let filename: StaticString = "filename"
    package static let audio: StaticString = "audio"
    /// SambaNova's word for a sound.
    package static let audioContent: StaticString = "audio_content"
    /// Anthropic's mark, which several servers take in this dialect, too.
    package static let cacheControl: StaticString = "cache_control"
    /// How Mistral's servers tell thoughts among the parts of an answer.
    package static let thinking: StaticString = "thinking"

    // Roles.
    package static let system: StaticString = "system"
    package static let developer: StaticString = "developer"
    package static let assistant: StaticString = "assistant"
    package static let tool: StaticString = "tool"

    // Tools.
    package static let function: StaticString = "function"
    package static let custom: StaticString = "custom"
    package static let description: StaticString = "description"
    package static let parameters: StaticString = "parameters"
    package static let strict: StaticString = "strict"
    package static let arguments: StaticString = "arguments"
    package static let input: StaticString = "input"
    package static let allowedTools: StaticString = "allowed_tools"
    package static let mode: StaticString = "mode"
    package static let auto: StaticString = "auto"
    package static let none: StaticString = "none"
    package static let required: StaticString = "required"

    // Forms of answers.
    package static let jsonObject: StaticString = "json_object"
    package static let jsonSchema: StaticString = "json_schema"
    package static let schema: StaticString = "schema"

    // Thoughts, which the dialect proper has no word for.
    package static let reasoningContent: StaticString = "reasoning_content"
    package static let reasoning: StaticString = "reasoning"
    package static let reasoningSignature: StaticString = "reasoning_signature"
    package static let reasoningRedacted: StaticString = "reasoning_redacted"
    package static let signature: StaticString = "signature"
    package static let extraContent: StaticString = "extra_content"
    package static let google: StaticString = "google"
    package static let thoughtSignature: StaticString = "thought_signature"

    // Response and chunk.
    package static let id: StaticString = "id"
    package static let object: StaticString = "object"
    package static let created: StaticString = "created"
    package static let completion: StaticString = "chat.completion"
    package static let chunk: StaticString = "chat.completion.chunk"
    package static let message: StaticString = "message"
    package static let annotations: StaticString = "annotations"
    package static let images: StaticString = "images"
    /// The stop text that was met, as vLLM tells it.
    package static let stopReason: StaticString = "stop_reason"
    package static let cacheWriteTokens: StaticString = "cache_write_tokens"
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
