import Market

/// An environment variable that a feed file names.
public struct FeedVariable: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Whether the file gives no default.
    public let isRequired: Bool
    /// Whether the environment has it.
    public let isSet: Bool
}

/// Values that must not be shown.
struct Secrets: Sendable {
    /// Shorter values are words such as `iex`, not keys: hiding them would spoil every text.
    private static let lengthMin = 4

    private let texts: [String]

    init(_ values: some Sequence<String>) {
        var texts: Set<String> = []
        for value in values where value.utf8.count >= Self.lengthMin {
            var bytes: [UInt8] = []
            bytes.appendJSONString(value)
            texts.insert(value)
            texts.insert(TextTemplate.percentEncoded(value))
            texts.insert(String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self))
        }
        // A secret that contains another one goes first.
        self.texts = texts.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// `text` with `***` in place of every secret.
    func redacted(_ text: String) -> String {
        self.texts.reduce(text) { text, secret in
            text.contains(secret) ? text.replacing(secret, with: "***") : text
        }
    }
}
