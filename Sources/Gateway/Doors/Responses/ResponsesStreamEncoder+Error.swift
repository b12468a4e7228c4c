// ResponsesStreamEncoder+Error.swift — the event `error`, which ends a stream that was relayed: of
// the response object that `response.failed` would tell, the gateway knows nothing there.
// Pure. Imported by Exchange through DoorError.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension ResponsesStreamEncoder {
    /// - Parameter eventCount: how many events the stream has had.
    package static func appendError(
        _ failure: Failure, eventCount: Int, to buffer: inout ByteBuffer
    ) {
        buffer.append("event: " as StaticString)
        buffer.append(ResponsesWire.Event.error)
        buffer.append("\ndata: " as StaticString)
        buffer.writeJSON { json in
            json.beginObject()
            json.field(ResponsesWire.type, ResponsesWire.Event.error)
            json.field(ResponsesWire.sequenceNumber, eventCount)
            json.field(ErrorWire.code, text: failure.reportedCode ?? "\(code(of: failure))")
            json.field(
                ErrorWire.message,
                text: failure.message.isEmpty ? "The request failed." : failure.message)
            if let parameter = failure.parameter {
                json.field(ErrorWire.parameter, text: parameter)
            } else {
                json.null(ErrorWire.parameter)
            }
            json.endObject()
        }
        buffer.append("\n\n" as StaticString)
    }
}
