// ResponsesWire.swift — every name of the OpenAI Responses dialect, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// The Responses dialect.
package enum ResponsesWire {
    // Request.
    package static let model: StaticString = "model"
    package static let input: StaticString = "input"
    package static let instructions: StaticString = "instructions"
    package static let maxOutputTokens: StaticString = "max_output_tokens"
    package static let maxToolCalls: StaticString = "max_tool_calls"
    package static let temperature: StaticString = "temperature"
    package static let topP: StaticString = "top_p"
    package static let topLogprobs: StaticString = "top_logprobs"
    package static let tools: StaticString = "tools"
    package static let toolChoice: StaticString = "tool_choice"
    package static let parallelToolCalls: StaticString = "parallel_tool_calls"
    package static let previousResponseID: StaticString = "previous_response_id"
    package static let conversation: StaticString = "conversation"
    package static let prompt: StaticString = "prompt"
    package static let store: StaticString = "store"
    package static let background: StaticString = "background"
    package static let stream: StaticString = "stream"
    package static let streamOptions: StaticString = "stream_options"
    package static let text: StaticString = "text"
    package static let reasoning: StaticString = "reasoning"
    package static let include: StaticString = "include"
    package static let truncation: StaticString = "truncation"
    package static let metadata: StaticString = "metadata"
    package static let user: StaticString = "user"
    package static let safetyIdentifier: StaticString = "safety_identifier"
    package static let promptCacheKey: StaticString = "prompt_cache_key"
    package static let serviceTier: StaticString = "service_tier"

    // Its inner objects.
    package static let format: StaticString = "format"
    package static let verbosity: StaticString = "verbosity"
    package static let schema: StaticString = "schema"
    package static let strict: StaticString = "strict"
    package static let description: StaticString = "description"
    package static let parameters: StaticString = "parameters"
    package static let effort: StaticString = "effort"
    package static let summary: StaticString = "summary"
    package static let generateSummary: StaticString = "generate_summary"
    package static let mode: StaticString = "mode"
    package static let auto: StaticString = "auto"
    package static let none: StaticString = "none"
    package static let required: StaticString = "required"
    package static let disabled: StaticString = "disabled"
    package static let allowedTools: StaticString = "allowed_tools"
    package static let function: StaticString = "function"
    package static let custom: StaticString = "custom"
    /// Tools in a group, and the group of a call's tool.
    package static let namespace: StaticString = "namespace"
    package static let jsonObject: StaticString = "json_object"
    package static let jsonSchema: StaticString = "json_schema"
    package static let includeEncrypted: StaticString = "reasoning.encrypted_content"
    package static let includeLogprobs: StaticString = "message.output_text.logprobs"

    // Items and their parts.
    package static let type: StaticString = "type"
    package static let id: StaticString = "id"
    package static let role: StaticString = "role"
    package static let content: StaticString = "content"
    package static let status: StaticString = "status"
    package static let callID: StaticString = "call_id"
    package static let name: StaticString = "name"
    package static let arguments: StaticString = "arguments"
    package static let output: StaticString = "output"
    package static let encryptedContent: StaticString = "encrypted_content"
    package static let refusal: StaticString = "refusal"
    package static let annotations: StaticString = "annotations"
    package static let logprobs: StaticString = "logprobs"
    package static let imageURL: StaticString = "image_url"
    package static let url: StaticString = "url"
    package static let detail: StaticString = "detail"
    package static let fileID: StaticString = "file_id"
    package static let fileData: StaticString = "file_data"
    package static let fileURL: StaticString = "file_url"
    package static let filename: StaticString = "filename"
    package static let inputAudio: StaticString = "input_audio"
    package static let data: StaticString = "data"
    package static let result: StaticString = "result"
    // Google's proof of thought, where its own compatible surface puts it.
    package static let extraContent: StaticString = "extra_content"
    package static let google: StaticString = "google"
    package static let thoughtSignature: StaticString = "thought_signature"

    // Response.
    package static let object: StaticString = "object"
    package static let response: StaticString = "response"
    package static let createdAt: StaticString = "created_at"
    package static let error: StaticString = "error"
    package static let code: StaticString = "code"
    package static let message: StaticString = "message"
    package static let incompleteDetails: StaticString = "incomplete_details"
    package static let reason: StaticString = "reason"
    package static let usage: StaticString = "usage"
    package static let inputTokens: StaticString = "input_tokens"
    package static let inputTokensDetails: StaticString = "input_tokens_details"
    package static let cachedTokens: StaticString = "cached_tokens"
    package static let cacheWriteTokens: StaticString = "cache_write_tokens"
    package static let outputTokens: StaticString = "output_tokens"
    package static let outputTokensDetails: StaticString = "output_tokens_details"
    package static let reasoningTokens: StaticString = "reasoning_tokens"
    package static let totalTokens: StaticString = "total_tokens"

    // Events.
    package static let sequenceNumber: StaticString = "sequence_number"
    package static let outputIndex: StaticString = "output_index"
    package static let contentIndex: StaticString = "content_index"
    package static let summaryIndex: StaticString = "summary_index"
    package static let itemID: StaticString = "item_id"
    package static let item: StaticString = "item"
    package static let part: StaticString = "part"
    package static let delta: StaticString = "delta"

    /// Roles of messages.
    package enum Role {
        package static let user: StaticString = "user"
        package static let assistant: StaticString = "assistant"
        package static let system: StaticString = "system"
        package static let developer: StaticString = "developer"
    }

    /// Types of items.
    package enum Item {
        package static let message: StaticString = "message"
        package static let reasoning: StaticString = "reasoning"
        package static let functionCall: StaticString = "function_call"
        package static let functionCallOutput: StaticString = "function_call_output"
        package static let customCall: StaticString = "custom_tool_call"
        package static let customCallOutput: StaticString = "custom_tool_call_output"
        package static let reference: StaticString = "item_reference"
        package static let imageGeneration: StaticString = "image_generation_call"
        package static let webSearch: StaticString = "web_search_call"
        package static let fileSearch: StaticString = "file_search_call"
        package static let codeInterpreter: StaticString = "code_interpreter_call"
        package static let mcpCall: StaticString = "mcp_call"
        package static let mcpListTools: StaticString = "mcp_list_tools"
        package static let toolSearch: StaticString = "tool_search_call"
        package static let toolSearchOutput: StaticString = "tool_search_output"
    }

    /// Types of parts.
    package enum Part {
        package static let inputText: StaticString = "input_text"
        package static let outputText: StaticString = "output_text"
        package static let text: StaticString = "text"
        package static let refusal: StaticString = "refusal"
        package static let inputImage: StaticString = "input_image"
        package static let screenshot: StaticString = "computer_screenshot"
        package static let inputFile: StaticString = "input_file"
        package static let inputAudio: StaticString = "input_audio"
        package static let summaryText: StaticString = "summary_text"
        package static let reasoningText: StaticString = "reasoning_text"
    }

    /// Statuses of responses and items.
    package enum Status {
        package static let inProgress: StaticString = "in_progress"
        package static let completed: StaticString = "completed"
        package static let incomplete: StaticString = "incomplete"
        package static let failed: StaticString = "failed"
    }

    /// Why a response is incomplete.
    package enum Reason {
        package static let maxOutputTokens: StaticString = "max_output_tokens"
        package static let contentFilter: StaticString = "content_filter"
    }

    /// Codes of a response's error, of which the dialect has a closed list.
    package enum ErrorCode {
        package static let server: StaticString = "server_error"
        package static let rateLimit: StaticString = "rate_limit_exceeded"
        package static let invalidPrompt: StaticString = "invalid_prompt"
        package static let previousNotFound: StaticString = "previous_response_not_found"
    }

    /// Types of events.
    package enum Event {
        package static let created: StaticString = "response.created"
        package static let inProgress: StaticString = "response.in_progress"
        package static let completed: StaticString = "response.completed"
        package static let incomplete: StaticString = "response.incomplete"
        package static let failed: StaticString = "response.failed"
        package static let error: StaticString = "error"
        package static let itemAdded: StaticString = "response.output_item.added"
        package static let itemDone: StaticString = "response.output_item.done"
        package static let partAdded: StaticString = "response.content_part.added"
        package static let partDone: StaticString = "response.content_part.done"
        package static let textDelta: StaticString = "response.output_text.delta"
        package static let textDone: StaticString = "response.output_text.done"
        package static let refusalDelta: StaticString = "response.refusal.delta"
        package static let refusalDone: StaticString = "response.refusal.done"
        package static let argumentsDelta: StaticString = "response.function_call_arguments.delta"
        package static let argumentsDone: StaticString = "response.function_call_arguments.done"
        package static let customDelta: StaticString = "response.custom_tool_call_input.delta"
        package static let customDone: StaticString = "response.custom_tool_call_input.done"
        package static let summaryPartAdded: StaticString = "response.reasoning_summary_part.added"
        package static let summaryPartDone: StaticString = "response.reasoning_summary_part.done"
        package static let summaryTextDelta: StaticString = "response.reasoning_summary_text.delta"
        package static let summaryTextDone: StaticString = "response.reasoning_summary_text.done"
        package static let imageInProgress: StaticString =
            "response.image_generation_call.in_progress"
        package static let imageCompleted: StaticString = "response.image_generation_call.completed"
        /// How the types of all events end that carry a piece of an answer.
        package static let deltaSuffix: StaticString = ".delta"
    }
}
