// ServicePaths.swift — where the PID file and the log of a gateway in the background lie. Pure but
// for `prepare`, which makes their folders.

import GatewayConfig
import GatewayExchange
import Glibc

/// Files of `gateway start`.
package struct ServicePaths: Equatable, Sendable {
    package var pidFile: String
    package var logFile: String

    package init(pidFile: String, logFile: String) {
        self.pidFile = pidFile
        self.logFile = logFile
    }

    /// What the configuration says; else in production the system's folders, and elsewhere the state
    /// directory.
    package init(_ configuration: Configuration) {
        let service = configuration.service
        let isProduction = configuration.environment == .production
        let state = configuration.stateDirectory ?? "."
        pidFile =
            service.pidFile ?? (isProduction ? "/run/gateway/gateway.pid" : "\(state)/gateway.pid")
        logFile =
            service.logFile
            ?? (isProduction ? "/var/log/gateway/gateway.log" : "\(state)/gateway.log")
    }

    /// Makes the folders where they are missing, for nobody but us.
    package func prepare() throws(StateDirectoryFailure) {
        for path in [pidFile, logFile] {
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { continue }
            let folder = String(path[..<slash])
            if access(folder, F_OK) == 0 { continue }
            try StateDirectory.prepare(folder)
        }
    }
}
