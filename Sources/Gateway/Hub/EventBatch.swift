import Backplane
import Channels
import struct NIOCore.NIODeadline

/// Events encoded once as finished WebSocket frames, immutable, shared by all event loops.
final class EventBatch: Sendable {
    /// One event for one channel.
    struct Entry: Sendable {
        /// The app's number in the hub; `nil` for every app.
        var app: Int32?
        /// The channel's name.
        var channel: String
        /// The event's name.
        var name: String
        /// The WebSocket frame, in ``EventBatch/bytes``.
        var frame: Range<Int>
        /// The escaped data inside the frame.
        var data: Range<Int>
        /// What the channel remembers.
        var retention: ChannelEvent.Retention
        /// What a cache channel keeps beside the data; `nil` on any other channel.
        var cached: CachedEvent?
        /// What becomes of it while a subscriber reads too slowly.
        var conflation: Conflation
        /// Whether other channels are made of this one.
        var source: QuoteChannel.Source
        /// The connection that does not get it.
        var excluded: SocketID?
        /// Whether it came from another node.
        var isRemote = false
    }

    let bytes: [UInt8]
    let entries: [Entry]
    /// Whether there are ticks of ticker channels among them.
    var hasTickers: Bool { self.entries.contains { $0.isTickerTick } }

    private init(bytes: [UInt8], entries: [Entry]) {
        self.bytes = bytes
        self.entries = entries
    }

    /// Collects and encodes events.
    struct Builder {
        private var bytes: [UInt8] = []
        private var entries: [Entry] = []
        private let clock: @Sendable () -> NIODeadline

        /// Reserves room for `count` events with `dataBytes` of data in all.
        ///
        /// `clock` says when events of cache channels were published.
        init(count: Int, dataBytes: Int, clock: @escaping @Sendable () -> NIODeadline) {
            self.clock = clock
            self.entries.reserveCapacity(count)
            self.bytes.reserveCapacity(dataBytes + dataBytes / 4 + count * 128)
        }

        /// Encodes an event whose data is UTF-8 text.
        mutating func append(_ event: ChannelEvent, app: Int32?) {
            // An id that is none of ours excludes nobody: the protocol says to ignore it.
            let excluded = event.excludedSocketID.flatMap { try? SocketID($0) }
            let kind = ChannelName.Kind(of: event.channel)
            self.append(
                app: app, name: event.name, channel: event.channel, kind, event.retention, excluded
            ) { output in
                event.data.withUnsafeBufferPointer {
                    ServerFrame.writeEvent(name: event.name, channel: event.channel, data: $0, to: &output)
                }
            }
        }

        /// Encodes an event as a publisher sent it over HTTP.
        mutating func append(_ event: PublishRequest.Event, channel: ChannelName, app: Int32) {
            let retention: ChannelEvent.Retention =
                Self.isRetained(event.name, on: channel) ? .deliverAndKeepAsSnapshot : .none
            self.append(
                app: app, name: event.name, channel: channel.text, channel.kind, retention, event.excludedSocketID
            ) { output in
                event.escapedData.withUnsafeBufferPointer {
                    ServerFrame.writeEvent(name: event.name, channel: channel.text, escapedData: $0, to: &output)
                }
            }
        }

        /// Encodes a client's event for everybody but the client; no channel keeps it.
        mutating func append(_ event: ClientEvent, app: Int32, from socketID: SocketID) {
            let (frame, data) = WebSocketHeader.appendTextFrame(to: &self.bytes) { output in
                ServerFrame.write(event, to: &output)
                return output.count..<output.count
            }
            self.entries.append(
                Entry(
                    app: app, channel: event.channel.text, name: event.name, frame: frame, data: data,
                    retention: .none, cached: nil, conflation: .none, source: .none, excluded: socketID
                )
            )
        }

        /// Encodes an event of another node; what it says of itself passed the same checks there.
        mutating func append(
            _ event: EventMessage.Entry, channel: String, app: Int32, time: NIODeadline, isRemote: Bool = true
        ) {
            let excluded = event.excludedSocketID.flatMap { try? SocketID($0) }
            if event.isClientEvent {
                let (frame, data) = WebSocketHeader.appendTextFrame(to: &self.bytes) { output in
                    event.escapedData.withUnsafeBufferPointer {
                        ServerFrame.writeClientEvent(
                            name: event.name, channel: channel, escapedData: $0, userID: event.userID, to: &output)
                    }
                    return output.count..<output.count
                }
                self.entries.append(
                    Entry(
                        app: app, channel: channel, name: event.name, frame: frame, data: data, retention: .none,
                        cached: nil, conflation: .none, source: .none, excluded: excluded, isRemote: true))
                return
            }
            let kind = ChannelName.Kind(of: channel)
            self.append(
                app: app, name: event.name, channel: channel, kind, event.isKept ? .deliverAndKeepAsSnapshot : .none,
                excluded
            ) { output in
                event.escapedData.withUnsafeBufferPointer {
                    ServerFrame.writeEvent(name: event.name, channel: channel, escapedData: $0, to: &output)
                }
            }
            self.entries[self.entries.count - 1].isRemote = isRemote
            if kind.isCache {
                self.entries[self.entries.count - 1].cached = CachedEvent(
                    name: event.name, time: time, wall: event.time, isRemote: isRemote)
            }
        }

        /// The finished batch.
        consuming func finish() -> EventBatch {
            EventBatch(bytes: self.bytes, entries: self.entries)
        }

        private mutating func append(
            app: Int32?,
            name: String,
            channel: String,
            _ kind: ChannelName.Kind,
            _ retention: ChannelEvent.Retention,
            _ excluded: SocketID?,
            _ write: (inout [UInt8]) -> Range<Int>
        ) {
            let (frame, data) = WebSocketHeader.appendTextFrame(to: &self.bytes, write)
            self.entries.append(
                Entry(
                    app: app,
                    channel: channel,
                    name: name,
                    frame: frame,
                    data: data,
                    retention: kind.isCache && retention == .none ? .deliverAndKeepAsSnapshot : retention,
                    cached: kind.isCache
                        ? CachedEvent(name: name, time: self.clock(), wall: WallTime.microseconds()) : nil,
                    conflation: Self.conflation(name, on: channel, self.bytes[data]),
                    source: QuoteChannel.source(channel),
                    excluded: excluded
                )
            )
        }

        /// A tick is a channel's state wherever it comes from; a full snapshot republished on a ticker channel is, too, and a
        /// candle on a channel of candles.
        private static func isRetained(_ name: String, on channel: ChannelName) -> Bool {
            name == "tick" || name == "snapshot" && channel.text.hasPrefix("ticker-")
                || name == "candle" && channel.text.hasPrefix("candles-")
        }

        private static func conflation(_ name: String, on channel: String, _ data: ArraySlice<UInt8>) -> Conflation {
            if name == "tick" { return .tick }
            guard name == "candle", channel.hasPrefix("candles-") else { return .none }
            // A closed candle is the last word about its interval.
            return data.suffix(Self.closedEnd.count).elementsEqual(Self.closedEnd) ? .none : .candle
        }

        private static let closedEnd = Array(#"\"closed\":true}"#.utf8)
    }
}
