// SimulatorBehavior.swift — the one table of what a model's name can make the simulator do.
// The command line's help, the documentation and the tests read it. Pure values.

import ReactorCore

/// What the simulator does instead of a plain answer: `sim-429` answers 429, `sim-cut` breaks off.
///
/// The raw value is the suffix of the model's name behind a dash, and the name under which failure
/// rates are configured.
package enum SimulatorBehavior: String, CaseIterable, Sendable {
    case status400 = "400"
    case status401 = "401"
    case status403 = "403"
    case status404 = "404"
    case status429 = "429"
    case status500 = "500"
    case status502 = "502"
    case status503 = "503"
    case status529 = "529"
    case hang = "hang"
    case hangMid = "hang-mid"
    case cut = "cut"
    case reset = "reset"
    case noDone = "nodone"
    case badJSON = "badjson"
    case html = "html"
    case empty = "empty"
    case slow = "slow"
    case errorMid = "error-mid"
    case big = "big"
    case redirect = "redirect"
    case echo = "echo"
    case tool = "tool"
    case twoTools = "tools2"

    /// One line for help texts and tables.
    package var summary: String {
        switch self {
        case .status400: "error 400, invalid_value"
        case .status401: "error 401, invalid_api_key"
        case .status403: "error 403, permission_denied"
        case .status404: "error 404, model_not_found"
        case .status429: "error 429, rate_limit_exceeded, with retry-after"
        case .status500: "error 500, server_error"
        case .status502: "error 502, bad_gateway"
        case .status503: "error 503, overloaded, with retry-after"
        case .status529: "error 529, overloaded"
        case .hang: "never answers"
        case .hangMid: "sends the head and half the answer, then nothing"
        case .cut: "closes the connection halfway through the answer"
        case .reset: "resets the connection halfway through the answer"
        case .noDone: "stream ends without finish_reason and [DONE]; unary finish_reason is null"
        case .badJSON: "one broken chunk halfway through a stream; a unary body that ends early"
        case .html: "status 200 and an HTML page"
        case .empty: "status 200 and no body"
        case .slow: "the first token takes 30 s"
        case .errorMid: "an error event halfway through a stream; status 200 with an error body"
        case .big: "an answer of 1 MiB, in 64 chunks when streamed"
        case .redirect: "a 307 to another path"
        case .echo: "repeats the last user message"
        case .tool: "calls a tool if any is given"
        case .twoTools: "makes two parallel tool calls if any tool is given"
        }
    }

    /// Whether this spoils the answer; only such behaviours can be given a rate.
    package var isFailure: Bool {
        switch self {
        case .echo, .tool, .twoTools, .big: false
        default: true
        }
    }

    /// The behaviour that the end of a model's name asks for.
    package init?(suffixOf model: ByteSlice) {
        for candidate in Self.allCases {
            let matches = candidate.rawValue.withByteSlice { suffix in
                let start = model.count - suffix.count
                return start > 0 && model[start - 1] == UInt8(ascii: "-")
                    && model.dropFirst(start) == suffix
            }
            if matches {
                self = candidate
                return
            }
        }
        return nil
    }
}
