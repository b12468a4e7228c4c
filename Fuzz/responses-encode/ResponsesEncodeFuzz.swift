// ResponsesEncodeFuzz.swift — the encoders of responses under coverage-guided answers.
// Built with GATEWAY_FUZZ=1 only; `fuzz-responses-encode -dict=Fuzz/responses-encode/dictionary
// Fuzz/responses-encode/Corpus`.

import FuzzChecks

/// libFuzzer's main loop.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main
struct ResponsesEncodeFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            if let complaint = ResponsesEncodeCheck.run(bytes) { fatalError(complaint) }
            return 0
        }
    }
}
