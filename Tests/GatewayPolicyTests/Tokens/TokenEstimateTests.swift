import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TokenEstimateTests {
    @Test func countsTextBySize() {
        var request = ModelRequest()
        let text = String(repeating: "a", count: 350)
        text.withByteSlice {
            request.append(.user, [ContentPart(.text($0))])
            #expect(TokenEstimate.inputTokens(of: request) == 104)
            request.tools.append(ToolDefinition(name: $0, kind: .function(parameters: nil)))
            #expect(TokenEstimate.inputTokens(of: request) == 204 + TokenEstimate.toolsTokens)
            request.append(.user, [ContentPart(.image(Media(.url($0), mediaType: .empty)))])
            #expect(
                TokenEstimate.inputTokens(of: request)
                    == 208 + TokenEstimate.toolsTokens + TokenEstimate.imageTokens)
        }
        #expect(TokenEstimate.inputTokens(of: ModelRequest()) == 1)
    }

    @Test func countsInputsOfEmbeddings() {
        var request = EmbeddingRequest()
        String(repeating: "a", count: 350).withByteSlice {
            request.inputs = [.text($0), .text($0)]
            #expect(TokenEstimate.inputTokens(of: request) == 200)
        }
        #expect(TokenEstimate.inputTokens(of: EmbeddingRequest()) == 1)
    }
}
