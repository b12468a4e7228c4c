import GatewayCodec
import GatewayConfig
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct ServiceStatusTests {
    private func running() -> ServiceStatus {
        var status = ServiceStatus(process: .running, pidFile: "/run/g.pid")
        status.id = 10
        status.url = "http://127.0.0.1:8000"
        status.uptimeSeconds = 61
        status.workers = [11, 12]
        return status
    }

    @Test func aHealthyOne() {
        var status = running()
        let body = #"{"status":"healthy","version":"1.2","requests":{"total":5,"in_flight":1}}"#
        status.add(health: Array(body.utf8), status: 200)
        #expect(status.exitCode == 0)
        #expect(
            status.text == """
                gateway is running
                  pid      10
                  version  1.2
                  url      http://127.0.0.1:8000
                  uptime   1 min 1 s
                  workers  2 (11, 12)
                  health   healthy, 5 requests, 1 in flight
                """)
    }

    @Test func oneThatDoesNotAnswerWell() {
        var status = running()
        status.add(health: Array("no".utf8), status: 502)
        #expect(status.exitCode == 4)
        #expect(status.text.hasSuffix("health   it answers with HTTP 502"))
        status.add(health: Array(#"{"status":"draining"}"#.utf8), status: 200)
        #expect(status.exitCode == 4)
        status.add(health: Array("{".utf8), status: 200)
        #expect(status.exitCode == 4)
    }

    @Test func oneThatIsNotThere() {
        #expect(ServiceStatus(process: .notRunning, pidFile: "p").exitCode == 3)
        #expect(ServiceStatus(process: .notRunning, pidFile: "p").text == "gateway is not running")
        var dead = ServiceStatus(process: .dead, pidFile: "/run/g.pid")
        dead.id = 9
        #expect(dead.exitCode == 1)
        #expect(
            dead.text == "gateway is not running, but /run/g.pid is there: process 9 is gone")
    }

    @Test func asJSON() throws {
        var buffer = ByteBuffer()
        buffer.writeJSON { running().write(&$0) }
        let tree = try JSONArena().read(buffer.slice)
        #expect(tree.root["running"]?.bool == true)
        #expect(tree.root["healthy"]?.bool == false)
        #expect(tree.root["pid"]?.int == 10)
        #expect(tree.root["workers"]?.count == 2)
        #expect(tree.root["pid_file"]?.string?.string == "/run/g.pid")
    }

    @Test func pathsGoByTheEnvironmentAndTheConfiguration() {
        var configuration = Configuration()
        configuration.stateDirectory = "/state"
        #expect(
            ServicePaths(configuration)
                == ServicePaths(pidFile: "/state/gateway.pid", logFile: "/state/gateway.log"))
        configuration.environment = .production
        #expect(ServicePaths(configuration).pidFile == "/run/gateway/gateway.pid")
        #expect(ServicePaths(configuration).logFile == "/var/log/gateway/gateway.log")
        configuration.service.pidFile = "/a.pid"
        configuration.service.logFile = "/a.log"
        #expect(
            ServicePaths(configuration) == ServicePaths(pidFile: "/a.pid", logFile: "/a.log"))
    }
}
