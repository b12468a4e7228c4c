// ComposedText.swift — texts that the gateway writes into a request that is otherwise borrowed.
// Used where conversations are composed: TextTools, ToolLoopMachine.

import ReactorCore

/// Owner of composed texts. A slice that it hands out lives as long as it does: whoever keeps a
/// request that borrows from it keeps it until the request has been encoded.
package final class ComposedText {
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    package init() {}

    deinit { for block in blocks { block.deallocate() } }

    /// Keeps a copy of `text`.
    package func keep(_ text: ByteSlice) -> ByteSlice {
        guard !text.isEmpty else { return .empty }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
        block.copyMemory(from: text.raw)
        blocks.append(block)
        return ByteSlice(UnsafeRawBufferPointer(block))
    }

    package func keep(_ bytes: [UInt8]) -> ByteSlice {
        bytes.withUnsafeBytes { keep(ByteSlice($0)) }
    }

    /// Keeps what `write` writes.
    package func compose(_ write: (inout ByteBuffer) -> Void) -> ByteSlice {
        var buffer = ByteBuffer()
        write(&buffer)
        return keep(buffer.slice)
    }
}
