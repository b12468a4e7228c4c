// ServiceStatus.swift — what `gateway status` tells: of the process, and of its own answer to
// `/health`. Pure value; the texts come from it.

import GatewayCodec
import ReactorCore

/// The state of a gateway in the background.
package struct ServiceStatus: Equatable, Sendable {
    package enum Process: Equatable, Sendable {
        case notRunning
        /// A PID file was left behind.
        case dead
        case running
    }

    package var process: Process
    package var id: Int32?
    package var url: String?
    package var uptimeSeconds: Int?
    package var workers: [Int32] = []
    /// `healthy`, `draining`, or why nothing is known.
    package var health: String?
    package var isHealthy = false
    package var requests: Int?
    package var inFlight: Int?
    package var version: String?
    package var pidFile: String

    package init(process: Process, pidFile: String) {
        self.process = process
        self.pidFile = pidFile
    }

    /// Adds what `/health` answered.
    package mutating func add(health body: [UInt8], status: Int) {
        let arena = JSONArena()
        body.withUnsafeBytes { bytes in
            guard status == 200, let tree = try? arena.read(ByteSlice(bytes)) else {
                health = "it answers with HTTP \(status)"
                return
            }
            let root = tree.root
            health = root["status"]?.string?.string ?? "unknown"
            isHealthy = health == "healthy"
            version = root["version"]?.string?.string
            requests = root["requests"]?["total"]?.int
            inFlight = root["requests"]?["in_flight"]?.int
        }
    }

    /// As LSB wants it: 0 it runs, 1 it is dead and its PID file is there, 3 it does not run, 4 it
    /// runs and is not well.
    package var exitCode: Int32 {
        switch process {
        case .notRunning: 3
        case .dead: 1
        case .running: isHealthy ? 0 : 4
        }
    }

    package var text: String {
        switch process {
        case .notRunning: return "gateway is not running"
        case .dead:
            return "gateway is not running, but \(pidFile) is there"
                + (id.map { ": process \($0) is gone" } ?? "")
        case .running: break
        }
        var rows: [(String, String)] = []
        if let id { rows.append(("pid", "\(id)")) }
        if let version { rows.append(("version", version)) }
        rows.append(("url", url ?? "not listening yet"))
        if let uptimeSeconds { rows.append(("uptime", UptimeText.text(seconds: uptimeSeconds))) }
        let list = workers.map { "\($0)" }.joined(separator: ", ")
        if !workers.isEmpty { rows.append(("workers", "\(workers.count) (\(list))")) }
        var state = health ?? "unknown"
        if let requests, let inFlight { state += ", \(requests) requests, \(inFlight) in flight" }
        rows.append(("health", state))
        let lines = rows.map { name, value in
            "  " + name + String(repeating: " ", count: 9 - name.count) + value
        }
        let title = isHealthy || id != nil ? "gateway is running" : "gateway does not answer well"
        return title + "\n" + lines.joined(separator: "\n")
    }

    package func write(_ json: inout JSONWriter) {
        json.beginObject()
        json.field("running", process == .running)
        json.field("healthy", isHealthy)
        if let id { json.field("pid", Int(id)) }
        if let version { json.field("version", text: version) }
        if let url { json.field("url", text: url) }
        if let uptimeSeconds { json.field("uptime_seconds", uptimeSeconds) }
        json.beginArray("workers")
        for worker in workers { json.value(Int(worker)) }
        json.endArray()
        if let health { json.field("health", text: health) }
        if let requests { json.field("requests", requests) }
        if let inFlight { json.field("in_flight", inFlight) }
        json.field("pid_file", text: pidFile)
        json.endObject()
    }
}
