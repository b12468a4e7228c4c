// GeminiRequestEncoder+Media.swift — images, sounds and documents: data in the request, or a file
// that the host can reach itself.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension GeminiRequestEncoder {
    /// Writes a part that is no text.
    mutating func writeMedia(
        _ content: ContentPart.Content, message: Int, part: Int, _ json: inout JSONWriter
    ) throws(Failure) {
        let media: Media
        switch content {
        case .image(let image):
            media = image
            if let detail = image.detail, !(detail == "auto") { drop(.imageDetail) }
        case .audio(let audio): media = audio
        case .file(let file): media = file
        default:
            throw Self.failure(
                .unsupportedParameter, "This model has no word for this kind of content.",
                message: message, part: part)
        }
        switch media.source {
        case .data(let data):
            guard let type = type(of: media) else {
                throw Self.failure(
                    .invalidParameter, "The media type of this part is missing.",
                    message: message, part: part)
            }
            json.beginObject()
            json.beginObject(GeminiWire.inlineData)
            json.field(GeminiWire.mimeType, type)
            json.field(GeminiWire.data, data)
            json.endObject()
            json.endObject()
        case .text(let text):
            json.beginObject()
            json.field(GeminiWire.text, text.isEmpty ? ByteSlice(" ") : text)
            json.endObject()
        case .url(let url), .fileID(let url):
            try writeFile(url, media, message: message, part: part, &json)
        }
    }

    private func writeFile(
        _ url: ByteSlice, _ media: Media, message: Int, part: Int, _ json: inout JSONWriter
    ) throws(Failure) {
        let isOwn = GeminiMedia.isOwnFile(url)
        let isReachable =
            isOwn
            || (capabilities.takesURLs && (url.hasPrefix("https://") || url.hasPrefix("gs://")))
        guard isReachable else {
            throw Self.failure(
                .unsupportedParameter,
                "The provider does not fetch this URL; send the data itself (data:TYPE;base64,...).",
                message: message, part: part)
        }
        var type = type(of: media) ?? GeminiMedia.type(ofName: url)
        if type == nil, isOwn, capabilities.takesURLs { type = ByteSlice("video/mp4") }
        // What the Developer API has itself, it knows the type of.
        guard type != nil || isOwn else {
            throw Self.failure(
                .invalidParameter, "The media type cannot be told from the URL.",
                message: message, part: part)
        }
        json.beginObject()
        json.beginObject(GeminiWire.fileData)
        if let type { json.field(GeminiWire.mimeType, type) }
        if url.hasPrefix(GeminiMedia.fileName) {
            json.key(GeminiWire.fileURI)
            json.string { buffer in
                buffer.append(GeminiMedia.filesURL)
                buffer.append(jsonEscaping: url)
            }
        } else {
            json.field(GeminiWire.fileURI, url)
        }
        json.endObject()
        json.endObject()
    }

    private func type(of media: Media) -> ByteSlice? {
        media.mediaType.isEmpty ? media.name.flatMap(GeminiMedia.type(ofName:)) : media.mediaType
    }
}

/// What is told from names of files.
enum GeminiMedia {
    /// How names of the Developer API's files begin, and where they lie.
    static let fileName: StaticString = "files/"
    static let filesURL: StaticString = "https://generativelanguage.googleapis.com/v1beta/"

    /// Whether it is a file of the Developer API, or a video that Google has anyway.
    static func isOwnFile(_ url: ByteSlice) -> Bool {
        let hosts: [StaticString] = [
            "https://generativelanguage.googleapis.com/", "https://www.youtube.com/",
            "https://youtube.com/", "https://youtu.be/", fileName,
        ]
        return hosts.contains { url.hasPrefix($0) }
    }

    /// The media type by the ending of a name or URL, its query put aside.
    static func type(ofName name: ByteSlice) -> ByteSlice? {
        var path = name
        for mark in [UInt8(ascii: "#"), UInt8(ascii: "?")] {
            if let end = path.firstIndex(of: mark) { path = path.prefix(end) }
        }
        var start = path.count
        while start > 0, path[start - 1] != UInt8(ascii: ".") {
            if path[start - 1] == UInt8(ascii: "/") { return nil }
            start -= 1
        }
        let ending = path.dropFirst(start)
        return start > 0
            ? types.first { ending.equalsIgnoringCase($0.ending) }.map { ByteSlice($0.type) } : nil
    }

    private static let types: [(ending: StaticString, type: StaticString)] = [
        ("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"),
        ("webp", "image/webp"), ("gif", "image/gif"), ("heic", "image/heic"),
        ("heif", "image/heif"), ("pdf", "application/pdf"), ("txt", "text/plain"),
        ("md", "text/markdown"), ("csv", "text/csv"), ("html", "text/html"),
        ("wav", "audio/wav"), ("mp3", "audio/mp3"), ("m4a", "audio/m4a"), ("aac", "audio/aac"),
        ("ogg", "audio/ogg"), ("flac", "audio/flac"), ("aiff", "audio/aiff"),
        ("mp4", "video/mp4"), ("mpeg", "video/mpeg"), ("mov", "video/mov"),
        ("webm", "video/webm"),
    ]
}
