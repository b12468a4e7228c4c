// GeminiWire.swift — every name of the Gemini generateContent dialect, spelled once.
// Constants only: no meaning, no decisions. Imported by providers.

/// The generateContent dialect of the Gemini Developer API and of Vertex AI.
package enum GeminiWire {
    // Targets.
    package static let models: StaticString = "/models/"
    package static let generate: StaticString = ":generateContent"
    /// Without `alt=sse` a stream is one JSON array.
    package static let stream: StaticString = ":streamGenerateContent?alt=sse"
    package static let embed: StaticString = ":embedContent"
    package static let batchEmbed: StaticString = ":batchEmbedContents"
    package static let predict: StaticString = ":predict"
    package static let rawPredict: StaticString = ":rawPredict"
    package static let streamRawPredict: StaticString = ":streamRawPredict"
    package static let projects: StaticString = "/projects/"
    package static let locations: StaticString = "/locations/"
    package static let publishers: StaticString = "/publishers/"
    package static let openAIChat: StaticString = "/endpoints/openapi/chat/completions"

    // Request.
    package static let systemInstruction: StaticString = "systemInstruction"
    package static let contents: StaticString = "contents"
    package static let tools: StaticString = "tools"
    package static let toolConfig: StaticString = "toolConfig"
    package static let safetySettings: StaticString = "safetySettings"
    package static let generationConfig: StaticString = "generationConfig"
    package static let cachedContent: StaticString = "cachedContent"
    package static let labels: StaticString = "labels"

    // Content and its parts.
    package static let role: StaticString = "role"
    package static let parts: StaticString = "parts"
    package static let user: StaticString = "user"
    package static let model: StaticString = "model"
    package static let text: StaticString = "text"
    package static let thought: StaticString = "thought"
    package static let thoughtSignature: StaticString = "thoughtSignature"
    package static let inlineData: StaticString = "inlineData"
    package static let fileData: StaticString = "fileData"
    package static let mimeType: StaticString = "mimeType"
    package static let data: StaticString = "data"
    package static let fileURI: StaticString = "fileUri"
    package static let functionCall: StaticString = "functionCall"
    package static let functionResponse: StaticString = "functionResponse"
    package static let id: StaticString = "id"
    package static let name: StaticString = "name"
    package static let args: StaticString = "args"
    package static let response: StaticString = "response"
    package static let output: StaticString = "output"
    package static let error: StaticString = "error"
    package static let input: StaticString = "input"
    /// Stands for the signature of a call that no Gemini model made.
    package static let signatureSentinel: StaticString = "skip_thought_signature_validator"

    // Tools.
    package static let functionDeclarations: StaticString = "functionDeclarations"
    package static let description: StaticString = "description"
    package static let parameters: StaticString = "parameters"
    package static let parametersJSONSchema: StaticString = "parametersJsonSchema"
    package static let functionCallingConfig: StaticString = "functionCallingConfig"
    package static let mode: StaticString = "mode"
    package static let allowedFunctionNames: StaticString = "allowedFunctionNames"
    package static let modeAuto: StaticString = "AUTO"
    package static let modeAny: StaticString = "ANY"
    package static let modeNone: StaticString = "NONE"

    // Generation.
    package static let temperature: StaticString = "temperature"
    package static let topP: StaticString = "topP"
    package static let topK: StaticString = "topK"
    package static let candidateCount: StaticString = "candidateCount"
    package static let maxOutputTokens: StaticString = "maxOutputTokens"
    package static let stopSequences: StaticString = "stopSequences"
    package static let seed: StaticString = "seed"
    package static let presencePenalty: StaticString = "presencePenalty"
    package static let frequencyPenalty: StaticString = "frequencyPenalty"
    package static let responseLogprobs: StaticString = "responseLogprobs"
    package static let logprobs: StaticString = "logprobs"
    package static let responseMimeType: StaticString = "responseMimeType"
    package static let json: StaticString = "application/json"
    package static let responseSchema: StaticString = "responseSchema"
    package static let responseJSONSchema: StaticString = "responseJsonSchema"
    package static let responseModalities: StaticString = "responseModalities"
    package static let mediaResolution: StaticString = "mediaResolution"
    package static let thinkingConfig: StaticString = "thinkingConfig"
    package static let includeThoughts: StaticString = "includeThoughts"
    package static let thinkingBudget: StaticString = "thinkingBudget"
    package static let thinkingLevel: StaticString = "thinkingLevel"
    package static let levelMinimal: StaticString = "MINIMAL"
    package static let levelLow: StaticString = "LOW"
    package static let levelMedium: StaticString = "MEDIUM"
    package static let levelHigh: StaticString = "HIGH"

    // Answer and chunk.
    package static let candidates: StaticString = "candidates"
    package static let content: StaticString = "content"
    package static let finishReason: StaticString = "finishReason"
    package static let index: StaticString = "index"
    package static let promptFeedback: StaticString = "promptFeedback"
    package static let blockReason: StaticString = "blockReason"
    package static let blockReasonMessage: StaticString = "blockReasonMessage"
    package static let usageMetadata: StaticString = "usageMetadata"
    package static let promptTokenCount: StaticString = "promptTokenCount"
    package static let candidatesTokenCount: StaticString = "candidatesTokenCount"
    package static let thoughtsTokenCount: StaticString = "thoughtsTokenCount"
    package static let cachedContentTokenCount: StaticString = "cachedContentTokenCount"
    package static let toolUsePromptTokenCount: StaticString = "toolUsePromptTokenCount"
    package static let totalTokenCount: StaticString = "totalTokenCount"
    package static let modelVersion: StaticString = "modelVersion"
    package static let responseID: StaticString = "responseId"

    // Members that a caller of another dialect gives in Google's own words.
    package static let extraBody: StaticString = "extra_body"
    package static let google: StaticString = "google"
    package static let modalities: StaticString = "modalities"
    package static let safetySettingsSnake: StaticString = "safety_settings"
    package static let cachedContentSnake: StaticString = "cached_content"
    package static let thinkingConfigSnake: StaticString = "thinking_config"
    package static let includeThoughtsSnake: StaticString = "include_thoughts"
    package static let thinkingBudgetSnake: StaticString = "thinking_budget"
    package static let thinkingLevelSnake: StaticString = "thinking_level"
    package static let responseModalitiesSnake: StaticString = "response_modalities"
    package static let mediaResolutionSnake: StaticString = "media_resolution"
}

