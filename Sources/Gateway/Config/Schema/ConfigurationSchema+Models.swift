// ConfigurationSchema+Models.swift — the keys of the model table and of capability tables.

import GatewayModel
import GatewayPolicy

extension ConfigurationSchema {
    /// A line of the table as it is written: a target, or a list of targets, and settings.
    private struct ModelLine {
        var provider: String?
        var model: String?
        var targets: [ModelTarget]?
        var strategy = TargetStrategy.priority
        var fallbacks: [String] = []
        var retries: Int?
        var settings = ModelSettings()
        var timeouts = TimeoutOverrides()
        var capabilities = CapabilityOverrides()
    }

    static var models: ValueKind<[ModelConfiguration]> {
        .table(
            "model name, or pattern with one `*`",
            checkKey: { (name) throws(Refusal) in try OperatorName.checkModel(name) },
            of: .section(modelLine),
            join: { name, line in
                var model = ModelConfiguration()
                model.name = name
                model.targets = line.targets ?? []
                if let provider = line.provider {
                    model.targets = [ModelTarget(provider: provider, model: line.model)]
                }
                model.strategy = line.strategy
                model.fallbacks = line.fallbacks
                model.retries = line.retries
                model.settings = line.settings
                model.timeouts = line.timeouts
                model.capabilities = line.capabilities
                return model
            },
            split: { model in
                var line = ModelLine(
                    strategy: model.strategy, fallbacks: model.fallbacks, retries: model.retries,
                    settings: model.settings, timeouts: model.timeouts,
                    capabilities: model.capabilities)
                if model.targets.count > 1 {
                    line.targets = model.targets
                } else {
                    line.provider = model.targets.first?.provider
                    line.model = model.targets.first?.model
                }
                return (model.name, line)
            })
    }

    private static var modelLine: Section<ModelLine> {
        Section(
            ModelLine(),
            [
                Field("provider", \.provider, .name("a provider's name"), "Where it goes."),
                Field(
                    "model", \.model, .model("a model's name"),
                    "The model's name there; the client's name if left out."),
                Field(
                    "targets", \.targets, .list(of: .section(target)),
                    "In place of `provider`: the targets that can answer, at most "
                        + "\(RoutePlan.candidatesMax). One that fails before the client has a "
                        + "byte of an answer is followed by the next."),
                Field(
                    "strategy", \.strategy, .choice(TargetStrategy.allCases),
                    "Which target is asked first: `priority` goes by their order, `weighted` draws "
                        + "by their weights, `round_robin` takes turns, `least_busy` takes the one "
                        + "whose provider has the fewest requests of this worker's. The others "
                        + "follow in the same manner."),
                Field(
                    "fallbacks", \.fallbacks, .list(of: .model("a model's name")),
                    "Models to ask when no target has answered, by names that clients could use; "
                        + "their own fallbacks are not asked. A key that may use this model need "
                        + "not be allowed those."),
                Field(
                    "retries", \.retries, .integer(0...RoutePlan.retriesMax),
                    "Tries of one target beyond the first, with back-off, before the next is asked; "
                        + "the provider's if left out."),
                Field(
                    "surface", \.settings.surface, .choice(UpstreamSurface.allCases),
                    "Which of Salesforce's two interfaces serves it; the provider's if left out."),
                Field(
                    "unsupported_params", \.settings.unsupportedParameters,
                    .choice(UnsupportedParameters.allCases),
                    "What becomes of parameters that the provider has no word for: `drop` leaves "
                        + "them out and names them in `x-gateway-dropped-params`, `error` is a "
                        + "400."),
                Field(
                    "stream_tools", \.settings.streamTools, .choice(StreamTools.allCases),
                    "Whether a stream with tools stays one, or is answered in one piece; left out, "
                        + "it stays one wherever the backend has tools of its own."),
                Field(
                    "downgrade_as", \.settings.downgradeForm, .choice(DowngradeForm.allCases),
                    "As what a stream comes that is answered in one piece: `json` is a whole "
                        + "answer, `sse` a stream in one burst; `auto` is `sse` for clients that "
                        + "send `x-stainless-*` headers or accept `text/event-stream`."),
                Field(
                    "repair", \.settings.repair, .choice(CallRepair.allCases),
                    "How broken tool calls in streams are repaired: `stream` does what it can "
                        + "without delay, `hold` holds each call until it is whole. Whole answers "
                        + "are always held."),
                Field(
                    "timeouts", \.timeouts, .section(timeoutOverrides),
                    "Clocks of one attempt for this model, above those of its providers."),
                Field(
                    "capabilities", \.capabilities, .section(capabilities),
                    "What is known about the model better than the gateway knows it."),
            ],
            check: { _, node, reader in
                let targets = node["targets"]
                if let targets, case .sequence(let list) = targets.content {
                    if list.isEmpty { reader.note("'targets' is empty", at: targets.mark) }
                    if list.count > RoutePlan.candidatesMax {
                        reader.note(
                            "more than \(RoutePlan.candidatesMax) targets are never asked",
                            at: list[RoutePlan.candidatesMax].mark)
                    }
                }
                if let targets, node["provider"] != nil || node["model"] != nil {
                    reader.note(
                        "'targets' takes the place of 'provider' and 'model'", at: targets.mark)
                } else if targets == nil, node["provider"] == nil {
                    reader.note("the key 'provider' is missing", at: node.mark)
                }
            })
    }

