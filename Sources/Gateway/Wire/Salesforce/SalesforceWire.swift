// SalesforceWire.swift — every name of Salesforce's two model surfaces, spelled once.
// Constants only. Imported by the Salesforce provider.

/// The Models API (camel case) and the LLM gateway's generic chat path (snake case).
package enum SalesforceWire {
    /// What every call carries beside its token.
    package static let headerFields: StaticString = """
        x-sfdc-app-context: EinsteinGPT\r
        x-client-feature-id: ai-platform-models-connected-app\r

        """

    // Paths.
    package static let modelsPath: StaticString = "/einstein/platform/v1/models/"
    package static let chatGenerations: StaticString = "/chat-generations"
    package static let embeddings: StaticString = "/embeddings"
    package static let gatewayChat: StaticString = "/ai/gpt/v1/chat/generations"
    package static let gatewayChatStream: StaticString = "/ai/gpt/v1/chat/generations/stream"
    package static let gatewayModel: StaticString = "/ai/gpt/v1/model/"
    package static let invoke: StaticString = "/invoke"
    package static let invokeStream: StaticString = "/invoke-with-response-stream"

    // Requests.
    package static let model: StaticString = "model"
    package static let messages: StaticString = "messages"
    package static let role: StaticString = "role"
    package static let content: StaticString = "content"
    package static let system: StaticString = "system"
    package static let user: StaticString = "user"
    package static let assistant: StaticString = "assistant"
    package static let tool: StaticString = "tool"
    package static let localization: StaticString = "localization"
    package static let tags: StaticString = "tags"
    package static let tools: StaticString = "tools"
    package static let toolConfig: StaticString = "tool_config"
    package static let mode: StaticString = "mode"
    package static let allowedTools: StaticString = "allowed_tools"
    package static let auto: StaticString = "auto"
    package static let any: StaticString = "any"
    package static let none: StaticString = "none"
    package static let toolInvocations: StaticString = "tool_invocations"
    package static let toolCallID: StaticString = "tool_call_id"
    package static let toolCallName: StaticString = "tool_call_name"
    package static let type: StaticString = "type"
    package static let function: StaticString = "function"
    package static let name: StaticString = "name"
    package static let arguments: StaticString = "arguments"
    package static let description: StaticString = "description"
    package static let parameters: StaticString = "parameters"
    package static let systemPromptStrategy: StaticString = "system_prompt_strategy"
    package static let useModelParameter: StaticString = "use_model_parameter"
    package static let generationSettings: StaticString = "generation_settings"
    package static let maxTokens: StaticString = "max_tokens"
    package static let temperature: StaticString = "temperature"
    package static let stopSequences: StaticString = "stop_sequences"
    package static let frequencyPenalty: StaticString = "frequency_penalty"
    package static let presencePenalty: StaticString = "presence_penalty"

    // Embeddings.
    package static let input: StaticString = "input"
    package static let embeddingList: StaticString = "embeddings"
    package static let embedding: StaticString = "embedding"

    // Answers.
    package static let id: StaticString = "id"
    package static let index: StaticString = "index"
    package static let generation: StaticString = "generation"
    package static let generations: StaticString = "generations"
    package static let generatedText: StaticString = "generatedText"
    package static let text: StaticString = "text"
    package static let generationDetails: StaticString = "generationDetails"
    package static let generationDetailsSnake: StaticString = "generation_details"
    package static let choices: StaticString = "choices"
    package static let message: StaticString = "message"
    package static let finishReason: StaticString = "finish_reason"
    package static let stopReason: StaticString = "stop_reason"
    package static let usage: StaticString = "usage"
    package static let promptTokensDetails: StaticString = "prompt_tokens_details"
    package static let cachedTokens: StaticString = "cached_tokens"
    package static let completionTokensDetails: StaticString = "completion_tokens_details"
    package static let reasoningTokens: StaticString = "reasoning_tokens"
    package static let created: StaticString = "created"
    /// The payload behind the last event of a stream.
    package static let done: StaticString = "[DONE]"

    /// Names of one count, the likeliest first: they are those of the model's maker.
    package static let inputTokens: [StaticString] = [
        "prompt_tokens", "input_tokens", "inputTokenCount", "inputTokens",
    ]
    package static let outputTokens: [StaticString] = [
        "completion_tokens", "output_tokens", "outputTokenCount", "outputTokens",
    ]
    package static let totalTokens: [StaticString] = [
        "total_tokens", "totalTokenCount", "totalTokens",
    ]

    // Errors.
    package static let error: StaticString = "error"
    package static let errorCode: StaticString = "errorCode"
    package static let messageCode: StaticString = "messageCode"
}
