import GatewayCodec
import ReactorCore

extension JSONArena {
    /// Reads a text; for tests.
    func read(_ text: String) throws(JSONFailure) -> JSONTree {
        var buffer = ByteBuffer()
        buffer.append(text)
        return try read(buffer.slice)
    }
}
