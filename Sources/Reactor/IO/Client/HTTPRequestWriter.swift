// HTTPRequestWriter.swift — where a call's delegate writes its request, whatever will carry it.

import ReactorCore

/// Takes a request in the form of HTTP/1.1: a head with Host and, for a body, Content-Length; then
/// the body. Valid during `writeRequest` only.
public struct HTTPRequestWriter {
    enum Place {
        case http1(HTTPClientConnection)
        case http2(HTTP2Connection)
    }
    private let place: Place

    init(_ place: Place) { self.place = place }

    /// Names the connection that carries the request. For tests.
    public var carrier: ObjectIdentifier {
        switch place {
        case .http1(let connection): ObjectIdentifier(connection)
        case .http2(let connection): ObjectIdentifier(connection)
        }
    }

    /// Appends to the request.
    public func write(_ bytes: ByteSlice) {
        switch place {
        case .http1(let connection): connection.write(bytes)
        case .http2(let connection): connection.request.append(bytes)
        }
    }

    /// Appends to the request in place.
    public func withOutput(_ body: (inout ByteBuffer) -> Void) {
        switch place {
        case .http1(let connection): connection.withOutput(body)
        case .http2(let connection): body(&connection.request)
        }
    }

    /// Appends bytes that stay as they are as long as `owner` lives: they may be sent from there.
    public func writeLent(_ bytes: ByteSlice, of owner: AnyObject) {
        switch place {
        case .http1(let connection): connection.writeLent(bytes, of: owner)
        case .http2(let connection): connection.request.append(bytes)
        }
    }
}
