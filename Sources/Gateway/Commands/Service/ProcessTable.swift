// ProcessTable.swift — what the kernel says of a process: since when it runs, and its children.
// Reading the texts is pure; the shell reads /proc.

import GatewayConfig
import Glibc

package enum ProcessTable {
    /// Seconds that a process has been running; nil where that cannot be told.
    package static func uptime(of process: Int32) -> Int? {
        guard let stat = text("/proc/\(process)/stat"), let now = text("/proc/uptime"),
            let ticks = startTicks(stat: stat), let up = Double(now.prefix { $0 != " " })
        else { return nil }
        let perSecond = sysconf(Int32(_SC_CLK_TCK))
        return max(0, Int(up) - ticks / max(perSecond, 1))
    }

    package static func children(of process: Int32) -> [Int32] {
        let list = text("/proc/\(process)/task/\(process)/children") ?? ""
        return list.split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
    }

    /// Field 22 of /proc/PID/stat: when the process began, in ticks since boot. The name, in
    /// brackets, may hold anything.
    package static func startTicks(stat: String) -> Int? {
        guard let bracket = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: bracket)...].split(separator: " ")
        return fields.count > 19 ? Int(fields[19]) : nil
    }

    private static func text(_ path: String) -> String? {
        (try? ConfigurationFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Spans of time for people.
package enum UptimeText {
    /// `3 d 4 h`, `4 h 12 min`, `12 min 5 s`, `5 s`.
    package static func text(seconds: Int) -> String {
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24)
        let (minutes, rest) = (seconds / 60 % 60, seconds % 60)
        if days > 0 { return "\(days) d \(hours) h" }
        if hours > 0 { return "\(hours) h \(minutes) min" }
        return minutes > 0 ? "\(minutes) min \(rest) s" : "\(rest) s"
    }
}
