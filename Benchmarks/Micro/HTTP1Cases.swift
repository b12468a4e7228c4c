// HTTP1Cases.swift — parsing the two messages of a unary exchange.

import ReactorCore

let http1Cases = [
    Case(name: "HTTP1Parser-request") { count in
        parse(requestHead, as: .request, looksUp: "authorization", count)
    },
    Case(name: "HTTP1Parser-response") { count in
        parse(responseHead, as: .response, looksUp: "content-type", count)
    },
]

/// Parses a whole message `count` times, looking one field up each time.
private func parse(
    _ message: StaticString, as role: HTTP1Parser.Role, looksUp field: StaticString, _ count: Int
) -> Int {
    let settings = HTTP1ParserSettings()
    var parser = HTTP1Parser(role, limits: HTTPHeadLimits(), settings: settings)
    var sum = 0
    for _ in 0..<count {
        var input = ByteSlice(message)
        reading: while true {
            switch parser.next(&input) {
            case .head: sum &+= parser.head.fields.first(field)?.count ?? 0
            case .body(let bytes): sum &+= bytes.count
            case .end: break reading
            case .needsInput, .failed: fatalError("the sample is not a whole message")
            }
        }
    }
    return sum
}
