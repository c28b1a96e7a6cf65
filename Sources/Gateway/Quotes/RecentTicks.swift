import Channels
import NIOCore
import Synchronization

/// The newest ticks of every ticker channel, for clients that missed some.
///
/// Any thread. Bounded for each channel by number and age, and by bytes over all channels.
final class RecentTicks: Sendable {
    /// What a client missed.
    struct Answer: Equatable {
        /// JSON objects, oldest first.
        var ticks: [[UInt8]]
        /// Whether nothing is missing between what the client has and the newest tick.
        var isComplete: Bool

        /// `{"ticks":[…],"complete":true}`.
        var json: [UInt8] {
            var bytes = Array(#"{"ticks":["#.utf8)
            for (index, tick) in self.ticks.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(contentsOf: tick)
            }
            bytes.append(contentsOf: "],\"complete\":\(self.isComplete)}".utf8)
            return bytes
        }
    }

    private struct State {
        var rings: [ChannelKey: TickRing] = [:]
        var bytes = 0
        var trimmedAt = NIODeadline.distantPast
    }

    /// Ticks published for every app.
    private static let everyApp: Int32 = -1
    /// Channels that are kept: publishers may make up names.
    private static let channelsMax = 100_000

    private let ticksMax: Int
    private let age: TimeAmount
    private let bytesMax: Int
    private let state = Mutex(State())

    init(ticksMax: Int, age: TimeAmount, bytesMax: Int) {
        self.ticksMax = ticksMax
        self.age = age
        self.bytesMax = bytesMax
    }

    /// Keeps the ticks of a batch.
    func record(_ batch: EventBatch, now: @autoclosure () -> NIODeadline = .now()) {
        guard self.ticksMax > 0, batch.hasTickers else { return }
        let now = now()
        batch.bytes.withUnsafeBytes { bytes in
            self.state.withLock { state in
                for entry in batch.entries where entry.isTickerTick {
                    self.record(entry, UnsafeRawBufferPointer(rebasing: bytes[entry.data]), now, &state)
                }
            }
        }
    }

    /// The ticks after one that a client has.
    ///
    /// - Parameters:
    ///   - channel: `ticker-SYMBOL[@VENUE]`.
    ///   - app: The app's number; ticks that are published for every app come first.
    ///   - sequence: The newest one the client has.
    ///   - now: The current time.
    /// - Returns: Nothing, and not complete, for a channel that had no tick.
    func ticks(of channel: String, app: Int32, since sequence: UInt64, now: NIODeadline) -> Answer {
        let found: (ticks: [[UInt8]], isComplete: Bool)? = self.state.withLock { state in
            let keys = [ChannelKey(app: Self.everyApp, name: channel), ChannelKey(app: app, name: channel)]
            guard let key = keys.first(where: { state.rings[$0] != nil }) else { return nil }
            state.rings[key]?.forget(before: now - self.age, beyond: self.ticksMax)
            return state.rings[key]?.ticks(since: sequence)
        }
        guard let found else { return Answer(ticks: [], isComplete: false) }
        // Outside of the lock: publishers wait for it.
        let ticks = found.ticks.map { $0.withUnsafeBufferPointer { JSONText.unescaped($0) } }
        return Answer(ticks: ticks, isComplete: found.isComplete)
    }

    private func record(
        _ entry: EventBatch.Entry, _ data: UnsafeRawBufferPointer, _ now: NIODeadline, _ state: inout State
    ) {
        guard let sequence = TickText.escaped.sequence(data) else { return }
        let key = ChannelKey(app: entry.app ?? Self.everyApp, name: entry.channel)
        guard state.rings[key] != nil || state.rings.count < Self.channelsMax else { return }
        var ring = state.rings.removeValue(forKey: key) ?? TickRing()
        let before = ring.bytesHeld
        if entry.retention == .keepOnly {
            ring.begin(after: sequence)
        } else {
            ring.append(data, sequence: sequence, merged: TickText.escaped.weight(data), now: now)
            ring.forget(before: now - self.age, beyond: self.ticksMax)
        }
        state.bytes += ring.bytesHeld - before
        state.rings[key] = ring
        if state.bytes > self.bytesMax { self.trim(key, now, &state) }
    }

    /// Too many bytes: what is old goes everywhere, then half of what the channel that has grown keeps.
    private func trim(_ key: ChannelKey, _ now: NIODeadline, _ state: inout State) {
        if now - state.trimmedAt > .seconds(1) {
            state.trimmedAt = now
            for other in state.rings.keys { state.rings[other]?.forget(before: now - self.age, beyond: self.ticksMax) }
            state.rings = state.rings.filter { $0.value.count > 0 }
            for other in state.rings.keys { state.rings[other]?.compact() }
            state.bytes = state.rings.values.reduce(0) { $0 + $1.bytesHeld }
        }
        guard state.bytes > self.bytesMax, var ring = state.rings.removeValue(forKey: key) else { return }
        let before = ring.bytesHeld
        ring.forget(before: .distantPast, beyond: ring.count / 2)
        ring.compact()
        state.bytes += ring.bytesHeld - before
        state.rings[key] = ring
    }
}

extension EventBatch.Entry {
    /// Whether it is a tick of a ticker channel without a prefix, delivered or kept.
    var isTickerTick: Bool { self.conflation == .tick && (self.source == .primary || self.source == .venue) }
}
