import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

/// What must hold for any grant and any answer.
@Suite struct TokenGrantTests {
    /// Each grant with a whole log-in.
    private static func cases() throws -> [(TokenGrant, [TokenReplyScript])] {
        let instance = TokenEndpoint(usesTLS: true, host: "a.example", port: 443, path: "")
        let token = webToken(#"{"exp":\#(GrantTalk.now + 100),"x":[1,{"y":null}]}"#)
        let one = TokenReplyScript(
            fields: [("Date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("Content-Type", "a/b")],
            body: #"{"access_token":"\#(token)","issued_at":"1767225600123","expires_in":3599,"#
                + #""api_instance_url":"https://api.example:1/x"}"#)
        let state = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
        return [
            (
                .salesforce(
                    SalesforceGrant(
                        instance: instance, clientID: "c", proof: .clientSecret(Secret("sesame-1"))
                    )), [one]
            ),
            (
                .google(
                    GoogleGrant(try GoogleGrantTests.credentials(GoogleGrantTests.userFile))),
                [one]
            ),
            (
                .sambaNova(SambaNovaLogin(email: "m@x.y", password: Secret("sesame-1"))),
                [
                    TokenReplyScript(
                        body: #"{"clientId":"c","issuerBaseUrl":"auth0.sambanova.ai","#
                            + #""redirectURL":"https://cloud.sambanova.ai/web"}"#),
                    TokenReplyScript(
                        fields: [("set-cookie", "a=b; Domain=sambanova.ai; Max-Age=9")],
                        body: #"{"login_ticket":"t"}"#),
                    TokenReplyScript(
                        status: 302,
                        fields: [("location", "https://cloud.sambanova.ai/c?code=1&state=\(state)")]
                    ),
                    TokenReplyScript(
                        status: 200,
                        fields: [
                            (
                                "set-cookie",
                                "access_token=\(token); Domain=.sambanova.ai; "
                                    + "Expires=Fri, 02 Jan 2026 00:00:00 GMT"
                            )
                        ]),
                ]
            ),
        ]
    }

    private func run(_ grant: TokenGrant, _ replies: [TokenReplyScript]) -> GrantTalk {
        var talk = GrantTalk(grant)
        for reply in replies where talk.end == nil { talk.answer(reply) }
        return talk
    }

    @Test func theCasesAreWhole() throws {
        for (grant, replies) in try Self.cases() { #expect(run(grant, replies).token != nil) }
    }

    /// Every cut of every body and field ends in a token, a failure or another request.
    @Test func cutAnswersNeverTrap() throws {
        for (grant, replies) in try Self.cases() {
            for step in replies.indices {
                let body = Array(replies[step].body.utf8)
                for cut in 0..<body.count {
                    var broken = replies
                    broken[step].body = String(decoding: body.prefix(cut), as: UTF8.self)
                    #expect(run(grant, broken).failure?.kind == .malformed)
                }
                for (index, field) in replies[step].fields.enumerated() {
                    for cut in 0..<field.1.utf8.count {
                        var broken = replies
                        broken[step].fields[index].1 = String(field.1.prefix(cut))
                        check(run(grant, broken))
                    }
                }
            }
        }
    }

    @Test(arguments: 0..<8)
    func mutatedAnswersNeverTrap(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for (grant, replies) in try Self.cases() {
            for _ in 0..<400 {
                var broken = replies
                for step in broken.indices where random.next() % 2 == 0 {
                    broken[step].body = mutate(broken[step].body, &random)
                    for index in broken[step].fields.indices {
                        broken[step].fields[index].1 = mutate(
                            broken[step].fields[index].1, &random)
                    }
                    if random.next() % 4 == 0 { broken[step].status = Int(random.next() % 600) }
                }
                check(run(grant, broken))
            }
        }
    }

    private func mutate(_ text: String, _ random: inout SeededRandom) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<(random.next() % 4) where !bytes.isEmpty {
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 4 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 9))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func check(_ talk: GrantTalk) {
        if let token = talk.token {
            #expect(token.secret.withBytes { $0.raw.allSatisfy(ASCII.isVisible) && !$0.isEmpty })
            #expect((1...AccessToken.lifetimeMax).contains(token.lifetime))
        }
        if let failure = talk.failure {
            #expect(!failure.reason.contains("sesame-1"))
            #expect(failure.reason.utf8.count < 700)
            #expect(failure.reason.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
        for request in talk.sent {
            var head = ByteBuffer()
            request.append(userAgent: "test", to: &head)
            let lines = head.string.split(separator: "\r\n\r\n")[0]
            #expect(lines.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0D || $0 == 0x0A })
            #expect(lines.split(separator: "\r\n").count < 16)
        }
    }

    @Test func printsNoSecret() throws {
        for (grant, replies) in try Self.cases() {
            let talk = run(grant, replies)
            var shown = "\(grant) \(String(reflecting: grant)) \(talk.sent) \(talk.end as Any)"
            dump(talk.sent, to: &shown)
            dump(grant, to: &shown)
            for secret in ["sesame-1", "s3cret-of-client", "refresh-token", "eyJhbGci"] {
                #expect(!shown.contains(secret))
            }
        }
    }
}
