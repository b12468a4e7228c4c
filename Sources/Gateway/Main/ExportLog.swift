// ExportLog.swift — what becomes of records that are sent on, as log lines; never what is in them.

import GatewayAdmin
import GatewayCodec
import GatewayExchange

enum ExportLog {
    static func append(
        _ event: ExportEvent, of exporter: String, to log: LogSink, now: (Int, Int)
    ) {
        EventLine.append("export", level: level(of: event), to: log, now: now) { json in
            json.field("exporter", text: exporter)
            json.field("message", text: text(of: event))
        }
    }

    private static func level(of event: ExportEvent) -> String {
        switch event {
        case .recovered: "info"
        case .failing, .refused, .changedForm, .abandoned: "warning"
        }
    }

    private static func text(of event: ExportEvent) -> String {
        switch event {
        case .failing(let reason):
            "The collector does not take records (\(reason)); they wait, and the oldest are dropped "
                + "when there are too many."
        case .recovered: "The collector takes records again."
        case .refused(let status, let records):
            "The collector refused \(records) records (status \(status))."
        case .changedForm:
            "The ingestion API is not served there any more; records go by OTLP from now on."
        case .abandoned(let records):
            "\(records) records were not sent before the end."
        }
    }
}