/// Why a candidate ended.
package enum GeminiFinishWire {
    package static let stop: StaticString = "STOP"
    package static let maxTokens: StaticString = "MAX_TOKENS"
    package static let malformedCall: StaticString = "MALFORMED_FUNCTION_CALL"
    package static let unexpectedCall: StaticString = "UNEXPECTED_TOOL_CALL"
    package static let tooManyCalls: StaticString = "TOO_MANY_TOOL_CALLS"
    package static let safety: StaticString = "SAFETY"
    package static let recitation: StaticString = "RECITATION"
    package static let blocklist: StaticString = "BLOCKLIST"
    package static let prohibited: StaticString = "PROHIBITED_CONTENT"
    package static let personalData: StaticString = "SPII"
    package static let language: StaticString = "LANGUAGE"
    package static let modelArmor: StaticString = "MODEL_ARMOR"
    package static let unspecified: StaticString = "FINISH_REASON_UNSPECIFIED"
    /// `IMAGE_SAFETY` and its like.
    package static let imagePrefix: StaticString = "IMAGE_"
    package static let imageOther: StaticString = "IMAGE_OTHER"
}

/// Google's errors (google.rpc.Status).
package enum GeminiErrorWire {
    package static let error: StaticString = "error"
    package static let code: StaticString = "code"
    package static let message: StaticString = "message"
    package static let status: StaticString = "status"
    package static let details: StaticString = "details"
    package static let reason: StaticString = "reason"
    package static let retryDelay: StaticString = "retryDelay"
    package static let invalidKey: StaticString = "API_KEY_INVALID"
    package static let invalidKeyMessage: StaticString = "API key not valid"
    package static let expiredKeyMessage: StaticString = "API key expired"
    package static let modelNotFound: StaticString = "model_not_found"
    package static let statuses: [(word: StaticString, code: Int)] = [
        ("INVALID_ARGUMENT", 400), ("FAILED_PRECONDITION", 400), ("OUT_OF_RANGE", 400),
        ("UNAUTHENTICATED", 401), ("PERMISSION_DENIED", 403), ("NOT_FOUND", 404),
        ("ALREADY_EXISTS", 409), ("ABORTED", 409), ("RESOURCE_EXHAUSTED", 429),
        ("CANCELLED", 499), ("INTERNAL", 500), ("UNKNOWN", 500), ("DATA_LOSS", 500),
        ("UNIMPLEMENTED", 501), ("UNAVAILABLE", 503), ("DEADLINE_EXCEEDED", 504),
    ]
}

/// The schema of OpenAPI 3.0 as Gemini knows it, and the words of JSON Schema that become it.
package enum GeminiSchemaWire {
    package static let type: StaticString = "type"
    package static let format: StaticString = "format"
    package static let title: StaticString = "title"
    package static let description: StaticString = "description"
    package static let nullable: StaticString = "nullable"
    package static let enumeration: StaticString = "enum"
    package static let items: StaticString = "items"
    package static let minItems: StaticString = "minItems"
    package static let maxItems: StaticString = "maxItems"
    package static let properties: StaticString = "properties"
    package static let required: StaticString = "required"
    package static let minProperties: StaticString = "minProperties"
    package static let maxProperties: StaticString = "maxProperties"
    package static let propertyOrdering: StaticString = "propertyOrdering"
    package static let minimum: StaticString = "minimum"
    package static let maximum: StaticString = "maximum"
    package static let minLength: StaticString = "minLength"
    package static let maxLength: StaticString = "maxLength"
    package static let pattern: StaticString = "pattern"
    package static let example: StaticString = "example"
    package static let anyOf: StaticString = "anyOf"
    package static let `default`: StaticString = "default"

    // Only read.
    package static let oneOf: StaticString = "oneOf"
    package static let allOf: StaticString = "allOf"
    package static let reference: StaticString = "$ref"
    package static let const: StaticString = "const"
    package static let prefixItems: StaticString = "prefixItems"
    package static let exclusiveMinimum: StaticString = "exclusiveMinimum"
    package static let exclusiveMaximum: StaticString = "exclusiveMaximum"

    // Types.
    package static let string: StaticString = "STRING"
    package static let number: StaticString = "NUMBER"
    package static let integer: StaticString = "INTEGER"
    package static let boolean: StaticString = "BOOLEAN"
    package static let array: StaticString = "ARRAY"
    package static let object: StaticString = "OBJECT"
    package static let null: StaticString = "NULL"

    /// The formats that are taken for strings and for numbers; others are a 400.
    package static let stringFormats: [StaticString] = ["enum", "date-time"]
    package static let numberFormats: [StaticString] = ["float", "double", "int32", "int64"]
}
