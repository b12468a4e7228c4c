// ConfigurationRules.swift — what must hold between sections, once each is right by itself.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Checks a configuration as a whole. The tree it was read from tells the places, and what was
/// written but could not be read: a mistake within a section must not look like two.
enum ConfigurationRules {
    static func check(
        _ configuration: Configuration, _ tree: YAMLNode, _ reader: inout ConfigurationReader
    ) {
        checkExposure(configuration, tree, &reader)
        checkKeys(configuration.auth, tree, &reader)
        checkProviders(configuration.providers, tree, &reader)
        checkModels(configuration, tree, &reader)
    }

    /// Nobody should open a gateway that spends money to a network by leaving something out.
    private static func checkExposure(
        _ configuration: Configuration, _ tree: YAMLNode, _ reader: inout ConfigurationReader
    ) {
        let auth = configuration.auth
        let hasNoKeys = tree.isBare(at: ["auth", "keys"], empty: .sequence([]))
        if auth.mode == .auto, hasNoKeys, !configuration.server.isLoopback {
            note(
                ["server", "host"], tree, &reader,
                "'\(configuration.server.host)' can be reached from other machines: configure "
                    + "auth.keys (or LOCAL_API_KEY), or say auth.mode: open")
        }
        if auth.mode == .keys, hasNoKeys {
            note(["auth", "mode"], tree, &reader, "asks for keys, but auth.keys has none")
        }
        if auth.mode == .open || auth.mode == .bearer, !auth.keys.isEmpty {
            warn(
                ["auth", "keys"], tree, &reader,
                "are not asked for, because auth.mode is \(auth.mode.rawValue)")
        }
    }

    private static func checkKeys(
        _ auth: AuthConfiguration, _ tree: YAMLNode, _ reader: inout ConfigurationReader
    ) {
        for (index, key) in auth.keys.enumerated() {
            for earlier in auth.keys[..<index] {
                if earlier.name == key.name {
                    note(
                        ["auth", "keys", "[\(index)]", "name"], tree, &reader,
                        "'\(key.name)' is the name of an earlier key")
                }
                if let digest = key.digest, digest == earlier.digest {
                    let name = key.key == nil ? "sha256" : "key"
                    note(
                        ["auth", "keys", "[\(index)]", name], tree, &reader,
                        "is the same key as that of '\(earlier.name)'")
                }
            }
        }
    }

    private static func checkProviders(
        _ providers: [ProviderConfiguration], _ tree: YAMLNode,
        _ reader: inout ConfigurationReader
    ) {
        for provider in providers {
            guard let upstream = provider.kind.upstream else { continue }
            let addresses = provider.kind.addresses
            for (key, url) in addresses
            where !url.usesTLS && !HostName.isLoopback(url.host) && provider.kind.credential != nil
            {
                warn(
                    ["providers", provider.name, key], tree, &reader,
                    "the key goes over the network unencrypted")
            }
            if addresses.contains(where: \.url.usesTLS), !upstream.verifiesTLS {
                warn(
                    ["providers", provider.name, "tls_verify"], tree, &reader,
                    "is off: anybody in between can read the traffic and the key")
            }
        }
    }

    private static func checkModels(
        _ configuration: Configuration, _ tree: YAMLNode, _ reader: inout ConfigurationReader
    ) {
        let names = tree["providers"]?.keys ?? []
        for model in configuration.models {
            let path = ["models", model.name]
            let isList = tree.node(at: path + ["targets"]) != nil
            for (index, target) in model.targets.enumerated()
            where !target.provider.isEmpty && !names.contains(target.provider) {
                let near = NearestName.suggestion(for: target.provider, among: names)
                let advice =
                    near.map { "did you mean '\($0)'?" }
                    ?? "there are: \(names.joined(separator: ", "))"
                note(
                    path + (isList ? ["targets", "[\(index)]", "provider"] : ["provider"]), tree,
                    &reader, "no provider is named '\(target.provider)'; \(advice)")
            }
            let providers = model.targets.compactMap { target in
                configuration.providers.first { $0.name == target.provider }
            }
            if model.settings.surface != nil, let provider = providers.first,
                providers.allSatisfy({ $0.kind.type != .salesforce })
            {
                note(
                    path + ["surface"], tree, &reader,
                    "is a setting of salesforce, but '\(provider.name)' is of type "
                        + provider.kind.type.rawValue)
            }
        }
        checkFallbacks(configuration, tree, &reader)
        if configuration.modelsOnly, tree.isBare(at: ["models"], empty: .mapping([])) {
            note(["models_only"], tree, &reader, "is on, but 'models' lists none")
        }
    }

    /// A fallback must lead somewhere, and not back.
    private static func checkFallbacks(
        _ configuration: Configuration, _ tree: YAMLNode, _ reader: inout ConfigurationReader
    ) {
        guard configuration.models.contains(where: { !$0.fallbacks.isEmpty }) else { return }
        let table = RouteBuilder(configuration).table()
        let names = configuration.models.map(\.name).filter { !$0.contains("*") }
        for model in configuration.models {
            for (index, name) in model.fallbacks.enumerated() {
                let path = ["models", model.name, "fallbacks", "[\(index)]"]
                if name == model.name {
                    note(path, tree, &reader, "'\(name)' stands in for itself")
                } else if name.contains("*") || table.providers(of: name).isEmpty {
                    let near = NearestName.suggestion(for: name, among: names)
                    note(
                        path, tree, &reader,
                        "nothing serves a model '\(name)'"
                            + (near.map { "; did you mean '\($0)'?" } ?? ""))
                }
            }
        }
    }

    private static func note(
        _ path: [String], _ tree: YAMLNode, _ reader: inout ConfigurationReader, _ message: String
    ) {
        reader.add(
            ConfigurationProblem(
                mark: tree.nearest(to: path).mark,
                message: "\(ConfigurationReader.text(of: path)): \(message)"))
    }

    private static func warn(
        _ path: [String], _ tree: YAMLNode, _ reader: inout ConfigurationReader, _ message: String
    ) {
        reader.warn(
            "\(ConfigurationReader.text(of: path)): \(message)", at: tree.nearest(to: path).mark)
    }
}
