// GeminiRequestEncoder+Extras.swift — what a caller says in Google's own words, beside the request
// or below `google` or `extra_body.google` as on Google's OpenAI surface; and labels.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension GeminiRequestEncoder {
    /// The member of that name among what was said in Google's words.
    func google(_ name: StaticString) -> JSONValue? {
        request.extras[name] ?? request.extras[GeminiWire.google]?[name]
            ?? request.extras[GeminiWire.extraBody]?[GeminiWire.google]?[name]
    }

    mutating func writeExtras(_ json: inout JSONWriter) {
        if let settings = google(GeminiWire.safetySettingsSnake)
            ?? google(GeminiWire.safetySettings)
        {
            json.field(GeminiWire.safetySettings, settings)
        }
        if let cached = google(GeminiWire.cachedContentSnake) ?? google(GeminiWire.cachedContent) {
            json.field(GeminiWire.cachedContent, cached)
        }
        writeLabels(&json)
        noteUnknownExtras()
    }

    private mutating func writeLabels(_ json: inout JSONWriter) {
        let labels = google(GeminiWire.labels)
        let user = request.user.flatMap { Self.isLabel($0) ? $0 : nil }
        guard capabilities.takesLabels, labels != nil || user != nil else {
            if labels != nil { drop(extra: ByteSlice(GeminiWire.labels)) }
            if request.user != nil { drop(.user) }
            return
        }
        json.beginObject(GeminiWire.labels)
        var hasUser = false
        if let labels {
            for (name, value) in labels.members {
                hasUser = hasUser || name == GeminiWire.user
                json.key(name)
                json.value(value)
            }
        }
        if let user, !hasUser { json.field(GeminiWire.user, user) }
        json.endObject()
        if request.user != nil, user == nil || hasUser { drop(.user) }
    }

    /// Labels are lower-case letters, digits, `_` and `-`, 63 at most.
    private static func isLabel(_ text: ByteSlice) -> Bool {
        guard (1...63).contains(text.count) else { return false }
        return text.raw.allSatisfy {
            ASCII.isDigit($0) || (ASCII.isLetter($0) && ASCII.lowercased($0) == $0)
                || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    private static let known: [StaticString] = [
        GeminiWire.safetySettings, GeminiWire.safetySettingsSnake, GeminiWire.cachedContent,
        GeminiWire.cachedContentSnake, GeminiWire.thinkingConfig, GeminiWire.thinkingConfigSnake,
        GeminiWire.labels, GeminiWire.responseModalities, GeminiWire.responseModalitiesSnake,
        GeminiWire.mediaResolution, GeminiWire.mediaResolutionSnake, GeminiWire.modalities,
    ]

    private mutating func noteUnknownExtras() {
        for member in request.extras.members {
            if member.name == GeminiWire.google {
                noteUnknown(in: member.value)
            } else if member.name == GeminiWire.extraBody {
                for (name, value) in member.value.members {
                    if name == GeminiWire.google {
                        noteUnknown(in: value)
                    } else {
                        drop(extra: name)
                    }
                }
            } else if !Self.known.contains(where: { member.name == $0 }) {
                drop(extra: member.name)
            }
        }
    }

    private mutating func noteUnknown(in google: JSONValue) {
        for (name, _) in google.members where !Self.known.contains(where: { name == $0 }) {
            drop(extra: name)
        }
    }
}
