// AnswersFuzz.swift — everything that is read of a provider in one piece, under coverage-guided bytes.
// Built with GATEWAY_FUZZ=1 only; `fuzz-answers Fuzz/answers/Corpus`.

import FuzzChecks

/// libFuzzer's main loop.
@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

@main
struct AnswersFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runDriver(&count, &arguments) { start, count in
            let bytes = Array(UnsafeBufferPointer(start: start, count: count))
            if let complaint = AnswerCheck.run(bytes) { fatalError(complaint) }
            return 0
        }
    }
}
