// ConfigurationProblem.swift — what is wrong with a configuration, and where.

import GatewayCodec

/// One mistake: `gateway.yaml:3:9: server.port: 'x' is not a whole number`.
package struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
    package var mark: YAMLMark
    /// Holds no secret and nothing that came from the environment.
    package var message: String

    package init(mark: YAMLMark, message: String) {
        self.mark = mark
        self.message = message
    }

    package var description: String { "\(mark): \(message)" }
}

/// Why a configuration is refused: every mistake found, up to a bound.
package struct ConfigurationFailure: Error, Equatable, CustomStringConvertible {
    package static let problemsMax = 20

    /// In the order in which they were found; never empty, at most `problemsMax`.
    package var problems: [ConfigurationProblem]
    /// Mistakes beyond those.
    package var omittedCount: Int

    package var description: String {
        var lines = problems.map(\.description)
        if omittedCount > 0 { lines.append("and \(omittedCount) more") }
        return lines.joined(separator: "\n")
    }
}
