// swift-tools-version: 6.2
import PackageDescription

// The folder tree is the architecture: every floor is a module, and a floor imports only those
// below it (ARCHITECTURE.md). The order of this list is the order of the floors.

let environment = Context.environment
let strict = environment["GATEWAY_STRICT"] == "1"
let fuzzing = environment["GATEWAY_FUZZ"] == "1"
let benching = environment["GATEWAY_BENCH"] == "1"
/// Test targets to build, comma-separated; all if unset. Building one floor's tests is quick.
let wanted = environment["GATEWAY_TESTS"]?.split(separator: ",").map(String.init)

let settings: [SwiftSetting] =
    [
        // Exclusivity stays checked in debug and test builds, where it finds re-entrancy mistakes;
        // in release it costs 18 % of all instructions (docs/decisions/0002).
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
    ] + (strict ? [.treatAllWarnings(as: .error)] : [])
    // Without it the fuzzer sees the branches of its own main only.
    + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])

/// One floor of the gateway: the folder it owns and the floors it may import.
func floor(_ name: String, _ folder: String, on lower: [String]) -> Target {
    .target(
        name: name,
        dependencies: lower.map { .byName(name: $0) },
        path: "Sources/Gateway/\(folder)",
        swiftSettings: settings)
}

/// The tests of one module, in the folder named after it.
func tests(of module: String, with others: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests",
        dependencies: ([module] + others).map { .byName(name: $0) },
        path: "Tests/\(module)Tests",
        swiftSettings: strict ? [.treatAllWarnings(as: .error)] : [])
}

/// A program that shows one thing and runs alone.
func example(_ folder: String, on modules: [String] = ["ReactorCore", "Reactor"]) -> Target {
    .executableTarget(
        name: "example-\(folder)",
        dependencies: modules.map { .byName(name: $0) },
        path: "examples/\(folder)",
        swiftSettings: settings)
}

/// One coverage-guided fuzz target; built only by `./dev fuzz`.
func fuzzer(_ name: String, on modules: [String]) -> Target {
    .executableTarget(
        name: "fuzz-\(name)",
        dependencies: modules.map { .byName(name: $0) },
        path: "Fuzz/\(name)",
        exclude: ["Corpus", "FailCases", "dictionary"],
        swiftSettings: [.unsafeFlags(["-sanitize=fuzzer"])],
        linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])])
}

/// Programs that callgrind counts; built only with GATEWAY_BENCH=1.
let benches: [Target] = [
    .executableTarget(
        name: "bench-micro", dependencies: ["ReactorCore", "GatewayCodec"],
        path: "Benchmarks/Micro", exclude: ["json"], swiftSettings: settings),
    .executableTarget(
        name: "bench-json",
        dependencies: [
            "CUV", "ReactorCore", "GatewayCodec", "GatewayModel", "GatewayDoors",
            "GatewayProviders",
        ],
        path: "Benchmarks/Micro/json",
        swiftSettings: settings),
]

let fuzzers: [Target] = [
    fuzzer("answers", on: ["FuzzChecks"]),
    fuzzer("call-splice", on: ["FuzzChecks"]),
    fuzzer("chat-encode", on: ["FuzzChecks"]),
    fuzzer("chat-stream", on: ["FuzzChecks"]),
    fuzzer("completions-encode", on: ["FuzzChecks"]),
    fuzzer("configuration", on: ["FuzzChecks"]),
    fuzzer("event-stream", on: ["FuzzChecks"]),
    fuzzer("frame-stream", on: ["FuzzChecks"]),
    fuzzer("gemini-schema", on: ["FuzzChecks"]),
    fuzzer("gemini-stream", on: ["FuzzChecks"]),
    fuzzer("http1", on: ["FuzzChecks"]),
    fuzzer("json-scanner", on: ["FuzzChecks"]),
    fuzzer("messages-encode", on: ["FuzzChecks"]),
    fuzzer("messages-stream", on: ["FuzzChecks"]),
    fuzzer("requests", on: ["FuzzChecks"]),
    fuzzer("responses-encode", on: ["FuzzChecks"]),
    fuzzer("salesforce-stream", on: ["FuzzChecks"]),
    fuzzer("tool-recovery", on: ["FuzzChecks"]),
]

