import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TokenMachineTests {
    /// A play that has a token of `seconds`.
    private func warm(_ policy: TokenPolicy = TokenPolicy(), lasting seconds: Int) -> TokenPlay {
        var play = TokenPlay(policy)
        #expect(play.lease() == nil)
        play.answer(play.token("first", lasting: seconds))
        #expect(play.lease() == "first")
        return play
    }

    @Test func twentyColdCallersRefreshOnce() {
        var play = TokenPlay()
        for _ in 0..<20 { #expect(play.ask() == nil) }
        #expect(play.requestCount == 1)
        #expect(play.machine.state(now: play.now).phase == .refreshing)
        play.answer(play.token("first", lasting: 100))
        #expect(play.served.count == 20)
        #expect(play.served.allSatisfy { $0.generation == 1 })
        #expect(play.lease() == "first")
        #expect(play.requestCount == 1)
        #expect(play.file?.secret == Secret("first"))
    }

    /// Seconds after which a token of so many seconds is refreshed.
    @Test(
        arguments: [
            (TokenPolicy.salesforce, 3000, 1200), (.salesforce, 1800, 720),
            (.salesforce, 7140, 5340), (TokenPolicy(), 3600, 3240), (TokenPolicy(), 86_400, 82_800),
            (TokenPolicy(), 7, 7), (.salesforce, 5, 2),
        ])
    func refreshesBeforeTheEnd(policy: TokenPolicy, lifetime: Int, expected: Int) {
        var play = warm(policy, lasting: lifetime)
        play.pass(.seconds(expected) - .milliseconds(1))
        #expect(play.requestCount == 1)
        play.pass(.milliseconds(1))
        #expect(play.requestCount == 2)
    }

    @Test func anHourOfSalesforceTakesThreeRefreshes() {
        var play = warm(.salesforce, lasting: 3000)
        for _ in 0..<3600 {
            play.pass(.seconds(1))
            if play.pending > 0 { play.answer(play.token("next", lasting: 3000)) }
            #expect(play.lease() != nil)
        }
        #expect(play.requestCount == 1 + 3)
    }

    @Test func anIntervalOfItsOwnIsKept() {
        var policy = TokenPolicy()
        policy.refreshInterval = 60
        var play = warm(policy, lasting: 3600)
        play.pass(.seconds(59))
        #expect(play.requestCount == 1)
        play.pass(.seconds(1))
        #expect(play.requestCount == 2)
    }

    @Test func theOldTokenServesWhileItHolds() {
        var play = warm(lasting: 1000)
        play.pass(.seconds(901))
        #expect(play.requestCount == 2)
        #expect(play.lease() == "first")
        #expect(play.machine.state(now: play.now).phase == .refreshing)
        #expect(play.machine.state(now: play.now).isUsable)
        play.pass(.seconds(93))
        #expect(play.lease() == "first")
        // Five seconds before its end it is not begun with any more.
        play.pass(.seconds(1))
        #expect(play.lease() == nil)
        play.answer(play.token("second", lasting: 1000))
        #expect(play.served.map(\.generation) == [1, 2])
    }

    @Test func aFailedRefreshDoesNotHarmTheTokenAtHand() {
        var play = warm(lasting: 1000)
        play.pass(.seconds(900))
        play.fail(.refused)
        #expect(play.lease() == "first")
        #expect(play.machine.state(now: play.now).phase == .valid)
        play.pass(.seconds(29))
        #expect(play.requestCount == 2)
        play.pass(.seconds(1))
        #expect(play.requestCount == 3)
        play.answer(play.token("second", lasting: 1000))
        #expect(play.lease() == "second")
        #expect(play.failures.isEmpty)
    }

    @Test func threeAttemptsWithGrowingWaits() {
        var play = TokenPlay()
        #expect(play.ask() == nil)
        play.fail(.fault)
        #expect(play.machine.state(now: play.now).phase == .waiting)
        play.pass(.milliseconds(999))
        #expect(play.requestCount == 1)
        play.pass(.milliseconds(1))
        #expect(play.requestCount == 2)
        play.fail(TokenFailure(.timedOut, "host did not answer in time"))
        play.pass(.milliseconds(1999))
        #expect(play.requestCount == 2)
        play.pass(.milliseconds(1))
        #expect(play.requestCount == 3)
        #expect(play.holdsLock)
        play.fail(TokenFailure(.unreachable, "host cannot be reached"))
        #expect(!play.holdsLock)
        #expect(
            play.failures == [
                Failure(
                    .upstreamUnreachable,
                    "Failed to obtain access token for 'acme': host cannot be reached.")
            ])
        #expect(play.failures[0].status == 502)
    }

    @Test(
        arguments: [
            (TokenFailure.Kind.refused, Failure.Kind.upstreamAuthentication, 502),
            (.malformed, .upstreamAuthentication, 502), (.rateLimited, .upstreamOverload, 503),
            (.fault, .upstreamFault, 502), (.unreachable, .upstreamUnreachable, 502),
            (.timedOut, .upstreamTimeout, 504),
        ])
    func tellsWhoseFaultItIs(kind: TokenFailure.Kind, told: Failure.Kind, status: Int) {
        var policy = TokenPolicy()
        policy.attemptCountMax = 1
        var play = TokenPlay(policy)
        #expect(play.ask() == nil)
        play.fail(TokenFailure(kind, "why"))
        #expect(play.failures.map(\.kind) == [told])
        #expect(play.failures.map(\.status) == [status])
        #expect(play.failures.allSatisfy { $0.message.hasPrefix("Failed to obtain access token") })
    }

    /// While nothing is tried, a refused credential is still told as one: no wait of the caller's mends it.
    @Test(
        arguments: [
            (TokenFailure.Kind.refused, Failure.Kind.upstreamAuthentication, 502, true),
            (.malformed, .upstreamAuthentication, 502, true),
            (.rateLimited, .upstreamOverload, 503, false), (.fault, .upstreamOverload, 503, false),
            (.unreachable, .upstreamOverload, 503, false),
            (.timedOut, .upstreamOverload, 503, false),
        ])
    func tellsWhoseFaultItIsWhileItWaits(
        kind: TokenFailure.Kind, told: Failure.Kind, status: Int, isFinal: Bool
    ) {
        var policy = TokenPolicy()
        policy.attemptCountMax = 1
        var play = TokenPlay(policy)
        #expect(play.ask() == nil)
        play.fail(TokenFailure(kind, "why"))
        let refusal = play.refusal()
        #expect(refusal?.kind == told)
        #expect(refusal?.status == status)
        #expect(refusal?.isFinal == isFinal)
        #expect(refusal?.retryAfter == 30)
        #expect(
            refusal?.message
                == "Failed to obtain access token for 'acme': why. The next try is in 30 s.")
        #expect(play.requestCount == 1)
    }

    @Test func finalFailuresAreNotTriedAgain() {
        var play = TokenPlay()
        #expect(play.ask() == nil)
        play.fail(.refused)
        #expect(play.failures.count == 1)
        play.pass(.seconds(3600))
        #expect(play.requestCount == 1)
    }

    @Test func theBreakerDoublesAndSaysWhenItTriesAgain() {
        var play = TokenPlay()
        for (round, time) in [30, 60, 120, 240, 300, 300, 300].enumerated() {
            #expect(play.ask() == nil)
            #expect(play.requestCount == round + 1)
            play.fail(.refused)
            let refusal = play.refusal()
            #expect(refusal?.kind == .upstreamAuthentication)
            #expect(refusal?.isFinal == true)
            #expect(refusal?.retryAfter == time)
            #expect(
                refusal?.message.hasPrefix(
                    "Failed to obtain access token for 'acme': host answered with status 400: "
                        + "invalid_grant. ") == true)
            #expect(play.machine.state(now: play.now).phase == .broken)
            #expect(play.machine.state(now: play.now).retryIn == time)
            play.pass(.seconds(time) - .milliseconds(1))
            #expect(play.refusal()?.retryAfter == 1)
            play.pass(.milliseconds(1))
        }
        #expect(play.ask() == nil)
        play.answer(play.token("first", lasting: 100))
        #expect(play.machine.state(now: play.now).phase == .valid)
        #expect(play.machine.state(now: play.now).reason == nil)
        // And begins with the short time again.
        play.pass(.seconds(100))
        play.fail(.refused)
        #expect(play.refusal()?.retryAfter == 30)
    }

    @Test func waitsAsLongAsItIsAskedTo() {
        var play = TokenPlay()
        #expect(play.ask() == nil)
        play.fail(TokenFailure(.rateLimited, "slow down", retryAfter: 7))
        play.pass(.milliseconds(6999))
        #expect(play.requestCount == 1)
        play.pass(.milliseconds(1))
        #expect(play.requestCount == 2)
        play.fail(TokenFailure(.rateLimited, "slow down", retryAfter: 100))
        #expect(play.failures.map(\.retryAfter) == [100])
        #expect(play.refusal()?.retryAfter == 100)
        play.pass(.seconds(100))
        #expect(play.ask() == nil)
        play.fail(TokenFailure(.rateLimited, "slow down", retryAfter: .max))
        #expect(play.refusal()?.retryAfter == 300)
    }

    // MARK: Rejection

    @Test func aRejectedTokenIsRefreshedOnce() {
        var play = warm(lasting: 10_000)
        play.pass(.seconds(100))
        for _ in 0..<20 { play.reject(1) }
        #expect(play.requestCount == 2)
        for _ in 0..<20 { #expect(play.ask() == nil) }
        play.answer(play.token("second", lasting: 10_000))
        #expect(play.served.count == 1 + 20)
        // Those that had the old one come late.
        for _ in 0..<20 { play.reject(1) }
        #expect(play.lease() == "second")
        #expect(play.requestCount == 2)
    }

    @Test func aRejectionJoinsTheRefreshThatIsUnderWay() {
        var play = warm(lasting: 1000)
        play.pass(.seconds(900))
        #expect(play.requestCount == 2)
        play.reject(1)
        #expect(play.ask() == nil)
        #expect(play.requestCount == 2)
        play.answer(play.token("second", lasting: 1000))
        #expect(play.lease() == "second")
    }

    @Test func theRejectedTokenIsNotTakenFromTheFile() {
        var play = warm(lasting: 10_000)
        #expect(play.file?.secret == Secret("first"))
        play.reject(1)
        #expect(play.requestCount == 2)
        #expect(play.lease() == nil)
    }

    @Test func anotherWorkersTokenIsTakenInsteadOfARefresh() {
        var play = warm(lasting: 10_000)
        play.file = play.token("theirs", lasting: 9000)
        play.reject(1)
        #expect(play.lease() == "theirs")
        #expect(play.requestCount == 1)
        #expect(!play.holdsLock)
    }

    @Test func tokensThatAreAllRejectedOpenTheBreaker() {
        var play = warm(lasting: 10_000)
        for generation in 1...3 {
            #expect(play.requestCount == generation)
            play.reject(generation)
            if play.pending > 0 { play.answer(play.token("t\(generation)", lasting: 10_000)) }
        }
        #expect(play.refusal()?.retryAfter == 30)
        #expect(play.refusal()?.message.contains("does not accept the tokens") == true)
        play.pass(.seconds(30))
        #expect(play.ask() == nil)
        play.answer(play.token("t4", lasting: 10_000))
        play.reject(4)
        #expect(play.refusal()?.kind == .upstreamAuthentication)
        // A token that has served is another matter.
        play.pass(.seconds(60))
        #expect(play.ask() == nil)
        play.answer(play.token("t5", lasting: 10_000))
        play.pass(.seconds(61))
        play.reject(5)
        #expect(play.pending == 1)
    }

    // MARK: Clocks

    @Test func aWallClockThatIsSetBackDoesNotKeepATokenAlive() {
        var play = warm(lasting: 1000)
        play.wall -= 86_400
        play.pass(.seconds(899))
        #expect(play.lease() == "first")
        #expect(play.requestCount == 1)
        play.pass(.seconds(1))
        #expect(play.requestCount == 2)
        play.pass(.seconds(100))
        #expect(play.lease() == nil)
    }

    @Test func aWallClockThatIsSetForwardEndsIt() {
        var play = warm(lasting: 1000)
        play.pass(.seconds(2))
        play.wall += 950
        #expect(play.lease() == "first")
        #expect(play.requestCount == 2)
        play.wall += 100
        #expect(play.lease() == nil)
        play.answer(play.token("second", lasting: 1000))
        #expect(play.lease() == "second")
    }

    // MARK: The file

    @Test func aGoodTokenInTheFileNeedsNoRequest() {
        var play = TokenPlay()
        play.file = play.token("kept", lasting: 1000)
        play.pass(.seconds(500))
        #expect(play.ask() == nil)
        #expect(play.served.map(\.token.secret) == [Secret("kept")])
        #expect(play.requestCount == 0)
        #expect(!play.holdsLock)
        // It is refreshed when it is due, not later.
        play.pass(.seconds(400))
        #expect(play.requestCount == 1)
    }

    @Test func aTokenInTheFileThatIsDueServesMeanwhile() {
        var play = TokenPlay()
        play.file = play.token("kept", lasting: 1000)
        play.pass(.seconds(950))
        #expect(play.ask() == nil)
        #expect(play.served.count == 1)
        #expect(play.requestCount == 0)
        play.pass(.seconds(1))
        #expect(play.requestCount == 1)
        #expect(play.lease() == "kept")
        play.answer(play.token("new", lasting: 1000))
        #expect(play.lease() == "new")
    }

    @Test func deadOrMadTokensInTheFileAreIgnored() {
        let play = TokenPlay()
        for (created, expires) in [(-1000, 0), (-1000, 4), (0, 366 * 86_400 + 1), (100, 50)] {
            var play = play
            play.file = AccessToken(
                secret: Secret("x"), createdAt: play.wall + created,
                expiresAt: play.wall + expires)
            #expect(play.lease() == nil)
            #expect(play.requestCount == 1, "\(created) \(expires)")
        }
    }

    @Test func waitsForTheOtherWorker() {
        var play = TokenPlay()
        play.isLocked = true
        for _ in 0..<20 { #expect(play.ask() == nil) }
        play.pass(.seconds(5))
        #expect(play.requestCount == 0)
        play.file = play.token("theirs", lasting: 1000)
        play.pass(.milliseconds(100))
        #expect(play.served.count == 20)
        #expect(play.requestCount == 0)
    }

    @Test func doesWithoutALockThatNobodyGivesBack() {
        var play = TokenPlay()
        play.isLocked = true
        #expect(play.ask() == nil)
        play.pass(.milliseconds(34_900))
        #expect(play.requestCount == 0)
        play.pass(.milliseconds(200))
        #expect(play.requestCount == 1)
        play.answer(play.token("own", lasting: 1000))
        #expect(play.lease() == "own")
        // What is not locked is not written.
        #expect(play.file == nil)
    }

    // MARK: All of it

    @Test func showsNoSecret() {
        var play = TokenPlay()
        #expect(play.machine.state(now: play.now).phase == .empty)
        #expect(play.ask() == nil)
        play.answer(play.token("tell-nobody", lasting: 1000))
        let state = play.machine.state(now: play.now)
        #expect(state.secretBytes == 11)
        #expect(state.expiresAt == play.wall + 1000)
        var shown = "\(play.machine) \(state)"
        dump(play, to: &shown)
        #expect(!shown.contains("tell-nobody"))
    }

    /// Any order of events keeps the invariants, and in the end every request has been answered.
    @Test(arguments: 0..<20)
    func anyOrderOfEventsEnds(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var play = TokenPlay(seed % 2 == 0 ? .salesforce : TokenPolicy())
        var asked = 0
        for step in 0..<3000 {
            switch random.next() % 12 {
            case 0...3:
                switch play.ask() {
                case .success(let lease):
                    #expect(lease.token.expiresAt > play.wall)
                case .failure(let failure):
                    #expect(failure.kind == .upstreamAuthentication || failure.status == 503)
                    #expect(failure.retryAfter != nil)
                    #expect(play.pending == 0)
                case nil: asked += 1
                }
            case 4...5 where play.pending > 0:
                play.answer(play.token("t\(step)", lasting: Int(random.next() % 4000) + 1))
            case 6 where play.pending > 0: play.fail(.fault)
            case 7 where play.pending > 0:
                play.fail(
                    TokenFailure(.refused, "no", retryAfter: Int(random.next() % 400)))
            case 8: play.reject(Int(random.next() % 30))
            case 9: play.isLocked.toggle()
            case 10:
                play.file = play.token("f\(step)", lasting: Int(random.next() % 4000))
            default: play.pass(.milliseconds(Int64(random.next() % 200_000)))
            }
            #expect(play.pending <= 1)
        }
        play.isLocked = false
        play.pass(.seconds(60))
        for _ in 0..<3 {
            if play.pending > 0 { play.fail(.refused) }
            play.pass(.seconds(60))
        }
        #expect(play.waiting == 0)
        #expect(play.served.count + play.failures.count == asked)
    }
}
