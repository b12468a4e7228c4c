// MessagesWire.swift — every name of Anthropic's Messages dialect, spelled once.
// Constants only: no meaning, no decisions. Imported by doors and providers.

/// The Messages dialect.
package enum MessagesWire {
    /// Behind the base URL.
    package static let target: StaticString = "/v1/messages"
    package static let countTarget: StaticString = "/v1/messages/count_tokens"

    // Fields of the head.
    package static let versionField: StaticString = "anthropic-version"
    package static let betaField: StaticString = "anthropic-beta"

    // Request.
    package static let model: StaticString = "model"
    package static let messages: StaticString = "messages"
    package static let system: StaticString = "system"
    package static let maxTokens: StaticString = "max_tokens"
    package static let stream: StaticString = "stream"
    package static let temperature: StaticString = "temperature"
    package static let topP: StaticString = "top_p"
    package static let topK: StaticString = "top_k"
    package static let stopSequences: StaticString = "stop_sequences"
    package static let metadata: StaticString = "metadata"
    package static let userID: StaticString = "user_id"
    package static let tools: StaticString = "tools"
    package static let toolChoice: StaticString = "tool_choice"
    package static let disableParallelToolUse: StaticString = "disable_parallel_tool_use"
    package static let thinking: StaticString = "thinking"
    package static let budgetTokens: StaticString = "budget_tokens"
    package static let display: StaticString = "display"
    package static let outputConfig: StaticString = "output_config"
    package static let effort: StaticString = "effort"
    package static let format: StaticString = "format"
    package static let schema: StaticString = "schema"
    package static let cacheControl: StaticString = "cache_control"
    /// Of the hosts that take version and betas in the body.
    package static let anthropicVersion: StaticString = "anthropic_version"
    package static let anthropicBeta: StaticString = "anthropic_beta"
    /// Members of a request that are taken with a beta only.
    package static let betaMembers: [StaticString] = [
        "context_management", "mcp_servers", "speed",
    ]

    // Tools.
    package static let name: StaticString = "name"
    package static let description: StaticString = "description"
    package static let inputSchema: StaticString = "input_schema"
    package static let strict: StaticString = "strict"

    // Messages and blocks.
    package static let role: StaticString = "role"
    package static let content: StaticString = "content"
    package static let type: StaticString = "type"
    package static let text: StaticString = "text"
    package static let source: StaticString = "source"
    package static let mediaType: StaticString = "media_type"
    package static let data: StaticString = "data"
    package static let url: StaticString = "url"
    package static let fileID: StaticString = "file_id"
    package static let title: StaticString = "title"
    package static let id: StaticString = "id"
    package static let input: StaticString = "input"
    package static let toolUseID: StaticString = "tool_use_id"
    package static let isError: StaticString = "is_error"
    package static let signature: StaticString = "signature"

    // Response and stream.
    package static let stopReason: StaticString = "stop_reason"
    package static let stopSequence: StaticString = "stop_sequence"
    package static let usage: StaticString = "usage"
    package static let inputTokens: StaticString = "input_tokens"
    package static let outputTokens: StaticString = "output_tokens"
    package static let cacheCreationTokens: StaticString = "cache_creation_input_tokens"
    package static let cacheReadTokens: StaticString = "cache_read_input_tokens"
    package static let outputTokensDetails: StaticString = "output_tokens_details"
    package static let thinkingTokens: StaticString = "thinking_tokens"
    package static let message: StaticString = "message"
    package static let index: StaticString = "index"
    package static let contentBlock: StaticString = "content_block"
    package static let delta: StaticString = "delta"
    package static let partialJSON: StaticString = "partial_json"

    /// A heartbeat that clients of this dialect count as data.
    package static let pingEvent: StaticString = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

    package static let messageIDPrefix: StaticString = "msg_"
    package static let callIDPrefix: StaticString = "toolu_"
    /// Begins a first instruction that is meant for Anthropic's own accounts.
    package static let attribution: StaticString = "x-anthropic-billing-header:"
    /// The signature of a thought that its provider did not sign: our own word, base64 like others.
    package static let unsigned: StaticString = "Z2F0ZXdheS11bnNpZ25lZA=="

    /// Where arguments that are no object are kept: our own word.
    package static let rawInput: StaticString = "_raw"

    /// What a tool's schema must say.
    package enum JSONSchema {
        package static let type: StaticString = "type"
        package static let object: StaticString = "object"
        package static let properties: StaticString = "properties"
        package static let required: StaticString = "required"
    }

    package enum Role {
        package static let user: StaticString = "user"
        package static let assistant: StaticString = "assistant"
        package static let system: StaticString = "system"
    }

    /// Kinds of content blocks.
    package enum Block {
        package static let text: StaticString = "text"
        package static let image: StaticString = "image"
        package static let document: StaticString = "document"
        package static let toolUse: StaticString = "tool_use"
        package static let toolResult: StaticString = "tool_result"
        package static let thinking: StaticString = "thinking"
        package static let redactedThinking: StaticString = "redacted_thinking"
    }

    /// Kinds of sources of images and documents.
    package enum Source {
        package static let base64: StaticString = "base64"
        package static let url: StaticString = "url"
        package static let file: StaticString = "file"
        package static let text: StaticString = "text"
        package static let content: StaticString = "content"
    }

    package enum Choice {
        package static let auto: StaticString = "auto"
        package static let any: StaticString = "any"
        package static let tool: StaticString = "tool"
        package static let none: StaticString = "none"
    }

    package enum Thinking {
        package static let enabled: StaticString = "enabled"
        package static let adaptive: StaticString = "adaptive"
        package static let disabled: StaticString = "disabled"
        package static let summarized: StaticString = "summarized"
        package static let omitted: StaticString = "omitted"
    }

    /// A tool that the caller describes, and a form of output.
    package static let customTool: StaticString = "custom"
    package static let jsonSchema: StaticString = "json_schema"

    /// Names of events, which their data repeats as `type`.
    package enum Event {
        package static let messageStart: StaticString = "message_start"
        package static let blockStart: StaticString = "content_block_start"
        package static let blockDelta: StaticString = "content_block_delta"
        package static let blockStop: StaticString = "content_block_stop"
        package static let messageDelta: StaticString = "message_delta"
        package static let messageStop: StaticString = "message_stop"
        package static let ping: StaticString = "ping"
        package static let error: StaticString = "error"
    }

    package enum Delta {
        package static let text: StaticString = "text_delta"
        package static let inputJSON: StaticString = "input_json_delta"
        package static let thinking: StaticString = "thinking_delta"
        package static let signature: StaticString = "signature_delta"

        /// A delta's event as Anthropic's servers spell it: this, the block's index, a middle, the
        /// inside of a string, its quote and two braces.
        package static let head: StaticString = #"{"type":"content_block_delta","index":"#
        package static let textMiddle: StaticString =
            #","delta":{"type":"text_delta","text":""#
        package static let thinkingMiddle: StaticString =
            #","delta":{"type":"thinking_delta","thinking":""#
        package static let inputMiddle: StaticString =
            #","delta":{"type":"input_json_delta","partial_json":""#
    }

    package enum Stop {
        package static let endTurn: StaticString = "end_turn"
        package static let maxTokens: StaticString = "max_tokens"
        package static let stopSequence: StaticString = "stop_sequence"
        package static let toolUse: StaticString = "tool_use"
        package static let pauseTurn: StaticString = "pause_turn"
        package static let refusal: StaticString = "refusal"
        package static let contextExceeded: StaticString = "model_context_window_exceeded"
    }
}
