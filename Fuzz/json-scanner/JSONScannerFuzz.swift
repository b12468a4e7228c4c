// JSONScannerFuzz.swift — the JSON scanner under coverage-guided bytes.
// Built with GATEWAY_FUZZ=1 only; `fuzz-json-scanner -dict=Fuzz/json-scanner/dictionary
// Fuzz/json-scanner/Corpus`.

import FuzzChecks

/// libFuzzer's main loop.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main
struct JSONScannerFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments) { start, count in
            let bytes = UnsafeBufferPointer(start: start, count: count)
            if let complaint = JSONScannerCheck.run(UnsafeRawBufferPointer(bytes)) {
                fatalError(complaint)
            }
            return 0
        }
    }
}
