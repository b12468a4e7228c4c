// DoorTable.swift — which door a request knocks at. Only the parsed path and the method decide.

import ReactorCore

/// The routes of the gateway.
package enum Door: Equatable, Sendable {
    case chatCompletions
    case models
    /// `GET /v1/models/{id}`: the id may contain slashes.
    case model(id: String)
    case health
    case healthz
    case readyz
    case root
    case preflight
    case notFound
    case methodNotAllowed(allow: String)

    /// Whether it is answered without a credential in every mode. 401 comes before 404.
    package var isPublic: Bool {
        switch self {
        case .health, .healthz, .readyz, .root, .preflight: true
        default: false
        }
    }
}

/// The table of doors.
package enum DoorTable {
    /// The door for `method` and `path`: with and without `/v1`, tolerant of a doubled one and of
    /// a trailing slash.
    package static func door(method: HTTPMethod, path: ByteSlice) -> Door {
        if method == .options { return .preflight }
        let route = canonical(path)
        if route == "/chat/completions" { return only(.post, method, .chatCompletions, "POST") }
        if route == "/models" { return reads(method, .models) }
        if route.hasPrefix("/models/") {
            return reads(method, .model(id: decoded(route.dropFirst(8))))
        }
        if route == "/health" { return reads(method, .health) }
        if route == "/healthz" { return reads(method, .healthz) }
        if route == "/readyz" { return reads(method, .readyz) }
        if route == "/" { return reads(method, .root) }
        return .notFound
    }

    private static func canonical(_ path: ByteSlice) -> ByteSlice {
        var route = path
        while route.hasPrefix("/v1/") { route = route.dropFirst(3) }
        while route.count > 1, route[route.count - 1] == 0x2F { route = route.prefix(route.count - 1) }
        return route
    }

    private static func only(
        _ wanted: HTTPMethod, _ method: HTTPMethod, _ door: Door, _ allow: String
    ) -> Door {
        method == wanted ? door : .methodNotAllowed(allow: "\(allow), OPTIONS")
    }

    private static func reads(_ method: HTTPMethod, _ door: Door) -> Door {
        method == .get || method == .head
            ? door : .methodNotAllowed(allow: "GET, HEAD, OPTIONS")
    }

    /// Percent-decoded text (RFC 3986 section 2.1); a broken escape stays as it is.
    private static func decoded(_ path: ByteSlice) -> String {
        var bytes: [UInt8] = []
        var index = 0
        while index < path.count {
            if path[index] == 0x25, index + 2 < path.count,
                let high = ASCII.hexValue(path[index + 1]), let low = ASCII.hexValue(path[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(path[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
