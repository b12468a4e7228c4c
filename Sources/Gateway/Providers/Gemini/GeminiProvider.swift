// GeminiProvider.swift — settings of a provider that speaks the generateContent dialect, and where
// its requests go. The credential is the host's: an API key (`RequestHead.CredentialField.googleKey`)
// at the Developer API, a bearer token at Vertex AI.
// Pure. Imported by Catalog and Config.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// A provider that speaks the Gemini dialect.
package struct GeminiProvider: Sendable {
    /// Whose API it is.
    package enum Host: Equatable, Sendable {
        /// The Gemini Developer API.
        case developer
        /// Vertex AI. An empty project: its express mode, where the key tells the project.
        case vertex(project: String, location: String)
    }

    package var host: Host
    /// The version in the base URL's path.
    package var apiVersion: String
    /// Applied in order, where they match.
    package var overrides: [GeminiCapabilities.Override]

    package init(
        host: Host = .developer, apiVersion: String? = nil,
        overrides: [GeminiCapabilities.Override] = []
    ) {
        self.host = host
        self.apiVersion = apiVersion ?? (host == .developer ? "v1beta" : "v1")
        self.overrides = overrides
    }

    /// Where the API lies if nothing else is configured; the version is its path.
    package var defaultBaseURL: String {
        switch host {
        case .developer: "https://generativelanguage.googleapis.com/\(apiVersion)"
        case .vertex(_, "global"), .vertex(_, ""):
            "https://aiplatform.googleapis.com/\(apiVersion)"
        case .vertex(_, let region) where region == "us" || region == "eu":
            "https://aiplatform.\(region).rep.googleapis.com/\(apiVersion)"
        case .vertex(_, let location):
            "https://\(location)-aiplatform.googleapis.com/\(apiVersion)"
        }
    }

    /// What `model` can be asked for here.
    package func capabilities(of model: ByteSlice) -> GeminiCapabilities {
        var capabilities = GeminiCapabilities(model: model, at: host)
        for override in overrides where override.matches(model) { capabilities.apply(override) }
        return capabilities
    }

    /// Models that can think do so unasked, but for the small ones of version 2.5.
    func pace(of model: ByteSlice) -> ModelPace {
        let name = GeminiModelName(model)
        let isSilent = name.has("lite") && (name.version ?? 300) < 300
        return ModelPace(reasons: capabilities(of: model).thinking != .none && !isSilent)
    }

    /// Writes `request` in Gemini's words.
    /// - Throws: a failure that tells the caller what cannot be asked for.
    package func encode(
        _ request: ModelRequest, _ context: ProviderContext, into call: inout ProviderCall
    ) throws(Failure) {
        let method = request.streams ? GeminiWire.stream : GeminiWire.generate
        appendTarget(of: context.model, publisher: "google", method, to: &call.target)
        call.streams = request.streams
        call.codec = .gemini
        var encoder = GeminiRequestEncoder(
            request, context, capabilities(of: context.model), host: host)
        try encoder.encode(into: &call)
    }

    /// Appends the path of a model's method.
    package func appendTarget(
        of model: ByteSlice, publisher: StaticString, _ method: StaticString,
        to target: inout ByteBuffer
    ) {
        switch host {
        case .developer: target.append(GeminiWire.models)
        case .vertex(let project, let location):
            appendLocation(project, location, to: &target)
            target.append(GeminiWire.publishers)
            target.append(publisher)
            target.append(GeminiWire.models)
        }
        target.append(pathSegment: Self.bare(model))
        target.append(method)
    }

    /// Appends `/projects/P/locations/L`, or nothing in express mode.
    func appendLocation(_ project: String, _ location: String, to target: inout ByteBuffer) {
        guard !project.isEmpty else { return }
        target.append(GeminiWire.projects)
        project.withByteSlice { target.append(pathSegment: $0) }
        target.append(GeminiWire.locations)
        (location.isEmpty ? "global" : location).withByteSlice { target.append(pathSegment: $0) }
    }

    /// The name without the `models/` that lists of models show before it.
    static func bare(_ model: ByteSlice) -> ByteSlice {
        let prefix: StaticString = "models/"
        return model.hasPrefix(prefix) ? model.dropFirst(prefix.utf8CodeUnitCount) : model
    }
}

extension ByteBuffer {
    /// Appends `text` so that it stays one segment of a path, whatever its bytes.
    mutating func append(pathSegment text: ByteSlice) {
        for index in 0..<text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
                UInt8(ascii: "@"):
                append(byte)
            case _ where ASCII.isDigit(byte) || ASCII.isLetter(byte): append(byte)
            default:
                append(UInt8(ascii: "%"))
                for digit in [byte >> 4, byte & 0xF] {
                    append(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "A") + digit - 10)
                }
            }
        }
    }
}
