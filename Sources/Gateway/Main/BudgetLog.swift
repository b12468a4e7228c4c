// BudgetLog.swift — what becomes of the file of what keys have spent, as log lines.

import GatewayExchange

enum BudgetLog {
    static func append(_ event: BudgetEvent, to log: LogSink, now: (Int, Int)) {
        switch event {
        case .restored(let keys, let expired):
            EventLine.append("budgets_restored", to: log, now: now) { json in
                json.field("keys", keys)
                if expired > 0 { json.field("expired", expired) }
            }
        case .broken(let path):
            EventLine.append("budgets_broken", level: "error", to: log, now: now) { json in
                json.field(
                    "message",
                    text:
                        "The file of what keys have spent is not as this program writes it. It is "
                        + "\(path) now, and all keys begin anew.")
            }
        case .failed(let reason):
            EventLine.append("budgets_not_kept", level: "error", to: log, now: now) { json in
                json.field(
                    "message", text: "What keys spend would be lost with a restart: \(reason).")
            }
        case .recovered: EventLine.append("budgets_kept", to: log, now: now)
        }
    }
}
