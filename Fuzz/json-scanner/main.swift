// Feeds JSONScanner whatever the fuzzer makes up. The oracle is the other reader: both accept or
// both refuse, but for depth, which only the scanner bounds; and what the scanner hands out lies
// inside the input.

import CUV
import GatewayCodec
import Glibc
import ReactorCore

/// The fuzzer's loop; with files as arguments it replays them instead.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
exit(runDriver(&count, &arguments) { testOneInput($0, $1) })

func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start else { return 0 }
    let bytes = ByteSlice(start, count: count)
    let failure = failure(of: bytes)
    if let failure {
        precondition(failure.offset >= 0 && failure.offset <= count, "offset outside")
        if failure.kind == .tooDeep { return 0 }
    }
    let text = UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
    let document = yyjson_read(text, count, YYJSON_READ_NOFLAG)
    precondition((document != nil) == (failure == nil), "the readers differ")
    yyjson_doc_free(document)
    if failure == nil { walk(bytes) }
    return 0
}

func failure(of bytes: ByteSlice) -> JSONFailure? {
    do throws(JSONFailure) {
        try JSONScanner.validate(bytes)
        return nil
    } catch { return error }
}

/// Walks members and elements two levels deep, and finds all of the document in their ranges.
func walk(_ bytes: ByteSlice) {
    do throws(JSONFailure) {
        var scanner = JSONScanner(bytes)
        try walk(&scanner, levels: 2)
        try scanner.finish()
    } catch { preconditionFailure("walking fails where skipping does not: \(error)") }
}

func walk(_ scanner: inout JSONScanner, levels: Int) throws(JSONFailure) {
    var last = scanner.offset
    func check(_ range: Range<Int>) {
        precondition(range.lowerBound >= last, "ranges overlap")
        last = range.upperBound
        _ = scanner.bytes(range)
    }
    switch scanner.valueKind {
    case .object where levels > 0:
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            check(key.range)
            try walk(&scanner, levels: levels - 1)
            last = scanner.offset
        }
    case .array where levels > 0:
        try scanner.beginArray()
        while try scanner.nextElement() { try walk(&scanner, levels: levels - 1) }
    default:
        let kind = scanner.valueKind
        let value = try scanner.value()
        precondition(value.kind == kind, "kinds differ")
        check(value.range)
        if kind == .string {
            var plain = ByteBuffer()
            plain.append(jsonUnescaping: scanner.bytes(value.inside))
        }
    }
}
