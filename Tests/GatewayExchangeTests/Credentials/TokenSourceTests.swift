import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct TokenSourceTests {
    @Test func twentyColdCallersAskOnce() throws {
        let stage = try TokenStage { _ in .token("first") }
        let source = try stage.source()
        #expect(source.state.phase == .empty)
        let waiters = stage.ask(source, count: 20)
        #expect(source.waitingCount == 20)
        stage.wait("the tokens") { waiters.allSatisfy(\.isTold) }
        #expect(waiters.allSatisfy { $0.token == "first" && $0.leases.count == 1 })
        #expect(stage.requests.map(\.head) == ["POST /services/oauth2/token"])
        #expect(
            stage.requests.first?.body
                == "grant_type=client_credentials&client_id=client&client_secret=top-secret")
        // Now it is at hand.
        let late = Waiter()
        stage.loop.withTurn {
            #expect(source.lease(for: late)?.token.secret == Secret("first"))
        }
        #expect(source.state.phase == .valid)
        #expect(source.state.secretBytes == 5)
        #expect(stage.events.count == 1)
        stage.finish()
    }

    @Test func twoSourcesThatShareAFileAskOnce() throws {
        let stage = try TokenStage { _ in .hold }
        let first = try stage.source(file: stage.file())
        let second = try stage.source(file: stage.file())
        let waiters = stage.ask(first, count: 20) + stage.ask(second, count: 20)
        stage.wait("the request") { stage.heldCount == 1 }
        stage.pass(.milliseconds(100))
        #expect(stage.requests.count == 1)
        stage.release(.token("shared"))
        stage.wait("the tokens") { waiters.allSatisfy(\.isTold) }
        #expect(waiters.allSatisfy { $0.token == "shared" })
        #expect(stage.requests.count == 1)
        #expect(stage.events.count { if case .shared = $0 { true } else { false } } == 1)
        // A worker that starts later finds it at once.
        let third = try stage.source(file: stage.file())
        stage.loop.withTurn {
            #expect(third.lease(for: Waiter())?.token.secret == Secret("shared"))
        }
        // One of another credential does not.
        let foreign = try stage.source(
            file: stage.file(identity: SHA256Digest(of: ByteSlice("x"))))
        stage.script = { _ in .token("foreign") }
        #expect(stage.outcome(foreign).token == "foreign")
        stage.finish()
    }

    @Test func sharedTokensAreRefreshedOnceWhenRejected() throws {
        let stage = try TokenStage { .token("t\($0)") }
        let first = try stage.source(file: stage.file())
        let second = try stage.source(file: stage.file())
        #expect(stage.outcome(first).token == "t0")
        #expect(stage.outcome(second).token == "t0")
        stage.loop.withTurn {
            for _ in 0..<20 {
                first.rejected(generation: 1)
                second.rejected(generation: 1)
            }
        }
        let waiters = stage.ask(first, count: 10) + stage.ask(second, count: 10)
        stage.wait("the tokens") { waiters.allSatisfy(\.isTold) }
        #expect(waiters.allSatisfy { $0.token == "t1" && $0.leases.last?.generation == 2 })
        #expect(stage.requests.count == 2)
        #expect(stage.events.count { $0 == .rejected } == 2)
        #expect(
            TokenEvent.rejected.text(provider: "acme").hasPrefix("Authentication error detected"))
        stage.finish()
    }

    @Test func whoHasLeftIsNotCalled() throws {
        let stage = try TokenStage { _ in .hold }
        let source = try stage.source()
        let waiters = stage.ask(source, count: 3)
        stage.wait("the request") { stage.heldCount == 1 }
        source.forget(waiters[1])
        source.forget(waiters[1])
        stage.release(.token("slow"))
        stage.wait("the tokens") { waiters[0].isTold && waiters[2].isTold }
        #expect(!waiters[1].isTold)
        #expect(source.waitingCount == 0)
        stage.finish()
    }

    @Test func faultsAreTriedAgainAndNobodyNotices() throws {
        let stage = try TokenStage {
            switch $0 {
            case 0: .json(500, "<html>")
            case 1: .cut
            default: .token("third")
            }
        }
        let source = try stage.source()
        #expect(stage.outcome(source).token == "third")
        #expect(stage.requests.count == 3)
        stage.finish()
    }

    @Test func threeFaultsAreAFailureAndItRecovers() throws {
        let stage = try TokenStage { $0 < 3 ? .json(503, "") : .token("fourth") }
        let source = try stage.source()
        let failure = try #require(stage.outcome(source).failure)
        #expect(failure.kind == .upstreamFault)
        #expect(
            failure.message
                == "Failed to obtain access token for 'acme': 127.0.0.1 answered with status 503.")
        #expect(stage.requests.count == 3)
        #expect(source.state.phase == .broken)
        // While the breaker is open nobody waits and nothing is asked.
        let refused = try #require(stage.outcome(source).failure)
        #expect(refused.status == 503)
        #expect(refused.retryAfter == 1)
        #expect(stage.requests.count == 3)
        stage.pass(.milliseconds(250))
        #expect(stage.outcome(source).token == "fourth")
        stage.finish()
    }

    @Test(
        arguments: [
            (
                TokenAnswerScript.json(
                    401, #"{"error":"invalid_client","error_description":"not top-secret"}"#),
                "127.0.0.1 answered with status 401: invalid_client: not ***."
            ),
            (.json(200, "<html>maintenance</html>"), "answered with what is not JSON"),
            (.json(200, "{}"), "127.0.0.1 answered without 'access_token'."),
            (.json(302, "", fields: "location: https://x/\r\n"), "redirect"),
            (.json(200, String(repeating: " ", count: 70_000)), "with more than 65536 bytes"),
            (
                .json(200, "x", fields: "content-encoding: gzip\r\n"),
                "an encoding that was not asked for"
            ),
        ])
    func whatIsFinalIsAskedOnce(answer: TokenAnswerScript, reason: String) throws {
        let stage = try TokenStage { _ in answer }
        let source = try stage.source()
        let waiters = stage.ask(source, count: 5)
        stage.wait("the failures") { waiters.allSatisfy(\.isTold) }
        for waiter in waiters {
            #expect(waiter.failure?.kind == .upstreamAuthentication)
            #expect(waiter.failure?.status == 502)
            let message = waiter.failure?.message ?? ""
            #expect(message.hasPrefix("Failed to obtain access token for 'acme': "))
            #expect(message.contains(reason), "\(message)")
        }
        #expect(stage.requests.count == 1)
        stage.finish()
    }

    @Test func anEndpointThatHangsRunsIntoTheClock() throws {
        let stage = try TokenStage { $0 == 0 ? .hold : .token("second") }
        var clocks = TokenSource.clocks
        clocks.head = .milliseconds(100)
        var policy = TokenStage.quick
        policy.attemptCountMax = 1
        let source = try stage.source(policy: policy, clocks: clocks)
        let failure = stage.outcome(source).failure
        #expect(failure?.kind == .upstreamTimeout)
        #expect(failure?.message.contains("response head time-out") == true)
        stage.pass(.milliseconds(250))
        #expect(stage.outcome(source).token == "second")
        stage.finish()
    }

    @Test func aStrangersCertificateGetsNoSecret() throws {
        let stage = try TokenStage { _ in .token("never") }
        let source = try stage.source(trusts: false)
        let failure = stage.outcome(source).failure
        #expect(failure?.kind == .upstreamUnreachable)
        #expect(failure?.message.contains("no secure connection to 127.0.0.1") == true)
        #expect(stage.requests.isEmpty)
        stage.finish()
    }

    @Test func aTokenIsRefreshedBeforeItsEndWithoutARequest() throws {
        let stage = try TokenStage { .token("t\($0)") }
        var policy = TokenStage.quick
        policy.refreshInterval = 1
        let source = try stage.source(grant: stage.grant(lifetimeDefault: 100), policy: policy)
        #expect(stage.outcome(source).token == "t0")
        stage.wait("the refresh") { source.state.generation == 2 }
        #expect(stage.outcome(source).token == "t1")
        stage.finish()
    }

    @Test func aTokenCanBeHadBeforeAnyRequest() throws {
        let stage = try TokenStage { _ in .token("early") }
        let source = try stage.source()
        stage.loop.withTurn { source.prepare() }
        stage.wait("the token") { source.state.isUsable }
        #expect(stage.requests.count == 1)
        stage.finish()
    }

    @Test func thoseWhoWaitAreBounded() throws {
        let stage = try TokenStage { _ in .hold }
        let source = try stage.source()
        let waiters = stage.ask(source, count: TokenSource.waitingMax)
        #expect(source.waitingCount == TokenSource.waitingMax)
        let refused = stage.outcome(source)
        #expect(refused.failure?.kind == .overloaded)
        #expect(refused.failure?.retryAfter == 1)
        for waiter in waiters.dropFirst(10) { source.forget(waiter) }
        #expect(source.waitingCount == 10)
        stage.wait("the request") { stage.heldCount == 1 }
        stage.release(.token("late"))
        stage.wait("the tokens") { waiters[..<10].allSatisfy(\.isTold) }
        #expect(!waiters[10].isTold)
        stage.finish()
    }

    @Test func closingTellsWhoWaitsAndGivesTheLockBack() throws {
        let stage = try TokenStage { _ in .hold }
        let file = stage.file()
        let source = try stage.source(file: file)
        let waiter = stage.ask(source)[0]
        stage.wait("the request") { stage.heldCount == 1 }
        #expect(file.isLocked)
        source.close()
        #expect(waiter.failure?.kind == .shuttingDown)
        #expect(!file.isLocked)
        #expect(stage.outcome(source).failure?.kind == .shuttingDown)
        stage.finish()
    }

    @Test func aFileThatCannotBeUsedIsDoneWithout() throws {
        let stage = try TokenStage { _ in .token("memory") }
        let file = TokenFile(
            directory: stage.directory.path + "/missing", name: "t", identity: stage.grant.identity)
        let source = try stage.source(file: file)
        #expect(stage.outcome(source).token == "memory")
        #expect(stage.events.contains { if case .fileFailed = $0 { true } else { false } })
        stage.finish()
    }

    @Test func aLogInOfFourStepsPasses() throws {
        let stage = try TokenStage { _ in .cut }
        let site = stage.endpoint
        var state = ""
        stage.script = { [unowned stage] index in
            switch index {
            case 0:
                return .json(
                    200,
                    #"{"clientId":"c","issuerBaseUrl":"127.0.0.1:\#(site.port)","#
                        + #""redirectURL":"\#(site.origin)/cb"}"#)
            case 1: return .json(200, #"{"login_ticket":"t"}"#)
            case 2:
                let query = stage.requests[2].head.split(separator: "?").last ?? ""
                state =
                    query.split(separator: "&").first { $0.hasPrefix("state=") }
                    .map(String.init) ?? ""
                return .json(302, "", fields: "location: \(site.origin)/cb?code=1&\(state)\r\n")
            default:
                return .json(200, "", fields: "set-cookie: access_token=cookie; Max-Age=77\r\n")
            }
        }
        let login = SambaNovaLogin(site: site, email: "a@b.c", password: Secret("top-secret"))
        let source = try stage.source(grant: .sambaNova(login))
        #expect(stage.outcome(source).leases.last?.token.lifetime == 77)
        #expect(stage.outcome(source).token == "cookie")
        #expect(
            stage.requests.map { String($0.head.prefix { $0 != "?" }) } == [
                "GET /api/config", "POST /co/authenticate", "GET /authorize", "GET /cb",
            ])
        #expect(state.utf8.count == 6 + 43)
        stage.finish()
    }
}
