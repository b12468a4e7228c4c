// MessagesStreamFuzz.swift — the decoder of Messages streams under coverage-guided bytes.
// Built with GATEWAY_FUZZ=1 only; `fuzz-messages-stream -dict=Fuzz/messages-stream/dictionary
// Fuzz/messages-stream/Corpus`.

import FuzzChecks

/// libFuzzer's main loop.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main
struct MessagesStreamFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            if let complaint = MessagesStreamCheck.run(bytes) { fatalError(complaint) }
            return 0
        }
    }
}
