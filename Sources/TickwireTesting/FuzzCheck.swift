public import FeedLanguage
import Market

/// What must hold for any bytes that reach the frame scanner, the compiled programs or the file loader.
///
/// Besides "it does not crash": the count of ticks is the truth, and a decoder that has read other frames before reads
/// these as a new decoder does, so no guess or cache changes what a frame means. Any text is a feed or an error with a place.
///
/// Used by `Fuzzing/fuzz.sh` with inputs that libFuzzer makes up, and by the tests with those it kept.
public struct FuzzCheck {
    private static let receivedTime = Timestamp(nanoseconds: 1_800_000_000_000_000_000)
    private let feeds: [String: Feed]
    private var usedDecoders: [String: FrameDecoder] = [:]

    /// Tries frames with these feeds, which inputs name, and with ``everyWord``.
    public init(feeds: [Feed]) throws(FeedFileError) {
        let words = try Feed.load(yaml: Self.everyWord, file: "words.yaml")
        self.feeds = Dictionary((feeds + [words]).map { ("\($0.name)", $0) }, uniquingKeysWith: { $1 })
    }

    /// Tries one input; one that names no feed is skipped.
    public mutating func run(_ input: some Collection<UInt8>) -> FuzzVerdict {
        switch FuzzInput(input) {
        case nil: .skipped
        case .file(let text): Self.load(text)
        case .frames(let name, let frames): self.decode(frames, feed: name)
        }
    }

    private static func load(_ text: String) -> FuzzVerdict {
        do {
            let feed = try Feed.load(yaml: text, file: "fuzz.yaml")
            _ = feed.runTests()
            _ = feed.explanation()
        } catch {
            guard error.line > 0, error.column > 0, !error.message.isEmpty else {
                return .failed("an error without place or message: \(error)")
            }
        }
        return .passed
    }

    private mutating func decode(_ frames: [[UInt8]], feed name: String) -> FuzzVerdict {
        guard let feed = self.feeds[name] else { return .skipped }
        var new = FrameDecoder(feed: feed, symbols: [])
        var used = self.usedDecoders[name] ?? FrameDecoder(feed: feed, symbols: [])
        self.usedDecoders[name] = used
        used.reset()
        for frame in frames {
            let expected = Self.decode(frame, with: &new)
            let result = Self.decode(frame, with: &used)
            let text = String(decoding: frame, as: UTF8.self)
            guard result == expected else {
                return .failed("\(result) after other frames, \(expected) afresh: \(text)")
            }
            if case .ticks(let count) = expected.outcome {
                guard count > 0, count == expected.ticks.count else {
                    return .failed("\(count) ticks told, \(expected.ticks.count) given: \(text)")
                }
            }
        }
        return .passed
    }

    /// All that a frame gave.
    private struct Result: Equatable {
        var outcome: FrameOutcome
        var ticks: [Tick]
        var sequence: Int64?
    }

    private static func decode(_ frame: [UInt8], with decoder: inout FrameDecoder) -> Result {
        var ticks: [Tick] = []
        let outcome = frame.withUnsafeBytes { decoder.decode($0, receivedTime: Self.receivedTime, into: &ticks) }
        return Result(outcome: outcome, ticks: ticks, sequence: decoder.frameSequence)
    }
}

extension FuzzCheck {
    /// A feed, `words`, with the words that no shipped file may use.
    static let everyWord = """
        feed: words
        asset: auto
        connect: {websocket: "wss://words.test"}
        symbols: {separator: "", quotes: [USD, USDT, BTC], prefix: t, longSeparator: ":"}
        tables: {sizes: {BTC-USD: "0.001", default: 8}}
        sequence: {from: "[-1]", step: 1}
        messages:
          - {when: {event: subscribed}, register: {id: id, kind: kind, symbol: pair}}
          - {channel: {id: "[0]", is: trades}, when: {"[1]": te}, trade: {price: "[2][3]", size: {from: "[2][2]", abs: true, times: {table: sizes}}, side: {from: "[2][2]", sign: true}, time: {from: "[2][1]", unit: ms}, id: "[2][0]", staleFirst: 10s}}
          - {channel: {id: "[0]"}, each: "[1]", trade: {price: "[3]", size: {from: "[2]", dividedBy: 7}}}
          - {when: {ping: {exists: true}}, reply: {pong: "{$.ping}"}}
          - {when: {ok: {exists: true}}, ack: {each: ok, symbol: s, failed: {each: bad, symbol: s, message: m}}}
          - {when: {$: {prefix: Ex}}, error: {message: $}}
          - {when: [{t: {matches: "^a(.*)z$"}}, {t: {not: {like: "b*y"}}, u: {exists: true}}], outputs: [{each: ["x", "*"], trade: {symbol: {text: "{@key}{^.q}"}, price: {from: [p, $.p], strip: "%"}}}, {quote: {symbol: {from: t, matches: "([A-Z]+)"}, bid: b, ask: {from: a, none: 0}, last: l, merge: true, time: {date: d, time: c, zone: Europe/Warsaw}}}]}
        """
}