    private static var target: Section<ModelTarget> {
        Section(
            ModelTarget(),
            [
                Field(
                    "provider", \.provider, .name("a provider's name"), isRequired: true,
                    "Where it goes."),
                Field("model", \.model, .model("a model's name"), "The model's name there."),
                Field(
                    "weight", \.weight, .integer(1...1_000_000),
                    "Its share of the requests under `strategy: weighted`."),
            ])
    }

    // MARK: Capabilities

    /// A table of its own: the content of `MODEL_CAPABILITIES_JSON` and of the files.
    static var capabilityTable: ValueKind<[CapabilityEntry]> {
        .table(
            "model name, or pattern with one `*`",
            checkKey: { (name) throws(Refusal) in try OperatorName.checkModel(name) },
            of: .section(capabilities),
            join: { CapabilityEntry($0, $1) },
            split: { ($0.pattern, $0.overrides) })
    }

    static var capabilities: Section<CapabilityOverrides> {
        Section(
            CapabilityOverrides(),
            [
                Field(
                    "backend_type", \.backendType, .choice(BackendType.allCases),
                    "The form in which its backend answers. It decides the flags below that are "
                        + "not written."),
                Field(
                    "openai_compatible", \.isOpenAICompatible, .boolean,
                    "It answers in OpenAI's form."),
                Field(
                    "anthropic_bedrock", \.isAnthropicBedrock, .boolean,
                    "It is an Anthropic model."),
                Field("vertex_gemini", \.isVertexGemini, .boolean, "It is a Gemini model."),
                Field(
                    "passthrough_tools", \.passesToolsThrough, .boolean,
                    "Tool definitions and calls pass as they are."),
                Field(
                    "requires_normalization", \.requiresNormalization, .boolean,
                    "Its answers must be brought into OpenAI's form."),
                Field(
                    "tools", \.tools, .choice(ToolMode.allCases),
                    "`native`: in its provider's form; `text`: in the prompt, and read back out of "
                        + "the answer."),
                Field("streaming", \.streams, .boolean, "Its answers can be streamed."),
                Field("vision", \.sees, .boolean, "It understands images."),
                Field(
                    "max_output_tokens", \.outputTokensMax, .integer(1...10_000_000),
                    "How long its answers can get, thoughts included. Time-outs go by it where a "
                        + "request sets no bound (docs/limits.md); it is not sent."),
                Field(
                    "reasoning", \.reasons, .boolean,
                    "It thinks before it speaks, without being asked to. Time-outs of streams go by "
                        + "it where a request says nothing of that."),
            ])
    }
}
