// ConfigurationSchema.swift — the one definition of what may be configured. Reading, error
// messages, `gateway check` and docs/configuration.md all come from it: a new setting is a new
// line here and a property with its default in Configuration.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayTelemetry
import GatewayTools
import ReactorCore

/// The keys of the file, section by section. Providers and models are in files of their own.
enum ConfigurationSchema {
    private static let day: Duration = .seconds(86_400)

    static var root: Section<Configuration> {
        Section(
            Configuration(),
            [
                Field("server", \.server, .section(server), "Where and how clients are served."),
                Field("auth", \.auth, .section(auth), "Who may call."),
                Field(
                    "providers", \.providers, providers,
                    "Where requests go, each under a name of your choice. With none configured, "
                        + "the environment's are used; without those, a simulator named `sim`."),
                Field(
                    "models", \.models, models,
                    "Which provider serves a model. Exact names come first, then the longest "
                        + "pattern; then `provider/model`, the `X-Provider` header and built-in "
                        + "patterns."),
                Field(
                    "models_only", \.modelsOnly, .boolean,
                    "Serve nothing but what `models` lists."),
                Field(
                    "model_list", \.modelList, .section(modelList),
                    "What `GET /v1/models` tells beside the names under `models`: what providers "
                        + "of types `openai`, `anthropic`, `gemini`, `sambanova` and "
                        + "`sambanova-web` list."),
                Field(
                    "tools", \.tools, .section(tools),
                    "Functions that the gateway itself runs when a model calls them."),
                Field(
                    "history", \.history, .section(history),
                    "How long conversations may become."),
                Field(
                    "observability", \.observability, .section(observability),
                    "What is written down about the traffic."),
                Field(
                    "service", \.service, .section(service),
                    "`gateway start`, and what `serve` does with its files."),
                Field(
                    "state_directory", \.stateDirectory, .path, variable: "STATE_DIR",
                    "Where tokens are kept, lists of models for several workers, and what keys have "
                        + "spent, readable by nobody else. Left out, it is "
                        + "`$XDG_STATE_HOME/gateway`, else `~/.local/state/gateway`."),
            ])
    }

    private static var service: Section<ServiceConfiguration> {
        Section(
            ServiceConfiguration(),
            [
                Field(
                    "pid_file", \.pidFile, .path, variable: "GATEWAY_PID_FILE",
                    "Left out, `/run/gateway/gateway.pid` where `ENVIRONMENT` is `production`, "
                        + "else `gateway.pid` in the state directory."),
                Field(
                    "log_file", \.logFile, .path, variable: "GATEWAY_LOG_FILE",
                    "Left out, `/var/log/gateway/gateway.log` where `ENVIRONMENT` is "
                        + "`production`, else `gateway.log` in the state directory."),
                Field(
                    "watch", \.watchesFiles, .boolean, orWord: "auto",
                    "Whether a change of the configuration's files reloads it. `auto`: where "
                        + "`ENVIRONMENT` is `development`."),
            ])
    }

    // MARK: server

    private static var server: Section<ServerConfiguration> {
        Section(
            ServerConfiguration(),
            [
                Field(
                    "host", \.host,
                    .text("a host name or address") { (text) throws(Refusal) in
                        try HostName.check(text)
                    },
                    variable: "HOST",
                    "The address to listen on. One that other machines can reach needs keys, or "
                        + "`auth.mode` said out loud."),
                Field(
                    "port", \.port, .integer(0...65535), variable: "PORT",
                    "The TCP port to listen on; 0 takes a free one."),
                Field(
                    "workers", \.workers, .integer(1...1024), orWord: "auto", variable: "WORKERS",
                    "Processes; `auto` is the number of cores, and 4 at most where the variable "
                        + "`ENVIRONMENT` is `production`."),
                Field("tls", \.tls, .section(serverTLS), "Serve HTTPS with this certificate."),
                Field(
                    "heartbeat_interval", \.heartbeatInterval,
                    .duration(.milliseconds(100)...day), variable: "HEARTBEAT_INTERVAL",
                    "Silence after which a stream gets a heartbeat. The head of an answer is held "
                        + "back no longer than this."),
                Field(
                    "shutdown_grace", \.shutdownGrace, .duration(.zero...day),
                    variable: "SHUTDOWN_GRACE",
                    "How long running requests may take to end when the gateway is stopped."),
                Field(
                    "drain_delay", \.drainDelay, .duration(.zero...day),
                    variable: "DRAIN_DELAY",
                    "How long `/readyz` says 503, when the gateway is stopped, before it takes no "
                        + "more connections: what a load balancer needs to notice."),
                Field("doors", \.doors, .section(doors), "What differs from door to door."),
                Field("limits", \.limits, .section(limits), "Bounds on what clients may do."),
                Field("cors", \.cors, .section(cors), "Which web pages may call."),
                Field(
                    "allowed_hosts", \.allowedHosts,
                    .list(
                        of: .text("a host name or address") { (text) throws(Refusal) in
                            try HostName.check(text)
                        }),
                    "Host names, beside the loopback ones, that a loopback listener without keys "
                        + "answers to. Others get 403, so that no web page can rebind its name to "
                        + "this gateway."),
            ])
    }

