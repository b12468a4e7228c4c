// ResponsesResponseObserver.swift — reads, of a whole response that is passed on, what accounting
// needs, and whether it is one.
// Pure; borrows the body. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What a unary answer under a status of success says.
package struct ResponsesResponseObserver {
    package private(set) var usage: Usage?
    package private(set) var finishReason: FinishReason?
    /// The inside of the reported model's name in the body, escapes as they stand.
    package private(set) var model: Range<Int>?
    /// Why the body is no answer; nil if it is one, be it one that has yet to be made.
    package private(set) var failure: Failure?

    package init(observing body: ByteSlice) {
        var answer = ResponsesAnswerReader()
        do throws(JSONFailure) {
            var scanner = JSONScanner(body)
            try answer.read(&scanner)
            try scanner.finish()
        } catch {
            failure = Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
            return
        }
        usage = answer.usage
        model = answer.model
        if answer.isFailed || (answer.error != nil && !answer.hasOutput) {
            failure = (answer.error ?? ReportedError()).inBandFailure
        } else if !answer.hasOutput {
            failure = Failure(.upstreamMalformed, "The upstream's answer is no response.")
        } else {
            finishReason = answer.finishReason
        }
    }
}
