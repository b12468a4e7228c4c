import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct CompletionRequestDecoderTests {
    private func told(_ body: ByteSlice) throws -> String {
        let tree = try JSONArena().read(body)
        do throws(Failure) {
            let request = try CompletionRequestDecoder.decode(tree.root)
            let echo = request.echo.isEmpty ? "" : "\necho \(request.echo.string.debugDescription)"
            return RequestLog.text(request) + echo
        } catch { return "failed \(error.kind) \(error.parameter ?? "-")\n\(error.message)" }
    }

    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "completions", "decode-")
        #expect(files.count >= 12)
        for file in files {
            let body = try #require(file.block("json body"))
            let found = try body.withByteSlice { try told($0) }
            #expect(file.complaint("text request", found: found) == nil)
        }
    }

    @Test func survivesAnyBytes() {
        let corpus = GoldenFile.all(in: "completions", "decode-").compactMap {
            $0.block("json body").map { Array($0.utf8) }
        }
        #expect(!corpus.isEmpty)
        var random = SeededRandom(seed: 8)
        let arena = JSONArena()
        for _ in 0..<5000 {
            FuzzMutation.mutated(corpus, using: &random).withUnsafeBytes {
                let body = ByteSlice($0)
                guard let tree = try? arena.read(body),
                    let request = try? CompletionRequestDecoder.decode(tree.root)
                else { return }
                #expect(request.messages.count == 1)
                guard let scan = try? CompletionRequestScan.scan(body) else { return }
                #expect(scan.isStreaming == request.streams)
                #expect(scan.wantsUsage == request.wantsUsage)
            }
        }
    }
}
