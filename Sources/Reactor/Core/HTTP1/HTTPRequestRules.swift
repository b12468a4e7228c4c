// HTTPRequestRules.swift — what a server must refuse though the parser accepts it.
// Pure functions over a head; used by HTTPServerConnection before any handler sees the request.

/// Checks of a request head beyond its grammar (RFC 9110, RFC 9112).
public enum HTTPRequestRules {
    /// The first rule that `head` breaks, or nil.
    public static func failure(in head: HTTPHead) -> HTTP1Failure? {
        switch head.method {
        case .connect, .trace: return .methodNotImplemented
        default: break
        }
        if !isValidTarget(head.target, method: head.method) { return .badTarget }
        return hostFailure(in: head)
    }

    /// The path of a request target: origin-form without its query, absolute-form without scheme
    /// and authority. `*` stays `*`.
    public static func path(of target: ByteSlice) -> ByteSlice {
        let path = pathAndQuery(of: target)
        guard let query = path.firstIndex(of: 0x3F) else { return path }
        return path.prefix(query)
    }

    /// The path with its query.
    public static func pathAndQuery(of target: ByteSlice) -> ByteSlice {
        guard !target.isEmpty, target[0] != 0x2F, let scheme = schemeCount(of: target) else {
            return target
        }
        let rest = target.dropFirst(scheme)
        guard let slash = rest.firstIndex(of: 0x2F) else { return ByteSlice("/") }
        return rest.dropFirst(slash)
    }

    private static func schemeCount(of target: ByteSlice) -> Int? {
        if target.count >= 7, target.prefix(7).equalsIgnoringCase("http://") { return 7 }
        if target.count >= 8, target.prefix(8).equalsIgnoringCase("https://") { return 8 }
        return nil
    }

    private static func isValidTarget(_ target: ByteSlice, method: HTTPMethod) -> Bool {
        guard !target.isEmpty else { return false }
        for index in 0..<target.count where !ASCII.isVisible(target[index]) { return false }
        if target[0] == 0x2F { return true }
        if target == "*" { return method == .options }
        return schemeCount(of: target) != nil
    }

    private static func hostFailure(in head: HTTPHead) -> HTTP1Failure? {
        var hosts = 0
        for index in 0..<head.fields.count {
            guard head.fields.name(index).equalsIgnoringCase("host") else { continue }
            hosts += 1
            if !isValidHost(head.fields.value(index)) { return .badHost }
        }
        if hosts == 1 || (hosts == 0 && head.minorVersion == 0) { return nil }
        return .badHost
    }

    /// uri-host [ ":" port ] (RFC 9110 section 7.2), checked by its characters.
    private static func isValidHost(_ host: ByteSlice) -> Bool {
        guard !host.isEmpty, host.count <= 255 + 6 else { return false }
        for index in 0..<host.count {
            let byte = host[index]
            if ASCII.isDigit(byte) || ASCII.isLetter(byte) { continue }
            switch byte {
            case 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x5B, 0x5D, 0x25: continue
            default: return false
            }
        }
        return true
    }
}
