import FeedLanguage
import Foundation
import Market

/// Throws arbitrary bytes at the scanner, the compiled programs and the file loader.
///
/// An input's first byte chooses the feed file, or the loader itself; the rest are frames, divided by zero bytes. What is
/// checked besides "it does not crash": the count of ticks is the truth, and a decoder that has read other frames before
/// reads this one as a new decoder does, so no guess or cache changes what a frame means.
enum FrameFuzzer {
    /// Chooses the loader.
    private static let loaderByte: UInt8 = 0xFF
    private static let receivedTime = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    /// A file with the words that no shipped feed may use.
    private static let everyWord = """
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

    private static let feeds: [Feed] = {
        let directory = ProcessInfo.processInfo.environment["FEEDS_DIRECTORY"] ?? "Feeds"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory))?.sorted() ?? []
        func text(_ name: String) -> String? { try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) }
        var feeds: [Feed] = []
        do {
            feeds.append(try Feed.load(yaml: Self.everyWord, file: "words.yaml"))
            for name in names where name.hasSuffix(".yaml") {
                guard let yaml = text(name) else { continue }
                feeds.append(try Feed.load(yaml: yaml, file: name, otherFile: { text("\($0).yaml") }))
            }
        } catch {
            fatalError("\(error)")
        }
        return feeds
    }()
    // SAFETY: libFuzzer calls from one thread.
    nonisolated(unsafe) private static var warmDecoders: [FrameDecoder] = []

    static func run(_ input: UnsafeRawBufferPointer) {
        guard let choice = input.first else { return }
        let rest = UnsafeRawBufferPointer(rebasing: input[1...])
        if choice == Self.loaderByte {
            // Any text is either a feed or an error with a place.
            do { _ = try Feed.load(yaml: String(decoding: rest, as: UTF8.self), file: "fuzz.yaml").runTests() } catch {
                precondition(error.line > 0 && error.column > 0 && !error.message.isEmpty)
            }
            return
        }
        if Self.warmDecoders.isEmpty { Self.warmDecoders = Self.feeds.map { FrameDecoder(feed: $0, symbols: []) } }
        let index = Int(choice) % Self.feeds.count
        var fresh = FrameDecoder(feed: Self.feeds[index], symbols: [])
        Self.warmDecoders[index].reset()
        for part in rest.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false) {
            let frame = UnsafeRawBufferPointer(rebasing: part)
            var ticks: [Tick] = []
            var warmTicks: [Tick] = []
            let outcome = fresh.decode(frame, receivedTime: Self.receivedTime, into: &ticks)
            let warmOutcome = Self.warmDecoders[index].decode(frame, receivedTime: Self.receivedTime, into: &warmTicks)
            if case .ticks(let count) = outcome { precondition(count == ticks.count && count > 0) }
            precondition(outcome == warmOutcome, "\(outcome) but \(warmOutcome)")
            precondition(ticks == warmTicks)
            precondition(fresh.frameSequence == Self.warmDecoders[index].frameSequence)
        }
    }
}

/// The entry that libFuzzer calls.
///
/// See https://llvm.org/docs/LibFuzzer.html#fuzz-target
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    FrameFuzzer.run(UnsafeRawBufferPointer(start: data, count: size))
    return 0
}
