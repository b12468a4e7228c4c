// ResponsesIDs.swift — the ids of a response and its items, all drawn from the request's.
// Pure. An item's id leads back to its response and its place there, so that a reference to an item
// can be looked up without an index.

import GatewayWire
import ReactorCore

package enum ResponsesIDs {
    private static let requestPrefix: StaticString = "req_"
    private static let responsePrefix: StaticString = "resp_"

    /// What the ids of one answer have in common.
    static func stem(of requestID: ByteSlice) -> ByteSlice {
        requestID.hasPrefix(requestPrefix)
            ? requestID.dropFirst(requestPrefix.utf8CodeUnitCount) : requestID
    }

    /// Appends the id of the response to a request: `resp_` and the request's id without `req_`.
    package static func append(responseTo requestID: ByteSlice, to buffer: inout ByteBuffer) {
        append(responseOf: stem(of: requestID), to: &buffer)
    }

    static func append(responseOf stem: ByteSlice, to buffer: inout ByteBuffer) {
        buffer.append(responsePrefix)
        buffer.append(stem)
    }

    /// Appends an item's id, such as `msg_0123abcd_2`.
    static func append(
        _ prefix: StaticString, of stem: ByteSlice, index: Int, to buffer: inout ByteBuffer
    ) {
        buffer.append(prefix)
        buffer.append(stem)
        buffer.append(UInt8(ascii: "_"))
        buffer.append(decimal: index)
    }

    /// The stem of an item's id and its place in the output; nil if it is none of ours.
    static func place(ofItem id: ByteSlice) -> (stem: ByteSlice, index: Int)? {
        guard let first = id.firstIndex(of: UInt8(ascii: "_")) else { return nil }
        var last = id.count - 1
        while last > first, id[last] != UInt8(ascii: "_") { last -= 1 }
        guard last > first + 1, let index = id.dropFirst(last + 1).decimalValue else { return nil }
        return (id[first + 1..<last], index)
    }
}
