// CallSpliceFuzz.swift — the repair of relayed answers under coverage-guided bytes.
// Built with GATEWAY_FUZZ=1 only; `fuzz-call-splice -dict=Fuzz/call-splice/dictionary
// Fuzz/call-splice/Corpus`.

import FuzzChecks

/// libFuzzer's main loop.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main
struct CallSpliceFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            if let complaint = CallSpliceCheck.run(bytes) { fatalError(complaint) }
            return 0
        }
    }
}
