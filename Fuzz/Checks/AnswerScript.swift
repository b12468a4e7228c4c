// AnswerScript.swift — bytes taken for an answer: any legal sequence of canonical events.
// For the checks of every door's stream encoder.

import GatewayModel
import ReactorCore

package enum AnswerScript {
    /// Hands out a legal answer (`EventOrder`) from its start to its terminal event. What a byte
    /// asks for and is not legal in its place is left out; what is open at the end is closed.
    package static func play(_ bytes: [UInt8], _ emit: (ModelEvent) -> Void) {
        var order = EventOrder()
        var begun = [true, false]
        func take(_ event: ModelEvent) {
            var next = order
            if next.check(event) != nil { return }
            order = next
            switch event {
            case .partOpened(let choice, _), .finished(let choice, _): begun[choice] = true
            default: break
            }
            emit(event)
        }
        take(.started(AnswerStart(id: ByteSlice("msg_1"))))
        for byte in bytes where !order.isOver { make(byte, take) }
        for choice in 0..<2 where !order.isOver && begun[choice] {
            take(.partClosed(choice: choice))
            take(.finished(choice: choice, Finish(.stop)))
        }
        take(.ended)
    }

    /// Whether a stream that is cut here, by a client that leaves or by the gateway's own end, has
    /// no half event in it: then what a client has had is a legal beginning of what is checked.
    package static func isWholeEvents(_ output: ByteSlice) -> Bool {
        output.isEmpty || output.count > 2 && output.dropFirst(output.count - 2) == "\n\n"
    }

    private static let texts: [StaticString] = [
        "", "a", "\"\n\\", "{\"x\":1}", "漢\u{1F600}", "\r\u{0}",
    ]

    private static func make(_ byte: UInt8, _ take: (ModelEvent) -> Void) {
        let choice = byte >> 6 == 3 ? 1 : 0
        let text = ByteSlice(texts[Int(byte >> 3 & 7) % texts.count])
        switch byte & 7 {
        case 0:
            let starts: [PartStart] = [
                .text, .reasoning, .redactedReasoning, .refusal, .image(mediaType: text),
                .toolCall(id: text, name: ByteSlice("f"), isCustom: false),
                .toolCall(id: .empty, name: text, isCustom: true), .text,
            ]
            take(.partOpened(choice: choice, starts[Int(byte >> 3 & 7)]))
        case 1, 2: take(.delta(choice: choice, text))
        case 3: take(.signature(choice: choice, text))
        case 4, 5: take(.partClosed(choice: choice))
        case 6:
            var usage = Usage()
            usage.inputTokens = Int(byte >> 3)
            usage.cachedTokens = Int(byte >> 5)
            usage.outputTokens = Int(byte)
            take(.usage(usage))
        default:
            if byte >> 3 & 7 == 7 {
                take(.failed(Failure(.upstreamCut, "cut \"here\"\n")))
            } else {
                take(.finished(choice: choice, Finish(.length)))
            }
        }
    }
}