let package = Package(
    name: "gateway",
    products: [
        .library(name: "Reactor", targets: ["ReactorCore", "Reactor"]),
        .executable(name: "gateway", targets: ["gateway"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .target(
            name: "CUV",
            path: "Sources/CUV",
            linkerSettings: ["uv", "llhttp", "ssl", "crypto", "yyjson", "yaml", "z"]
                .map { .linkedLibrary($0) }),
        .target(
            name: "ReactorCore", dependencies: ["CUV"], path: "Sources/Reactor/Core",
            swiftSettings: settings),
        .target(
            name: "Reactor", dependencies: ["CUV", "ReactorCore"], path: "Sources/Reactor/IO",
            swiftSettings: settings),

        floor("GatewayCodec", "Codec", on: ["CUV", "ReactorCore"]),
        floor("GatewayModel", "Model", on: ["ReactorCore", "GatewayCodec"]),
        floor("GatewayWire", "Wire", on: ["ReactorCore", "GatewayCodec"]),
        floor("GatewayTools", "Tools", on: ["ReactorCore", "GatewayCodec", "GatewayModel"]),
        floor(
            "GatewayDoors", "Doors",
            on: ["ReactorCore", "GatewayCodec", "GatewayModel", "GatewayWire", "GatewayTools"]),
        floor(
            "GatewayProviders", "Providers",
            on: ["ReactorCore", "GatewayCodec", "GatewayModel", "GatewayWire", "GatewayTools"]),
        floor("GatewayPolicy", "Policy", on: ["ReactorCore", "GatewayCodec", "GatewayModel"]),
        floor(
            "GatewayTelemetry", "Telemetry", on: ["ReactorCore", "GatewayCodec", "GatewayModel"]),
        floor(
            "GatewayExchange", "Exchange",
            on: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayWire",
                "GatewayTools", "GatewayDoors", "GatewayProviders", "GatewayPolicy",
                "GatewayTelemetry",
            ]),
        floor(
            "GatewayConfig", "Config",
            on: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayWire",
                "GatewayTools", "GatewayDoors", "GatewayProviders", "GatewayPolicy",
                "GatewayTelemetry",
                "GatewayExchange",
            ]),
        floor(
            "GatewayAdmin", "Admin",
            on: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayWire",
                "GatewayTools", "GatewayDoors", "GatewayProviders", "GatewayPolicy",
                "GatewayTelemetry",
                "GatewayExchange", "GatewayConfig",
            ]),
        floor(
            "GatewayCommands", "Commands",
            on: [
                "CUV", "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayWire",
                "GatewayTools", "GatewayProviders", "GatewayPolicy", "GatewayExchange",
                "GatewayConfig",
            ]),
        .executableTarget(
            name: "gateway",
            dependencies: [
                "CUV", "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayWire",
                "GatewayTools", "GatewayDoors", "GatewayProviders", "GatewayPolicy",
                "GatewayTelemetry",
                "GatewayExchange", "GatewayConfig", "GatewayAdmin", "GatewayCommands",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Gateway/Main",
            swiftSettings: settings),

        example("01-echo-server"),
        example("02-tls-reverse-proxy"),

        // What must hold for any bytes: called by the fuzz targets and by plain tests.
        .target(
            name: "FuzzChecks",
            dependencies: [
                "CUV", "ReactorCore", "GatewayCodec", "GatewayModel", "GatewayTools",
                "GatewayProviders", "GatewayDoors", "GatewayExchange", "GatewayConfig",
            ],
            path: "Fuzz/Checks", swiftSettings: settings),
        .target(
            name: "TestSupport",
            dependencies: ["CUV", "ReactorCore", "GatewayCodec", "GatewayModel"],
            path: "Tests/Support",
            swiftSettings: settings),
        tests(of: "ReactorCore", with: ["CUV", "TestSupport", "FuzzChecks"]),
        tests(of: "Reactor", with: ["CUV", "ReactorCore", "TestSupport"]),
        tests(of: "GatewayCodec", with: ["CUV", "ReactorCore", "TestSupport", "FuzzChecks"]),
        tests(of: "GatewayModel", with: ["ReactorCore", "TestSupport"]),
        tests(of: "GatewayWire", with: ["ReactorCore", "GatewayCodec"]),
        tests(
            of: "GatewayTools",
            with: ["ReactorCore", "GatewayCodec", "GatewayModel", "TestSupport", "FuzzChecks"]),
        tests(
            of: "GatewayDoors",
            with: ["ReactorCore", "GatewayCodec", "GatewayModel", "TestSupport", "FuzzChecks"]),
        tests(
            of: "GatewayProviders",
            with: ["ReactorCore", "GatewayCodec", "GatewayModel", "TestSupport", "FuzzChecks"]),
        tests(of: "GatewayPolicy", with: ["ReactorCore", "GatewayModel"]),
        tests(
            of: "GatewayTelemetry",
            with: ["ReactorCore", "GatewayCodec", "GatewayModel", "TestSupport"]),
        tests(
            of: "GatewayExchange",
            with: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayPolicy",
                "GatewayProviders", "GatewayTelemetry", "GatewayTools", "TestSupport", "FuzzChecks",
            ]),
        tests(
            of: "GatewayConfig",
            with: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayPolicy",
                "GatewayProviders", "GatewayTelemetry", "GatewayExchange", "TestSupport",
                "FuzzChecks",
            ]),
        tests(
            of: "GatewayAdmin",
            with: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayDoors",
                "GatewayPolicy", "GatewayProviders", "GatewayExchange",
            ]),
        tests(
            of: "GatewayCommands",
            with: [
                "ReactorCore", "Reactor", "GatewayCodec", "GatewayModel", "GatewayConfig",
                "TestSupport",
            ]),
        // Reads the tree as text and holds it to the table of floors.
        .testTarget(
            name: "TidyTests", path: "Tests/TidyTests",
            swiftSettings: strict ? [.treatAllWarnings(as: .error)] : []),
    ].filter { $0.type != .test || wanted?.contains($0.name) ?? true }
        + (benching ? benches : []) + (fuzzing ? fuzzers : []),
    swiftLanguageModes: [.v6]
)
