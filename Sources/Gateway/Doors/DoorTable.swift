// DoorTable.swift — which door a method and a path lead to.
// Pure. Imported by Exchange. Invariant: nothing but the path decides; a query or an absolute
// target's host never do.

import ReactorCore

/// Where a request goes.
package enum Door: Equatable, Sendable {
    /// One behind which a model answers.
    case answer(AnswerDoor)
    /// The tokens of a request in Anthropic's dialect.
    case countTokens
    /// Texts become vectors.
    case embeddings
    /// The list of models, in whose words the request's head decides.
    case models(ModelsShape)
    /// One model; its id is at this range of the path, percent-encoded, and may hold slashes.
    case model(Range<Int>, ModelsShape)
    case health
    case healthz
    case readyz
    case info
    case metrics
    /// Numbers in JSON, at the path of the first gateways.
    case performance
    /// The state of access tokens; where it is switched on.
    case debugToken
    case root
    /// What the page at `root` shows, as it happens.
    case statusEvents
    /// OPTIONS at a path that exists.
    case options(allow: StaticString)
    case methodNotAllowed(allow: StaticString)
    case notFound

    package static func == (left: Door, right: Door) -> Bool {
        switch (left, right) {
        case (.countTokens, .countTokens), (.embeddings, .embeddings), (.health, .health),
            (.healthz, .healthz), (.readyz, .readyz), (.info, .info), (.metrics, .metrics),
            (.root, .root), (.notFound, .notFound), (.performance, .performance),
            (.debugToken, .debugToken), (.statusEvents, .statusEvents):
            true
        case (.answer(let left), .answer(let right)): left == right
        case (.models(let left), .models(let right)): left == right
        case (.model(let left, let shape), .model(let right, let other)):
            left == right && shape == other
        case (.options(let left), .options(let right)): ByteSlice(left) == right
        case (.methodNotAllowed(let left), .methodNotAllowed(let right)): ByteSlice(left) == right
        default: false
        }
    }
}

extension Door {
    /// Whether it is answered without a credential in every mode; 401 comes before 404.
    package var isPublic: Bool {
        switch self {
        case .health, .healthz, .readyz, .info, .root, .options: true
        case .answer, .countTokens, .embeddings, .models, .model, .metrics, .performance,
            .debugToken, .statusEvents, .methodNotAllowed, .notFound:
            false
        }
    }

    /// Whether, where keys are asked for, only those of administrators open it.
    package var isForAdmins: Bool {
        switch self {
        case .debugToken, .statusEvents: true
        default: false
        }
    }

    /// Whether its requests name a model in a JSON body.
    package var takesModel: Bool {
        switch self {
        case .answer, .countTokens, .embeddings: true
        default: false
        }
    }

    /// What it is called where requests are counted.
    package var name: StaticString {
        switch self {
        case .answer(let door): door.name
        case .countTokens: "count_tokens"
        case .embeddings: "embeddings"
        case .models, .model: "models"
        case .health, .healthz, .readyz, .info: "health"
        case .metrics, .performance: "metrics"
        case .root, .statusEvents: "status"
        case .debugToken: "debug"
        case .options: "preflight"
        case .methodNotAllowed, .notFound: "none"
        }
    }

    /// Whether its clients speak Anthropic's dialect.
    package var speaksAnthropic: Bool {
        switch self {
        case .answer(.messages), .countTokens, .models(.anthropic), .model(_, .anthropic): true
        default: false
        }
    }

    /// The same door for a request that names a version of Anthropic's dialect: models are told in
    /// its words.
    package var inAnthropicDialect: Door {
        switch self {
        case .models: .models(.anthropic)
        case .model(let id, _): .model(id, .anthropic)
        default: self
        }
    }
}

package enum DoorTable {
    /// The door of a request. `path` may carry a query, which is ignored; a trailing slash, and a
    /// `/v1` in front, once or (a base URL pasted twice) two times, make no difference.
    package static func door(method: ByteSlice, path: ByteSlice) -> Door {
        let whole = path.prefix(path.firstIndex(of: UInt8(ascii: "?")) ?? path.count)
        guard whole.count > 0, whole[0] == slash else { return .notFound }
        var start = 0
        for _ in 0..<2 {
            let rest = whole.dropFirst(start)
            guard rest.hasPrefix("/v1"), rest.count == 3 || rest[3] == slash else { break }
            start += 3
        }
        var end = whole.count
        if end > start + 1, whole[end - 1] == slash { end -= 1 }
        let door = door(at: whole[start..<end], from: start)
        return admit(method, to: door)
    }

    /// Appends what a percent-encoded piece of a path stands for.
    /// - Returns: false if an escape is broken.
    package static func decode(_ piece: ByteSlice, to buffer: inout ByteBuffer) -> Bool {
        var index = 0
        while index < piece.count {
            guard piece[index] == UInt8(ascii: "%") else {
                buffer.append(piece[index])
                index += 1
                continue
            }
            guard index + 2 < piece.count, let high = ASCII.hexValue(piece[index + 1]),
                let low = ASCII.hexValue(piece[index + 2])
            else { return false }
            buffer.append(high << 4 | low)
            index += 3
        }
        return true
    }

    private static let slash = UInt8(ascii: "/")
    private static let modelsPrefix: StaticString = "/models/"

    private static func door(at path: ByteSlice, from start: Int) -> Door {
        // The one path that is hot comes first.
        if path == "/chat/completions" { return .answer(.chat) }
        if path == "/messages" { return .answer(.messages) }
        if path == "/messages/count_tokens" { return .countTokens }
        if path == "/responses" { return .answer(.responses) }
        if path == "/completions" { return .answer(.completions) }
        if path == "/embeddings" { return .embeddings }
        if path == "/models" { return .models(.openAI) }
        if path.hasPrefix(modelsPrefix), path.count > modelsPrefix.utf8CodeUnitCount {
            let start = start + modelsPrefix.utf8CodeUnitCount
            return .model(start..<start + path.count - modelsPrefix.utf8CodeUnitCount, .openAI)
        }
        if path == "/health" { return .health }
        if path == "/healthz" { return .healthz }
        if path == "/readyz" { return .readyz }
        if path == "/info" { return .info }
        if path == "/metrics" { return .metrics }
        if path == "/performance/metrics" { return .performance }
        if path == "/debug/token" { return .debugToken }
        if path == "/status/events" { return .statusEvents }
        return path == "/" && start == 0 ? .root : .notFound
    }

    private static func admit(_ method: ByteSlice, to door: Door) -> Door {
        let allow: StaticString
        switch door {
        case .notFound: return .notFound
        case .answer, .countTokens, .embeddings:
            if method == "POST" { return door }
            allow = "POST, OPTIONS"
        default:
            if method == "GET" || method == "HEAD" { return door }
            allow = "GET, HEAD, OPTIONS"
        }
        return method == "OPTIONS" ? .options(allow: allow) : .methodNotAllowed(allow: allow)
    }
}
