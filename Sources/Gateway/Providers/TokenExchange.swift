// TokenExchange.swift — what passes between a grant, which knows what to ask, and the shell, which
// asks it: a request, an answer, a step. Pure values. Imported by Exchange.

import GatewayModel
import GatewayWire
import ReactorCore

/// What a grant wants next.
package enum TokenStep: Equatable {
    case send(TokenRequest)
    case done(AccessToken)
    case failed(TokenFailure)
}

/// One HTTP request of a grant. Target, field values and body may be credentials, so they print as
/// `***`.
package struct TokenRequest: Equatable {
    package struct Field: Equatable {
        package let name: StaticString
        package let value: Secret

        package static func == (left: Field, right: Field) -> Bool {
            ByteSlice(left.name) == ByteSlice(right.name) && left.value == right.value
        }
    }

    package let usesTLS: Bool
    /// A name or address, without brackets.
    package let host: String
    package let port: Int
    package let method: HTTPMethod
    /// Path and query.
    package let target: Secret
    /// Without Host, User-Agent where it may be the gateway's own, and Content-Length.
    package private(set) var fields: [Field] = []
    /// Empty with GET.
    package let body: Secret

    /// A request to `endpoint`'s host.
    init(
        to endpoint: TokenEndpoint, _ method: HTTPMethod, target: Secret, body: Secret = Secret("")
    ) {
        usesTLS = endpoint.usesTLS
        host = endpoint.host
        port = endpoint.port
        self.method = method
        self.target = target
        self.body = body
    }

    mutating func add(_ name: StaticString, _ value: Secret) {
        fields.append(Field(name: name, value: value))
    }

    mutating func add(_ name: StaticString, _ value: StaticString) {
        add(name, Secret(ByteSlice(value)))
    }

    /// Appends the whole request as HTTP/1.1 has it.
    package func append(userAgent: String, to buffer: inout ByteBuffer) {
        buffer.append(method.token)
        buffer.append(ASCII.space)
        target.withBytes { buffer.append($0) }
        buffer.append(" HTTP/1.1\r\nhost: " as StaticString)
        buffer.append(
            TokenEndpoint(usesTLS: usesTLS, host: host, port: port, path: "").authority)
        var hasAgent = false
        for field in fields {
            buffer.append("\r\n" as StaticString)
            buffer.append(field.name)
            buffer.append(": " as StaticString)
            field.value.withBytes { buffer.append($0) }
            hasAgent = hasAgent || ByteSlice(field.name) == "user-agent"
        }
        if !hasAgent {
            buffer.append("\r\nuser-agent: " as StaticString)
            buffer.append(userAgent)
        }
        buffer.append("\r\naccept-encoding: identity" as StaticString)
        if method == .post {
            buffer.append("\r\ncontent-length: " as StaticString)
            buffer.append(decimal: body.withBytes { $0.count })
        }
        buffer.append("\r\n\r\n" as StaticString)
        body.withBytes { buffer.append($0) }
    }
}

extension TokenRequest {
    /// A form that is posted for JSON.
    static func form(_ body: Secret, to endpoint: TokenEndpoint) -> TokenRequest {
        var request = TokenRequest(
            to: endpoint, .post, target: Secret(endpoint.path.isEmpty ? "/" : endpoint.path),
            body: body)
        request.add("content-type", OAuthWire.formType)
        request.add("accept", "application/json")
        return request
    }
}

/// The few field lines of an answer that grants look at, copied.
package struct TokenFields: Equatable {
    package static let countMax = 32
    package static let bytesMax = 16 << 10

    private var lines: [(name: String, value: String)] = []
    private var bytes = 0

    package init() {}

    /// Keeps a field line if a grant may want it; further ones are left out at the bounds.
    package mutating func add(_ name: ByteSlice, _ value: ByteSlice) {
        guard let known = Self.known.first(where: { name.equalsIgnoringCase($0) }),
            lines.count < Self.countMax, bytes + value.count <= Self.bytesMax
        else { return }
        bytes += value.count
        lines.append((name: "\(known)", value: value.string))
    }

    private static let known: [StaticString] = [
        "set-cookie", "location", "retry-after", "date", "content-type",
    ]

    /// The first value of the field called `name` (lower case).
    func first(_ name: String) -> String? { lines.first { $0.name == name }?.value }

    /// Every value of it, in order.
    func all(_ name: String) -> [String] { lines.filter { $0.name == name }.map(\.value) }

    /// Seconds since 1970 by the answering server's clock.
    var date: Int? { first("date")?.withByteSlice { HTTPDate.parse($0) } }

    var retryAfter: Int? { first("retry-after")?.withByteSlice { $0.trimmed.decimalValue } }

    package static func == (left: TokenFields, right: TokenFields) -> Bool {
        left.lines.elementsEqual(right.lines) { $0 == $1 }
    }
}
