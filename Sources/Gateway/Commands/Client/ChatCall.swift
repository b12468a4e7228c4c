// ChatCall.swift — one chat completion asked of a server, unary or streamed, as the events of its
// answer. A shell: reading is ChatStreamDecoder's and ChatResponseDecoder's.

import GatewayCodec
import GatewayExchange
import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

/// Who asked. All calls come within a turn.
package protocol ChatCallDelegate: AnyObject {
    func answerContinued(_ event: ModelEvent)
    /// The call is over: nil, or why there is no whole answer. Another may be started.
    func callEnded(_ failure: String?)
}

/// Calls one after the other.
package final class ChatCall {
    static let target: StaticString = "/chat/completions"
    /// Bytes of an answer in one piece; more is a failure.
    static let answerBytesMax = 64 << 20

    private let client: APIClient
    private unowned(unsafe) let owner: any ChatCallDelegate
    private let clocks: ClientClocks
    private let call = HTTPClientCall()
    private let arena = JSONArena()
    private let ids = IDSource(seed: SecureRandom.word())

    private var body: [UInt8] = []
    private var accept: StaticString = RequestHead.json
    private var status = 0
    private var isStream = false
    private var parser = EventStreamParser()
    private var decoder = ChatStreamDecoder()
    private var answer = ByteBuffer()
    /// What the answer itself says is wrong with it.
    private var failure: String?

    /// - Parameter owner: outlives the call.
    package init(_ client: APIClient, clocks: ClientClocks, owner: any ChatCallDelegate) {
        self.client = client
        self.clocks = clocks
        self.owner = owner
    }

    package var isActive: Bool { call.isActive }

    /// Sends a request. The last call must be over.
    package func start(_ body: [UInt8], streams: Bool) {
        self.body = body
        accept = streams ? RequestHead.events : RequestHead.json
        call.start(on: client.origin, clocks: clocks, delegate: self)
    }

    /// Ends the call; the owner hears nothing of it.
    package func cancel() { call.cancel() }

    private var context: ProviderContext {
        ProviderContext(model: .empty, arena: arena, ids: ids)
    }

    private func take(_ event: ModelEvent) {
        switch event {
        case .failed(let failure): self.failure = failure.message
        default: owner.answerContinued(event)
        }
    }

    private func end(_ failure: String?) {
        answer.release()
        owner.callEnded(failure)
    }

    private func decode(_ bytes: ByteSlice) {
        var input = bytes
        do throws(EventStreamFailure) {
            while let event = try parser.next(&input) {
                decoder.decode(event, context) { take($0) }
            }
        } catch {
            failure = "an event of the stream is too large"
            call.cancel()
            end(failure)
        }
    }
}

extension ChatCall: HTTPClientCallDelegate {
    package func writeRequest(on connection: HTTPRequestWriter) {
        body.withUnsafeBytes { body in
            connection.withOutput {
                client.appendPost(Self.target, accept: accept, body: ByteSlice(body), to: &$0)
            }
        }
    }

    package func responseHeadArrived(_ head: HTTPHead) {
        status = head.status
        let type = head.fields.first("content-type") ?? .empty
        isStream = status == 200 && type.hasPrefix("text/event-stream")
        parser = EventStreamParser()
        decoder = ChatStreamDecoder()
        answer.removeAll()
        failure = nil
    }

    package func responseBodyArrived(_ bytes: ByteSlice) {
        if isStream { return decode(bytes) }
        guard answer.count + bytes.count <= Self.answerBytesMax else {
            call.cancel()
            return end("the answer has more than \(Self.answerBytesMax) bytes")
        }
        answer.append(bytes)
    }

    package func responseEnded() {
        guard status == 200 else {
            return end(APIAddress.message(ofError: answer.slice, status: status))
        }
        if isStream {
            if let event = parser.finish() { decoder.decode(event, context) { take($0) } }
            decoder.finish(context) { take($0) }
        } else {
            _ = ChatResponseDecoder.decode(answer.slice, context) { take($0) }
        }
        end(failure)
    }

    package func callFailed(_ failure: HTTPClientFailure) {
        end(failure.sentence(host: client.address.url.authority))
    }
}
