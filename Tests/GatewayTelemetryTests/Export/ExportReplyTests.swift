// ExportReplyTests.swift — what collectors' answers mean.

import GatewayCodec
import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct ExportReplyTests {
    private let arena = JSONArena()

    private func otlp(_ status: Int, _ body: String = "{}") -> ExportReply {
        body.withByteSlice { .otlp(status: status, body: $0, arena) }
    }

    private func ingestion(_ status: Int, _ body: String = "{}") -> ExportReply {
        body.withByteSlice { .ingestion(status: status, body: $0, arena) }
    }

    @Test func otlpIsSentAgainOnlyWhereItsRulesSaySo() {
        #expect(otlp(200) == .taken(refused: 0))
        #expect(otlp(202, "") == .taken(refused: 0))
        #expect(otlp(200, "no JSON") == .taken(refused: 0))
        for status in [429, 502, 503, 504] { #expect(otlp(status) == .again) }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            #expect(otlp(status) == .refused)
        }
    }

    @Test func partialSuccessTellsHowManyWereLeftOut() {
        #expect(
            otlp(200, #"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#)
                == .taken(refused: 3))
        #expect(otlp(200, #"{"partialSuccess":{"rejectedSpans":2}}"#) == .taken(refused: 2))
        #expect(
            otlp(200, #"{"partialSuccess":{"rejectedDataPoints":"1"}}"#) == .taken(refused: 1))
        #expect(otlp(200, #"{"partialSuccess":{}}"#) == .taken(refused: 0))
        #expect(otlp(200, #"{"partialSuccess":{"rejectedSpans":-5}}"#) == .taken(refused: 0))
    }

    @Test func ingestionListsWhatBecameOfEachEvent() {
        #expect(ingestion(207, #"{"successes":[{"id":"a"}],"errors":[]}"#) == .taken(refused: 0))
        #expect(
            ingestion(207, #"{"errors":[{"status":400},{"status":401}]}"#) == .taken(refused: 2))
        #expect(ingestion(207, #"{"errors":[{"status":400},{"status":503}]}"#) == .again)
        #expect(
            ingestion(207, #"{"errors":[{"status":400,"message":"Event type not accepted"}]}"#)
                == .gone)
        #expect(
            ingestion(207, #"{"errors":[{"status":400,"message":"x","error":"not accepted"}]}"#)
                == .gone)
        for status in [404, 410] { #expect(ingestion(status) == .gone) }
        for status in [429, 500, 502, 503] { #expect(ingestion(status) == .again) }
        for status in [400, 401, 403, 405, 413] { #expect(ingestion(status) == .refused) }
    }
}