    private static var serverTLS: Section<ServerTLSConfiguration> {
        Section(
            ServerTLSConfiguration(),
            [
                Field(
                    "certificate", \.certificateFile, .path, isRequired: true,
                    "PEM file: the certificate, then its chain."),
                Field(
                    "private_key", \.privateKeyFile, .path, isRequired: true,
                    "PEM file: the certificate's private key."),
                Field(
                    "client_ca", \.clientCAFile, .path,
                    "PEM file: authorities one of which must have signed a client's certificate. "
                        + "Left out, none is asked for. Keys are asked for besides."),
            ])
    }

    private static var doors: Section<DoorsConfiguration> {
        Section(
            DoorsConfiguration(),
            [
                Field(
                    "chat_completions", \.chatCompletions, .section(door),
                    "`POST /v1/chat/completions`."),
                Field(
                    "messages", \.messages, .section(door),
                    "`POST /v1/messages`: heartbeats are `ping` events once the answer has begun."),
                Field("responses", \.responses, .section(door), "`POST /v1/responses`."),
                Field("completions", \.completions, .section(door), "`POST /v1/completions`."),
                Field(
                    "store_responses", \.storesResponses, .boolean,
                    "Whether conversations are kept in memory (1,024, one hour, 64 MiB a worker) "
                        + "for `previous_response_id` where the provider keeps none."),
            ])
    }

    private static var door: Section<DoorConfiguration> {
        Section(
            DoorConfiguration(),
            [
                Field(
                    "heartbeat", \.heartbeat, .choice([.comment, .chunk, .off]),
                    "`comment` sends `:ka` comments, which every client ignores; `chunk` empty "
                        + "chunks, for clients whose idle timer only counts data."),
                Field(
                    "on_client_disconnect", \.onClientDisconnect, .choice([.cancel, .drain]),
                    "`cancel` aborts the upstream's answer at once; `drain` lets it end, so that "
                        + "its usage is known."),
            ])
    }

    private static var modelList: Section<ModelListPolicy> {
        Section(
            ModelListPolicy(),
            [
                Field(
                    "live", \.isLive, .boolean,
                    "Whether providers are asked for their models, with their own credentials, when "
                        + "a client asks for the list. Never with `models_only`."),
                Field(
                    "fresh_for", \.freshTime, .duration(.seconds(1)...day),
                    "How long a list is told before it is asked for anew; the old one is told "
                        + "meanwhile, and for as long as the provider fails."),
                Field(
                    "first_wait", \.firstWait, .duration(.zero ... .seconds(60)),
                    "How long a client waits at most for lists that were never there."),
            ])
    }

    private static var limits: Section<ServerLimits> {
        let time: ValueKind<Duration> = .duration(.milliseconds(10)...day)
        return Section(
            ServerLimits(),
            [
                Field(
                    "target", \.head.targetBytesMax, .size(64...1_048_576),
                    "The request target; more is 414."),
                Field(
                    "header_line", \.head.lineBytesMax, .size(256...1_048_576),
                    "One header line; more is 431."),
                Field(
                    "head", \.head.headBytesMax, .size(1024...1_048_576),
                    "A whole request head; more is 431."),
                Field(
                    "headers", \.head.fieldCountMax, .integer(8...10_000),
                    "Header lines; more is 431."),
                Field(
                    "body", \.bodyBytesMax, .size(1024...1_073_741_824),
                    "A request body; more is 413."),
                Field(
                    "connections", \.connectionCountMax, .integer(1...10_000_000),
                    "Open client connections; further ones get 503. The descriptor limit may "
                        + "lower it."),
                Field(
                    "head_timeout", \.headTime, time,
                    "For a whole request head; then 408."),
                Field(
                    "body_timeout", \.bodyTime, time,
                    "For a request body, and a second more per 64 KiB; then 408."),
                Field(
                    "body_rate", \.bodyRateMin, .size(0...1_073_741_824),
                    "Bytes a second that a body must bring once `body_rate_grace` is over; "
                        + "then 408."),
                Field(
                    "body_rate_grace", \.bodyRateGrace, time,
                    "Time in a body after which its rate counts."),
                Field(
                    "idle_timeout", \.idleTime, time,
                    "Between requests; then the connection is closed."),
                Field(
                    "write_timeout", \.writeStallTime, time,
                    "How long a client may take no byte of an answer; then it is cancelled."),
            ])
    }

    private static var cors: Section<CORSConfiguration> {
        Section(
            CORSConfiguration(),
            [
                Field(
                    "origins", \.origins,
                    .list(
                        of: .text("an origin such as https://app.example, or *") {
                            (text) throws(Refusal) in try BaseURLText.origin(text)
                        }
                    ), orWord: "auto",
                    "Origins of web pages that may call; `*` is all. `auto` is all where keys are "
                        + "asked for, else loopback origins.")
            ])
    }

    // MARK: auth

