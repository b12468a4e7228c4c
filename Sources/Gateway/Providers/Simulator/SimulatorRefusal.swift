// SimulatorRefusal.swift — an error answer of the simulated service: status and OpenAI error body.
// Thrown by the strict request reader, and made from a behaviour that is an error status.

import GatewayCodec
import ReactorCore

/// An error as OpenAI words it: `{"error":{"message","type","param","code"}}`.
package struct SimulatorRefusal: Error, Equatable {
    package var status: Int
    package var message: String
    package var type = "invalid_request_error"
    package var param: String?
    package var code: String?

    init(_ message: String, status: Int = 400, param: String? = nil, code: String? = nil) {
        self.status = status
        self.message = message
        self.param = param
        self.code = code
    }

    static func missing(_ param: String) -> SimulatorRefusal {
        SimulatorRefusal(
            "'\(param)' is required.", param: param, code: "missing_required_parameter")
    }

    static func unknownModel(_ name: ByteSlice) -> SimulatorRefusal {
        SimulatorRefusal(
            "No model is named '\(name.prefix(min(name.count, 200)).string)' here.", status: 404,
            code: "model_not_found")
    }

    static func wrongType(_ param: String, expected: String, got: JSONValue) -> SimulatorRefusal {
        SimulatorRefusal(
            "'\(param)' must be \(expected), not \(name(of: got.kind)).", param: param,
            code: "invalid_type")
    }

    static func invalid(
        _ param: String, _ reason: String, code: String = "invalid_value"
    ) -> SimulatorRefusal {
        SimulatorRefusal("'\(param)' \(reason).", param: param, code: code)
    }

    /// The error that a behaviour stands for; nil if it stands for something else.
    init?(_ behavior: SimulatorBehavior) {
        self.init("The simulator was asked for this error by the model's name or a rate.")
        switch behavior {
        case .status400: (status, code) = (400, "invalid_value")
        case .status401: (status, code) = (401, "invalid_api_key")
        case .status403: (status, code) = (403, "permission_denied")
        case .status404: (status, code) = (404, "model_not_found")
        case .status429: (status, type, code) = (429, "requests", "rate_limit_exceeded")
        case .status500: (status, type) = (500, "server_error")
        case .status502: (status, type, code) = (502, "server_error", "bad_gateway")
        case .status503: (status, type, code) = (503, "server_error", "overloaded")
        case .status529: (status, type, code) = (529, "server_error", "overloaded")
        case .errorMid: (status, type) = (500, "server_error")
        default: return nil
        }
    }

    /// Appends the JSON body.
    package func write(into out: inout ByteBuffer) {
        out.writeJSON { json in
            json.beginObject()
            json.beginObject("error")
            json.field("message", text: message)
            json.field("type", text: type)
            json.key("param")
            if let param { json.value(text: param) } else { json.null() }
            json.key("code")
            if let code { json.value(text: code) } else { json.null() }
            json.endObject()
            json.endObject()
        }
    }

    private static func name(of kind: JSONValue.Kind) -> String {
        switch kind {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
