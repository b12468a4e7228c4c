import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct EmbeddingRequestDecoderTests {
    private func told(_ body: ByteSlice) throws -> String {
        let tree = try JSONArena().read(body)
        do throws(Failure) {
            return EmbeddingSketch.text(try EmbeddingRequestDecoder.decode(tree.root))
        } catch { return "failed " + EmbeddingSketch.text(error) }
    }

    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "embeddings", "decode-")
        #expect(files.count >= 15)
        for file in files {
            let body = try #require(file.block("json body"))
            let found = try body.withByteSlice { try told($0) }
            #expect(file.complaint("text request", found: found) == nil)
        }
    }

    @Test func boundsTheInputs() throws {
        for (count, isTaken) in [(2048, true), (2049, false)] {
            let list = Array(repeating: "\"a\"", count: count).joined(separator: ",")
            let found = try "{\"model\":\"e\",\"input\":[\(list)]}".withByteSlice { try told($0) }
            #expect(found.hasPrefix("failed invalidParameter input\n") != isTaken)
        }
        // That many tokens are one input.
        let tokens = Array(repeating: "1", count: 5000).joined(separator: ",")
        let found = try "{\"model\":\"e\",\"input\":[\(tokens)]}".withByteSlice { try told($0) }
        #expect(found.hasPrefix("model \"e\"\ninput tokens 1 1"))
    }

    @Test func survivesAnyBytes() {
        let corpus = GoldenFile.all(in: "embeddings", "decode-").compactMap {
            $0.block("json body").map { Array($0.utf8) }
        }
        #expect(!corpus.isEmpty)
        var random = SeededRandom(seed: 7)
        let arena = JSONArena()
        for _ in 0..<5000 {
            FuzzMutation.mutated(corpus, using: &random).withUnsafeBytes {
                let body = ByteSlice($0)
                // What the decoder takes, the scan takes too, but for what it must not look at.
                guard let tree = try? arena.read(body),
                    let request = try? EmbeddingRequestDecoder.decode(tree.root)
                else { return }
                #expect(!request.inputs.isEmpty)
                do throws(Failure) {
                    let scan = try EmbeddingRequestScan.scan(body)
                    var scratch = ByteBuffer()
                    #expect(scan.model.name(in: body, scratch: &scratch) == request.model)
                } catch {
                    let parameter = error.parameter ?? ""
                    #expect(["model", "input", "user"].contains(parameter), "\(error)")
                }
            }
        }
    }
}
