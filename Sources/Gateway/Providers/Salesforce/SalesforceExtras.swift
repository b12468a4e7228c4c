// SalesforceExtras.swift — what travels beside the messages on both of Salesforce's own surfaces,
// and what neither can be told.
// Pure. Only the two Salesforce encoders use it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum SalesforceExtras {
    /// Appends `localization` and `tags`, each behind a comma: the caller's, else the operator's.
    static func append(
        of request: ModelRequest, _ provider: SalesforceProvider, call: inout ProviderCall,
        to body: inout ByteBuffer
    ) {
        var hasLocalization = false
        for member in request.extras.members {
            let isLocalization = member.name == SalesforceWire.localization
            guard isLocalization || member.name == SalesforceWire.tags else {
                call.drop(extra: member.name)
                continue
            }
            if isLocalization { hasLocalization = true }
            body.append(",\"" as StaticString)
            body.append(member.name)
            body.append("\":" as StaticString)
            body.writeJSON { $0.value(member.value) }
        }
        guard !hasLocalization, !provider.localization.isEmpty else { return }
        body.append(",\"localization\":" as StaticString)
        provider.localization.withUnsafeBytes { body.append(ByteSlice($0)) }
    }

    /// Notes what neither surface has a word for.
    static func noteSampling(_ sampling: Sampling, _ call: inout ProviderCall) {
        if sampling.topP != nil { call.drop(.topP) }
        if sampling.topK != nil { call.drop(.topK) }
        if sampling.seed != nil { call.drop(.seed) }
        if sampling.wantsLogprobs || sampling.topLogprobs != nil { call.drop(.logprobs) }
        if sampling.logitBias != nil { call.drop(.logitBias) }
    }

    static func noteRest(of request: ModelRequest, _ call: inout ProviderCall) {
        if request.reasoning.map({ !$0.isOff }) ?? false { call.drop(.reasoning) }
        if request.user != nil { call.drop(.user) }
        if request.allowsParallelCalls == false { call.drop(.parallelToolCalls) }
    }
}
