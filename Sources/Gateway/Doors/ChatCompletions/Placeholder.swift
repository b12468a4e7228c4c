import GatewayCodec
import GatewayModel
import ReactorCore

package enum ChatRequestDecoder {
    package static func decode(_ root: JSONValue) throws(Failure) -> ModelRequest { fatalError() }
}
package struct ChatStreamEncoder: ~Copyable {
    package init(_ context: AnswerContext) {}
    package mutating func encode(_ event: ModelEvent, to buffer: inout ByteBuffer) {}
}
package enum ChatResponseEncoder {
    package static func encode(
        _ response: ModelResponse, _ context: AnswerContext, to buffer: inout ByteBuffer
    ) {}
}
