import GatewayModel
import Testing

@Suite struct FailureTests {
    @Test(arguments: Failure.Kind.allCases)
    func hasAnErrorStatus(_ kind: Failure.Kind) {
        let failure = Failure(kind, "")
        #expect((400...599).contains(failure.status))
        // Only what is not the caller's fault may look like a server's.
        if failure.fault != .caller {
            let isOurs = failure.status >= 500 || failure.status == 429
            #expect(isOurs, "\(kind) is \(failure.status)")
        }
        // What may be tried elsewhere is the upstream's fault alone.
        #expect(failure.mayBeTriedElsewhere == (failure.fault == .upstream))
    }

    @Test func keepsTheStatusOfARefusal() {
        #expect(Failure(.upstreamRefusal, "", upstreamStatus: 422).status == 422)
        #expect(Failure(.upstreamRefusal, "", upstreamStatus: 422).isFinal)
        #expect(!Failure(.upstreamRefusal, "", upstreamStatus: 409).isFinal)
        // The client's key is fine, so its status must not be 401.
        #expect(Failure(.upstreamAuthentication, "", upstreamStatus: 401).status == 502)
    }

    @Test func namesTheClock() {
        let failure = Failure.timeout(.responseHead, after: .seconds(60))
        #expect(failure.status == 504)
        #expect(failure.isFinal)
        #expect(failure.message.contains("response head time-out of 60 s"))
    }
}
