public import FeedLanguage
import Foundation
public import Market

/// Turns the lines of a recording into ticks, as a connection would have done when they came.
///
/// Event times and receive times are those of the recording: a replay gives the same ticks whenever and however fast it runs.
public struct RecordingDecoder {
    /// How many lines decide which of a feed's streams a recording is of.
    private static let trialLines = 300

    private let feed: Feed
    private let symbols: [Symbol]
    private var decoder: FrameDecoder

    /// Makes a decoder for a recording of one connection.
    ///
    /// - Parameters:
    ///   - feed: The feed, or the one of its streams that was recorded.
    ///   - symbols: What was subscribed: joined names are looked up among these first.
    public init(feed: Feed, symbols: [Symbol]) {
        self.feed = feed
        self.symbols = symbols
        self.decoder = FrameDecoder(feed: feed, symbols: symbols)
    }

    /// Reads one line and appends its ticks.
    ///
    /// - Returns: What became of the frame; `nil` for a line that is none: a sent frame, an opened connection, or an answer to a
    ///   request that was made before connecting.
    public mutating func decode(_ line: Recording.Line, into ticks: inout [Tick]) -> FrameOutcome? {
        switch line.kind {
        case .opened:
            // Channel ids and merged quotes end with their connection.
            self.decoder = FrameDecoder(feed: self.feed, symbols: self.symbols)
            return nil
        case .sent: return nil
        case .answered where !self.feed.isPolled: return nil
        case .answered(let url):
            // An answer may tell nothing of the symbol that was asked for: the address does.
            var decoder = FrameDecoder(feed: self.feed, symbols: self.symbolsAsked(by: url))
            return line.payload.withUnsafeBytes { decoder.decode($0, receivedTime: line.time, into: &ticks) }
        case .received:
            return line.payload.withUnsafeBytes {
                self.decoder.decode($0, receivedTime: line.time, into: &ticks)
            }
        }
    }

    /// The symbols whose names are parts of an address; all where it names none.
    private func symbolsAsked(by url: String) -> [Symbol] {
        let parts = Set(
            url.split(whereSeparator: { "/?&=,".contains($0) }).map { String($0).removingPercentEncoding ?? "" })
        let named = self.symbols.filter { self.feed.nativeSymbol(for: $0).map(parts.contains) ?? false }
        return named.isEmpty ? self.symbols : named
    }

    /// The stream of `feed` that understands the beginning of a recording best.
    ///
    /// - Throws: As ``RecordingReader`` does.
    public static func stream(of feed: Feed, recordedIn path: String, symbols: [Symbol]) throws -> Feed {
        let streams = feed.streams
        guard streams.count > 1 else { return feed }
        var reader = try RecordingReader(path: path)
        var decoders = streams.map { RecordingDecoder(feed: $0, symbols: symbols) }
        var scores = streams.map { _ in 0 }
        var lines = 0
        while lines < Self.trialLines, let line = try reader.next() {
            lines += 1
            for index in decoders.indices {
                var ticks: [Tick] = []
                switch decoders[index].decode(line, into: &ticks) {
                case .ticks(let count): scores[index] += count
                case .unmatched, .malformed: scores[index] -= 1
                case .control, .ignored, .reconnect, .reply, .acknowledged, .registered, .providerError, .fatal, nil:
                    break
                }
            }
        }
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        return streams[best]
    }
}