    private static var auth: Section<AuthConfiguration> {
        Section(
            AuthConfiguration(),
            [
                Field(
                    "mode", \.mode, .choice(AuthConfiguration.Mode.allCases),
                    variable: "AUTH_MODE",
                    "`auto` asks for keys if any are configured; `open` asks for nothing; "
                        + "`bearer` for any credential; `keys` for a configured one."),
                Field(
                    "keys", \.keys, .list(of: .section(key)),
                    "The keys that clients may present. With none configured, `LOCAL_API_KEY` in "
                        + "the environment is one, named `local`."),
                Field(
                    "keep_budgets", \.keepsBudgets, .boolean,
                    "Whether what keys have spent outlives a restart, in `budgets.json` in the "
                        + "state directory. Switched off by a reload, the file is still written "
                        + "until the gateway ends."),
            ])
    }

    private static var key: Section<KeyConfiguration> {
        Section(
            KeyConfiguration(),
            [
                Field(
                    "name", \.name, .name("a name"), isRequired: true,
                    "Who presents it; appears in logs. Unique."),
                Field("key", \.key, .secret("a key"), "The key itself."),
                Field(
                    "sha256", \.sha256, .sha256,
                    "The key's SHA-256 hash, in place of the key."),
                Field(
                    "models", \.models, .list(of: .model("a model's name or pattern")),
                    "Models that it may use; none listed means all."),
                Field(
                    "admin", \.isAdmin, .boolean, "Whether it opens the administration's doors."),
                Field(
                    "rpm", \.requestsPerMinute, .integer(1...100_000),
                    "Requests a minute, over all workers; a minute's worth may come at once. More "
                        + "is 429."),
                Field(
                    "tpm", \.tokensPerMinute, .integer(1...1_000_000_000),
                    "Tokens a minute, input and output together: reserved by an estimate and the "
                        + "request's own bound, settled by what the provider reports. More is 429."),
                Field(
                    "concurrent", \.concurrentMax, .integer(1...1_000_000),
                    "Requests at once, over all workers. More is 429."),
                Field(
                    "budget", \.budget, .section(budget),
                    "What it may spend, by the price table, over all workers; once it is spent, 429 "
                        + "`insufficient_quota` until the period ends. Models without a price cost "
                        + "nothing. The sum outlives a restart (`keep_budgets`)."),
            ],
            check: { _, node, reader in
                switch (node["key"], node["sha256"]) {
                case (nil, nil):
                    reader.note("either 'key' or 'sha256' is needed", at: node.mark)
                case (_, .some(let hash)) where node["key"] != nil:
                    reader.note("'key' and 'sha256' exclude each other", at: hash.mark)
                default: break
                }
            })
    }

    private static var budget: Section<BudgetConfiguration> {
        Section(
            BudgetConfiguration(),
            [
                Field(
                    "usd", \.dollars, .number(0...Budget.dollarsMax), isRequired: true,
                    "Dollars a period."),
                Field(
                    "period", \.period, .choice(BudgetPeriod.allCases),
                    "After which it may spend anew: an hour, a day, a week from Monday on, or a "
                        + "month of the calendar, all in UTC; `total`: never."),
            ])
    }

    // MARK: tools and conversations

    private static var tools: Section<ToolsConfiguration> {
        Section(
            ToolsConfiguration(),
            [
                Field(
                    "execute_builtin", \.executesBuiltIn, .boolean,
                    "Offer the built-in tools with every request, and run their calls. All "
                        + "requests are translated then."),
                Field(
                    "allow_per_request", \.allowsPerRequest, .boolean,
                    "Let a request choose in `X-Gateway-Tools`, a list such as `calculate, "
                        + "get_time`, or `none`; else that header says nothing."),
                Field(
                    "max_rounds", \.roundsMax, .integer(1...ToolLoopMachine.roundsMax),
                    "Requests to the provider for one answer. In front of the last the built-in "
                        + "tools are taken away."),
                Field(
                    "builtin", \.builtIn,
                    .list(
                        of: .text("a built-in tool's name") { (text) throws(Refusal) in
                            guard text.withByteSlice({ BuiltInTool.named($0) }) != nil else {
                                let names = BuiltInTool.all.map { "\($0.name)" }
                                throw Refusal(
                                    "is no built-in tool; there are: "
                                        + names.joined(separator: ", "))
                            }
                            return text
                        }),
                    "The tools that may be offered: `calculate` works out an arithmetic "
                        + "expression, `get_time` tells the time in a time zone."),
            ])
    }

    private static var history: Section<HistoryPolicy> {
        Section(
            HistoryPolicy(),
            [
                Field(
                    "max_messages", \.messagesMax, .integer(1...1_000_000),
                    variable: "MAX_HISTORY_SIZE",
                    "Messages of a conversation that the gateway keeps for "
                        + "`previous_response_id`; the oldest are left out of a request first, "
                        + "instructions never."),
                Field(
                    "bound_clients", \.boundsClients, .boolean,
                    "Hold what clients send to it as well, where requests are translated."),
            ])
    }
}
