// BytesCases.swift — what writing a response costs before anything is sent.

import ReactorCore

let bytesCases = [
    // A response head as the gateway writes one: literals, numbers, bytes of another message.
    Case(name: "ByteBuffer-response-head") { count in
        var buffer = ByteBuffer(capacity: 1024)
        let contentType = ByteSlice("application/json")
        let requestID = ByteSlice("req_7f3c5e0b9a8d4c61b2f0e4d7a9c8b6e5")
        var sum = 0
        for round in 0..<count {
            buffer.removeAll()
            buffer.append("HTTP/1.1 200 OK\r\nContent-Type: " as StaticString)
            buffer.append(contentType)
            buffer.append("\r\nx-request-id: " as StaticString)
            buffer.append(requestID)
            buffer.append("\r\nX-Proxy-Latency-Ms: " as StaticString)
            buffer.append(decimal: round & 15)
            buffer.append("\r\nContent-Length: " as StaticString)
            buffer.append(decimal: 583)
            buffer.append("\r\n\r\n" as StaticString)
            sum &+= buffer.count
        }
        return sum
    },
    // A stream event in a chunk of its own.
    Case(name: "ByteBuffer-stream-chunk") { count in
        var buffer = ByteBuffer(capacity: 1024)
        let event = ByteSlice(streamEvent)
        var sum = 0
        for _ in 0..<count {
            buffer.removeAll()
            buffer.append(hex: event.count)
            buffer.append("\r\n" as StaticString)
            buffer.append(event)
            buffer.append("\r\n" as StaticString)
            sum &+= buffer.count
        }
        return sum
    },
]
