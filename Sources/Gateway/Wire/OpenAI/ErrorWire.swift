// ErrorWire.swift — the OpenAI error object.

import GatewayCodec
import ReactorCore

/// The parts of an OpenAI error.
package struct OpenAIError: Equatable, Sendable {
    package var status: Int
    package var message: String
    package var type: String
    package var param: String?
    package var code: String?

    package init(status: Int, message: String, type: String, param: String?, code: String?) {
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
    }

    /// Appends `{"error":{"message","type","param","code"}}`; all four keys are always there.
    package func append(to buffer: inout ByteBuffer) {
        buffer.append("{\"error\":{\"message\":" as StaticString)
        message.withByteSlice { buffer.append(jsonString: $0) }
        buffer.append(",\"type\":" as StaticString)
        type.withByteSlice { buffer.append(jsonString: $0) }
        buffer.append(",\"param\":" as StaticString)
        append(param, to: &buffer)
        buffer.append(",\"code\":" as StaticString)
        append(code, to: &buffer)
        buffer.append("}}" as StaticString)
    }

    private func append(_ text: String?, to buffer: inout ByteBuffer) {
        guard let text else { return buffer.append("null" as StaticString) }
        text.withByteSlice { buffer.append(jsonString: $0) }
    }
}
