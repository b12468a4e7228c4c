// Templates.swift — records of which each is taken for the first of its kind, for tests that are not about
// templates.

import GatewayTelemetry
import ReactorCore

extension AccessLog {
    mutating func append(
        _ record: AccessRecord, as format: LogFormat, to buffer: inout ByteBuffer
    ) {
        let templates = RecordTemplates()
        withExtendedLifetime(templates) {
            let template = templates.template(of: record)
            append(record, &template.pointee, as: format, to: &buffer)
        }
    }
}

extension RequestMetrics {
    @discardableResult
    func record(_ record: AccessRecord) -> Int? {
        let templates = RecordTemplates()
        return withExtendedLifetime(templates) {
            self.record(record, &templates.template(of: record).pointee)
        }
    }
}

extension ExportQueueMachine {
    mutating func append(now: Instant, _ write: (inout ByteBuffer) -> Void) -> Bool {
        begin(now: now)
        write(&open)
        return end()
    }
}
