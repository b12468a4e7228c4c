// ConfigurationReader.swift — the state of one reading: where in the tree, which variables, what
// went wrong so far. The kinds of values report to it and read on.

import GatewayCodec

/// Collects problems while values are read.
struct ConfigurationReader {
    /// Looks up a variable for `${NAME}`.
    var variables: EnvironmentVariables
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var omittedCount = 0
    private(set) var warnings: [ConfigurationProblem] = []
    /// Whether unknown keys are warnings: in files that were written for earlier gateways.
    var forgivesUnknownKeys = false
    /// From the root: keys, and positions as `[2]`.
    private var path: [String] = []

    init(variables: EnvironmentVariables) { self.variables = variables }

    /// What is wrong in total; nil if nothing is.
    var failure: ConfigurationFailure? {
        problems.isEmpty
            ? nil : ConfigurationFailure(problems: problems, omittedCount: omittedCount)
    }

    // MARK: Place

    /// Reads what stands under `key`.
    mutating func inside<Result>(
        _ key: String, _ body: (inout ConfigurationReader) -> Result
    ) -> Result {
        path.append(key)
        defer { path.removeLast() }
        return body(&self)
    }

    /// `server.limits.head`, `auth.keys[0].name`; empty at the root.
    var pathText: String { Self.text(of: path) }

    static func text(of path: [String]) -> String {
        var text = ""
        for component in path {
            if !text.isEmpty, !component.hasPrefix("[") { text += "." }
            text += component
        }
        return text
    }

    // MARK: Mistakes

    /// A mistake at `mark`, in the value that is being read.
    mutating func note(_ message: String, at mark: YAMLMark) {
        add(ConfigurationProblem(mark: mark, message: located(message)))
    }

    /// A mistake that is told as it is.
    mutating func add(_ problem: ConfigurationProblem) {
        if problems.count < ConfigurationFailure.problemsMax {
            problems.append(problem)
        } else {
            omittedCount += 1
        }
    }

    /// A key that nobody knows.
    mutating func noteUnknown(_ message: String, at mark: YAMLMark) {
        if forgivesUnknownKeys {
            warn(message, at: mark)
        } else {
            note(message, at: mark)
        }
    }

    /// Something that works but is hardly meant.
    mutating func warn(_ message: String, at mark: YAMLMark) {
        guard warnings.count < ConfigurationFailure.problemsMax else { return }
        warnings.append(ConfigurationProblem(mark: mark, message: located(message)))
    }

    private func located(_ message: String) -> String {
        path.isEmpty ? message : "\(pathText): \(message)"
    }

    // MARK: Text

    /// The text of a scalar with its variables put in; nil, and a problem, where there is none.
    mutating func text(
        of node: YAMLNode, expecting noun: String
    ) -> Interpolation.Expanded? {
        guard case .scalar(let written, _) = node.content, !node.isNull else {
            note(mismatch(node, expecting: noun), at: node.mark)
            return nil
        }
        // Only documents are expanded: what comes from elsewhere is meant as it is.
        if node.mark.line == 0 { return .init(text: written, isLiteral: true) }
        do throws(Refusal) {
            return try Interpolation.expand(written) { (name) throws(Refusal) in
                try variables[name]
            }
        } catch {
            note("the value \(error.reason)", at: node.mark)
            return nil
        }
    }

    /// What to say where a value has the wrong form altogether.
    func mismatch(_ node: YAMLNode, expecting noun: String) -> String {
        switch node.content {
        case .scalar where node.isNull: "has no value; \(noun) is expected"
        case .scalar: "a single value stands where \(noun) is expected"
        case .sequence: "a list stands where \(noun) is expected"
        case .mapping: "a mapping stands where \(noun) is expected"
        }
    }
}
