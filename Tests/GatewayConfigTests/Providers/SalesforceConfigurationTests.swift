import GatewayConfig
import GatewayModel
import Testing

@Suite struct SalesforceConfigurationTests {
    @Test func aSecretComesBeforeAKeyFile() {
        var settings = SalesforceConfiguration()
        settings.username = "u"
        settings.privateKeyFile = "f"
        guard case .jwtBearer("u", "f") = settings.grant else {
            Issue.record("wrong grant")
            return
        }
        settings.consumerSecret = Secret("s")
        guard case .clientCredentials(let secret) = settings.grant else {
            Issue.record("wrong grant")
            return
        }
        #expect(secret == Secret("s"))
    }

    @Test func tokensComeFromTheInstance() {
        var settings = SalesforceConfiguration()
        settings.instanceURL = BaseURL(host: "acme.my.salesforce.com")
        #expect(
            settings.effectiveTokenURL.description
                == "https://acme.my.salesforce.com/services/oauth2/token")
        settings.tokenURL = BaseURL(host: "other.example", pathPrefix: "/t")
        #expect(settings.effectiveTokenURL.description == "https://other.example/t")
    }
}
