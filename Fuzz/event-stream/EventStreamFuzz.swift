// EventStreamFuzz.swift — the event stream parser under coverage-guided bytes.
// Built with GATEWAY_FUZZ=1 only; `fuzz-event-stream Fuzz/event-stream/Corpus`.

import FuzzChecks

/// libFuzzer's entry: one run on one input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let complaint = EventStreamCheck.run(bytes) { fatalError(complaint) }
    return 0
}
