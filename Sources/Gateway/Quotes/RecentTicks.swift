import Atomics
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

    /// Some of the channels.
    private final class Part: Sendable {
        let rings = Mutex<[ChannelKey: TickRing]>([:])
    }

    /// Ticks published for every app.
    private static let everyApp: Int32 = -1
    /// Channels that are kept: publishers may make up names.
    private static let channelsMax = 100_000
    /// Channels are spread over so many locks, so that loops that publish at once seldom meet.
    private static let partCount = 16

    private let ticksMax: Int
    private let age: TimeAmount
    private let bytesMax: Int
    private let parts = (0..<RecentTicks.partCount).map { _ in Part() }
    /// Bytes over all parts.
    ///
    /// What several threads add at once may exceed the bound by as much until they have trimmed.
    private let bytes = ManagedAtomic(0)
    /// When old ticks went everywhere for the last time, in nanoseconds.
    private let trimmedAt = ManagedAtomic<UInt64>(0)

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
            for entry in batch.entries where entry.isTickerTick {
                self.record(entry, UnsafeRawBufferPointer(rebasing: bytes[entry.data]), now)
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
        let keys = [ChannelKey(app: Self.everyApp, name: channel), ChannelKey(app: app, name: channel)]
        let found = keys.lazy.compactMap { self.ticks(of: $0, since: sequence, now: now) }.first
        guard let found else { return Answer(ticks: [], isComplete: false) }
        // Outside of the lock: publishers wait for it.
        let ticks = found.ticks.map { $0.withUnsafeBufferPointer { JSONText.unescaped($0) } }
        return Answer(ticks: ticks, isComplete: found.isComplete)
    }

    private func part(of key: ChannelKey) -> Part {
        self.parts[Int(UInt(bitPattern: key.hashValue) % UInt(Self.partCount))]
    }

    private func ticks(
        of key: ChannelKey, since sequence: UInt64, now: NIODeadline
    ) -> (ticks: [[UInt8]], isComplete: Bool)? {
        self.part(of: key).rings.withLock { rings in
            guard var ring = rings.removeValue(forKey: key) else { return nil }
            let before = ring.bytesHeld
            ring.forget(before: now - self.age, beyond: self.ticksMax)
            self.bytes.wrappingIncrement(by: ring.bytesHeld - before, ordering: .relaxed)
            let found = ring.ticks(since: sequence)
            rings[key] = ring
            return found
        }
    }

    private func record(_ entry: EventBatch.Entry, _ data: UnsafeRawBufferPointer, _ now: NIODeadline) {
        guard let sequence = TickText.escaped.sequence(data) else { return }
        let key = ChannelKey(app: entry.app ?? Self.everyApp, name: entry.channel)
        self.part(of: key).rings.withLock { rings in
            guard rings[key] != nil || rings.count < Self.channelsMax / Self.partCount else { return }
            var ring = rings.removeValue(forKey: key) ?? TickRing()
            let before = ring.bytesHeld
            if entry.retention == .keepOnly {
                ring.begin(after: sequence)
            } else {
                ring.append(data, sequence: sequence, merged: TickText.escaped.weight(data), now: now)
                ring.forget(before: now - self.age, beyond: self.ticksMax)
            }
            self.bytes.wrappingIncrement(by: ring.bytesHeld - before, ordering: .relaxed)
            rings[key] = ring
        }
        if self.bytes.load(ordering: .relaxed) > self.bytesMax { self.trim(key, now) }
    }

    /// Too many bytes: what is old goes everywhere, then half of what the channel that has grown keeps.
    private func trim(_ key: ChannelKey, _ now: NIODeadline) {
        let last = self.trimmedAt.load(ordering: .relaxed)
        let isDue = last == 0 || now.uptimeNanoseconds > last + 1_000_000_000
        if isDue,
            self.trimmedAt.compareExchange(expected: last, desired: now.uptimeNanoseconds, ordering: .relaxed).exchanged
        {
            for part in self.parts { self.forgetOld(in: part, now) }
        }
        guard self.bytes.load(ordering: .relaxed) > self.bytesMax else { return }
        self.part(of: key).rings.withLock { rings in
            guard var ring = rings.removeValue(forKey: key) else { return }
            let before = ring.bytesHeld
            ring.forget(before: .distantPast, beyond: ring.count / 2)
            ring.compact()
            self.bytes.wrappingIncrement(by: ring.bytesHeld - before, ordering: .relaxed)
            rings[key] = ring
        }
    }

    private func forgetOld(in part: Part, _ now: NIODeadline) {
        part.rings.withLock { rings in
            let before = rings.values.reduce(0) { $0 + $1.bytesHeld }
            for key in rings.keys { rings[key]?.forget(before: now - self.age, beyond: self.ticksMax) }
            rings = rings.filter { $0.value.count > 0 }
            for key in rings.keys { rings[key]?.compact() }
            let after = rings.values.reduce(0) { $0 + $1.bytesHeld }
            self.bytes.wrappingIncrement(by: after - before, ordering: .relaxed)
        }
    }
}

extension EventBatch.Entry {
    /// Whether it is a tick of a ticker channel without a prefix, delivered or kept.
    var isTickerTick: Bool { self.conflation == .tick && (self.source == .primary || self.source == .venue) }
}
