import FeedLanguage
import Market

/// Feed files with only what a test is about.
enum FeedText {
    /// A whole file around `messages` and `tests`.
    static func file(messages: String, symbols: String = "{separator: \"-\"}", tests: String = "[]") -> String {
        """
        feed: test
        asset: crypto
        connect: {websocket: "wss://example.test"}
        symbols: \(symbols)
        messages:
        \(Self.indented(messages))
        tests:
        \(Self.indented(tests))
        """
    }

    static func load(messages: String, symbols: String = "{separator: \"-\"}", tests: String = "[]") throws -> Feed {
        try Feed.load(yaml: Self.file(messages: messages, symbols: symbols, tests: tests), file: "test.yaml")
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }.joined(separator: "\n")
    }
}

extension FrameDecoder {
    /// Decodes a text that arrived at noon.
    mutating func decode(_ text: String) -> (outcome: FrameOutcome, ticks: [Tick]) {
        self.decode([UInt8](text.utf8))
    }

    /// Decodes bytes that arrived at noon.
    mutating func decode(_ bytes: [UInt8]) -> (outcome: FrameOutcome, ticks: [Tick]) {
        var ticks: [Tick] = []
        let noon = Timestamp(nanoseconds: 1_800_000_000_000_000_000)
        let outcome = bytes.withUnsafeBytes { self.decode($0, receivedTime: noon, into: &ticks) }
        return (outcome, ticks)
    }
}
