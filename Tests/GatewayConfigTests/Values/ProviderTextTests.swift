import Testing

@testable import GatewayConfig

@Suite struct ProviderTextTests {
    private func accepts(_ check: () throws -> String) -> Bool { (try? check()) != nil }

    @Test func segmentsCannotLeaveTheirPath() {
        for text in ["p", "my-project-1", "example.com:project", "v1beta", "v_1"] {
            #expect(accepts { try ProviderText.segment(text) })
        }
        for text in ["a/b", "..", ".", "a?b", "a%2f", "a b", "é", "a\\b"] {
            #expect(!accepts { try ProviderText.segment(text) }, "\(text)")
        }
        #expect(!accepts { try ProviderText.segment(String(repeating: "a", count: 129)) })
    }

    @Test func locationsBecomeHosts() throws {
        #expect(try ProviderText.location("US-Central1") == "us-central1")
        for text in ["a.b", "a/b", "a:1", "a@b", String(repeating: "a", count: 41)] {
            #expect(!accepts { try ProviderText.location(text) }, "\(text)")
        }
    }

    @Test func versionsOfSalesforce() {
        for text in ["v64.0", "v1.12"] {
            #expect(accepts { try ProviderText.salesforceVersion(text) })
        }
        for text in ["64.0", "v64", "v64.", "v.0", "v64.0.1", "v64.x", "vv4.0", "v12345.0", ""] {
            #expect(!accepts { try ProviderText.salesforceVersion(text) }, "\(text)")
        }
    }

    @Test func wordsOfHeaders() {
        #expect(accepts { try ProviderText.word("interleaved-thinking-2025-05-14") })
        for text in ["a b", "a,b", "é", "a\r\nb"] {
            #expect(!accepts { try ProviderText.word(text) })
        }
    }

    @Test func locales() {
        for text in ["en_US", "de", "zh-Hans"] {
            #expect(accepts { try ProviderText.locale(text) })
        }
        for text in ["en US", "en/US", "\""] { #expect(!accepts { try ProviderText.locale(text) }) }
    }

    @Test func urlsStayAsTheyAreWritten() throws {
        #expect(
            try ProviderText.url("https://Login.salesforce.com/") == "https://Login.salesforce.com/"
        )
        #expect(!accepts { try ProviderText.url("login.salesforce.com") })
    }
}
