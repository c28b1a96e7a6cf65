import FeedLanguage
import Foundation
import Market
import Testing

/// A tick as the reference script writes it: every field as text, absent ones left out.
struct ExpectedLine: Equatable, CustomStringConvertible {
    var line: Int
    var fields: [String: String]

    var description: String { "\(self.line) \(self.fields.sorted { $0.key < $1.key })" }

    /// Reads a file of `expected/`.
    static func read(_ url: URL) throws -> [ExpectedLine] {
        try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let dictionary = try #require(object as? [String: Any])
            var fields: [String: String] = [:]
            var number = 0
            // A ticker's trade id is no field of a quote.
            for (key, value) in dictionary where key != "trade_id" {
                if key == "line" {
                    number = try #require(value as? Int)
                } else {
                    fields[key] = (value as? String) ?? (value as? NSNumber).map(Self.text) ?? ""
                }
            }
            return ExpectedLine(line: number, fields: fields)
        }
    }

    private static func text(_ number: NSNumber) -> String {
        String(cString: number.objCType) == "c" ? (number.boolValue ? "true" : "false") : number.stringValue
    }

    init(line: Int, fields: [String: String]) {
        self.line = line
        self.fields = fields
    }

    /// The same view of one of our ticks.
    init(line: Int, tick: Tick, feed: Feed) {
        var fields: [String: String?] = [
            "rx_ns": String(tick.receivedTime.nanoseconds), "sym": feed.nativeSymbol(for: tick.symbol),
        ]
        let flags: TickFlags
        switch tick {
        case .trade(let trade):
            fields["k"] = "trade"
            fields["px"] = trade.price.description
            fields["sz"] = trade.size?.description
            fields["side"] = trade.side.name
            fields["id"] = trade.id
            fields["seq"] = trade.venueSequence?.description
            flags = trade.flags
        case .quote(let quote):
            fields["k"] = "quote"
            fields["bid"] = quote.bid?.description
            fields["ask"] = quote.ask?.description
            fields["bsz"] = quote.bidSize?.description
            fields["asz"] = quote.askSize?.description
            fields["last"] = quote.last?.description
            fields["seq"] = quote.venueSequence?.description
            flags = quote.flags
        }
        // Ids that count up by one serve as the sequence; the reference lists only what the message calls so.
        if fields["seq"] == fields["id"] { fields["seq"] = nil }
        if !flags.contains(.noEventTime) { fields["ts_ns"] = String(tick.eventTime.nanoseconds) }
        if flags.contains(.snapshot) { fields["snap"] = "true" }
        self.line = line
        self.fields = fields.compactMapValues { $0 }
    }
}

/// How often each outcome came up.
struct OutcomeCounts: Equatable {
    var ticks = 0
    var control = 0
    var ignored = 0
    var unmatched = 0
    var reconnect = 0
    var errors = 0
    var malformed = 0

    mutating func count(_ outcome: FrameOutcome) {
        switch outcome {
        case .ticks: self.ticks += 1
        case .control, .reply, .acknowledged, .registered: self.control += 1
        case .ignored: self.ignored += 1
        case .unmatched: self.unmatched += 1
        case .reconnect: self.reconnect += 1
        case .providerError, .fatal: self.errors += 1
        case .malformed: self.malformed += 1
        }
    }
}

@Suite("Replaying recorded sessions")
struct ReplayTests {
    static let names = [
        ("COINBASE", "coinbase"), ("BINANCE", "binance"), ("BINANCE_US", "binance-us"), ("BITSTAMP", "bitstamp"),
        ("GEMINI", "gemini"), ("KRAKEN-trade", "kraken-v1"), ("KRAKEN-ticker", "kraken-v1"),
    ]

    private static func replay(_ folder: URL, _ name: String, _ feedName: String) throws -> OutcomeCounts {
        let feed = try Repository.feed(feedName)
        let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(name).rec")))
        let expected = try ExpectedLine.read(folder.appendingPathComponent("expected/\(name).jsonl"))
        var decoder = FrameDecoder(feed: feed, symbols: [])
        var counts = OutcomeCounts()
        var actual: [ExpectedLine] = []
        for line in try Recording.lines(in: bytes) where line.kind == .received {
            var ticks: [Tick] = []
            let outcome = line.payload.withUnsafeBytes {
                decoder.decode($0, receivedTime: line.time, into: &ticks)
            }
            counts.count(outcome)
            actual += ticks.map { ExpectedLine(line: line.number, tick: $0, feed: feed) }
        }
        for (index, pair) in zip(expected, actual).enumerated() where pair.0 != pair.1 {
            Issue.record("tick \(index): expected \(pair.0), got \(pair.1)")
            break
        }
        #expect(actual.count == expected.count)
        #expect(counts.ticks == Set(expected.map(\.line)).count)
        return counts
    }

    @Test("An extract gives exactly the reference ticks, and no frame is strange", arguments: names)
    func extract(name: String, feed: String) throws {
        let folder = Repository.root.appendingPathComponent("Tests/Fixtures/recordings")
        let counts = try Self.replay(folder, name, feed)
        #expect(counts.unmatched == 0)
        #expect(counts.malformed == 0)
        #expect(counts.errors == 0)
        #expect(counts.ignored + counts.control > 0)
    }

    @Test(
        "A whole session gives exactly the reference ticks, where the recordings lie beside the repository",
        .enabled(if: FileManager.default.fileExists(atPath: Self.sharedFolder.path)), arguments: names
    )
    func wholeSession(name: String, feed: String) throws {
        let counts = try Self.replay(Self.sharedFolder, name, feed)
        #expect(counts.unmatched == 0)
        #expect(counts.malformed == 0)
    }

    static let sharedFolder = Repository.root.deletingLastPathComponent().appendingPathComponent("shared/recordings")
}
