// OpenAIErrorEncoder.swift — a Failure in the words of the OpenAI dialect, for the chat,
// completions, embeddings and models doors and for whatever has no dialect of its own.

import GatewayModel
import GatewayWire
import ReactorCore

/// Status, `type` and `code` of every failure.
package enum OpenAIErrorEncoder {
    /// The error that `failure` becomes.
    package static func encode(_ failure: Failure) -> OpenAIError {
        let (status, type, code) = classify(failure.kind)
        return OpenAIError(
            status: status, message: failure.message, type: failure.upstreamType ?? type,
            param: failure.param, code: failure.upstreamCode ?? code)
    }

    /// The failure as an in-band event of a stream whose head is out.
    package static func appendEvent(_ failure: Failure, to buffer: inout ByteBuffer) {
        buffer.append("data: " as StaticString)
        encode(failure).append(to: &buffer)
        buffer.append("\n\n" as StaticString)
    }

    private static func classify(_ kind: Failure.Kind) -> (Int, String, String?) {
        let invalid = "invalid_request_error"
        let server = "server_error"
        switch kind {
        case .invalidRequest: return (400, invalid, nil)
        case .missingKey: return (401, invalid, nil)
        case .invalidKey: return (401, invalid, "invalid_api_key")
        case .modelNotAllowed: return (403, "permission_error", "model_not_allowed")
        case .originNotAllowed: return (403, "permission_error", "host_not_allowed")
        case .modelNotFound: return (404, invalid, "model_not_found")
        case .routeNotFound: return (404, invalid, nil)
        case .methodNotAllowed: return (405, invalid, "method_not_allowed")
        case .requestTimeout: return (408, invalid, "request_timeout")
        case .bodyTooLarge: return (413, invalid, "request_too_large")
        case .unsupportedMediaType: return (415, invalid, "unsupported_media_type")
        case .targetTooLong: return (414, invalid, "uri_too_long")
        case .headTooLarge: return (431, invalid, "request_header_fields_too_large")
        case .notImplemented: return (501, invalid, "not_implemented")
        case .unsupportedVersion: return (505, invalid, "http_version_not_supported")
        case .unsupportedFeature: return (400, invalid, "unsupported_feature")
        case .upstreamRefused(let status): return (status, invalid, nil)
        case .upstreamRateLimited: return (429, "rate_limit_error", "rate_limit_exceeded")
        case .upstreamAuthentication: return (502, server, "upstream_authentication_failed")
        case .badUpstream: return (502, server, "bad_upstream")
        case .upstreamUnavailable: return (503, "service_unavailable_error", "upstream_unavailable")
        case .upstreamOverloaded: return (503, "service_unavailable_error", "overloaded")
        case .upstreamTimeout(let clock): return (504, server, "upstream_timeout_\(clock)")
        case .overloaded: return (503, "service_unavailable_error", "overloaded")
        case .internalError: return (500, server, nil)
        }
    }
}
