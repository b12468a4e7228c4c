import ReactorCore
import Testing

@Suite struct BackoffTests {
    private let backoff = Backoff(base: .milliseconds(500), cap: .seconds(8), jitter: 0.25)

    @Test func doublesUpToTheCap() {
        let waits = [1, 2, 3, 4, 5, 6, 7, 1_000_000].map {
            backoff.delay(afterFailures: $0, draw: 0)
        }
        #expect(
            waits == [
                .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(8),
                .seconds(8), .seconds(8),
            ])
    }

    @Test func jittersDownwards() {
        #expect(backoff.delay(afterFailures: 2, draw: 0.5) == .milliseconds(875))
        let least = backoff.delay(afterFailures: 2, draw: 0.999_999)
        #expect(least > .milliseconds(750) && least < .milliseconds(751))
    }

    @Test func staysConstantWithFactorOne() {
        let constant = Backoff(base: .seconds(2), cap: .seconds(3), factor: 1, jitter: 0)
        #expect(constant.delay(afterFailures: .max, draw: 0.9) == .seconds(2))
    }
}
