/// One `market` channel: what the next frame tells of which symbols, and what everybody on it has.
package struct MarketQuotes: Sendable {
    /// One of the frames that tell what has changed.
    package struct Frame: Equatable, Sendable {
        /// An array of ticks, escaped for a JSON string.
        package var data: [UInt8]
        /// The symbols in it, and how many ticks of each it stands for.
        package var merged: [Int32: Int]
    }

    private struct Entry {
        /// The symbol's tick as of the last frame, escaped for a JSON string; empty before the first one.
        var sent: [UInt8]
        var pending = 0
    }

    /// The data of one frame is no longer, unless a single tick is: more goes into further frames.
    private let frameBytesMax: Int
    private var entries: [Entry] = []
    /// Symbols with ticks since the last frame, the first one first.
    private var changed: [Int32] = []

    /// A channel without symbols.
    package init(frameBytesMax: Int = 64 * 1024) { self.frameBytesMax = frameBytesMax }

    /// Whether something has changed since the last frame.
    package var hasChanges: Bool { !self.changed.isEmpty }

    /// Takes a symbol in.
    ///
    /// - Parameter newest: Its newest tick for those who join, escaped for a JSON string; empty when the next frame brings it.
    /// - Returns: The symbol's number on this channel.
    package mutating func add(newest: [UInt8]) -> Int32 {
        self.entries.append(Entry(sent: newest))
        return Int32(self.entries.count - 1)
    }

    /// A symbol had ticks; `weight` says how many.
    package mutating func ticked(_ symbol: Int32, weight: Int) {
        if self.entries[Int(symbol)].pending == 0 { self.changed.append(symbol) }
        self.entries[Int(symbol)].pending += max(weight, 1)
    }

    /// What is to be sent now: as many frames as it takes.
    ///
    /// - Parameter newest: A symbol's newest tick, escaped for a JSON string.
    /// - Returns: None when nothing has changed.
    package mutating func frames(newest: (Int32) -> [UInt8]) -> [Frame] {
        var merged: [(Int32, Int)] = []
        merged.reserveCapacity(self.changed.count)
        for symbol in self.changed {
            merged.append((symbol, self.entries[Int(symbol)].pending))
            self.entries[Int(symbol)].pending = 0
            self.entries[Int(symbol)].sent = newest(symbol)
        }
        self.changed.removeAll(keepingCapacity: true)
        return self.frames(of: merged)
    }

    /// The symbols' state as of the last frame for somebody who missed frames.
    ///
    /// - Parameter merged: How many ticks of which symbols those stood for.
    /// - Returns: As many frames as it takes.
    package func catchUp(_ merged: [Int32: Int]) -> [Frame] {
        self.frames(of: merged.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    /// All symbols as of the last frame, for somebody who joins: at least one array, which may be empty.
    package func snapshot() -> [[UInt8]] {
        let all = self.entries.indices.map { (Int32($0), 0) }
        let frames = self.frames(of: all)
        return frames.isEmpty ? [Array("[]".utf8)] : frames.map(\.data)
    }

    /// Arrays of the symbols' ticks; zero ticks are a snapshot's and are not told.
    private func frames(of symbols: some Sequence<(Int32, Int)>) -> [Frame] {
        var frames: [Frame] = []
        var frame = Frame(data: [], merged: [:])
        for (symbol, merged) in symbols {
            let data = self.entries[Int(symbol)].sent
            // What an application publishes may be no object: it has no place in an array of ticks.
            guard data.first == UInt8(ascii: "{") else { continue }
            if !frame.data.isEmpty, frame.data.count + data.count > self.frameBytesMax {
                frame.data.append(UInt8(ascii: "]"))
                frames.append(frame)
                frame = Frame(data: [], merged: [:])
            }
            frame.data.append(UInt8(ascii: frame.data.isEmpty ? "[" : ","))
            if merged == 0 {
                frame.data.append(contentsOf: data)
            } else {
                data.withUnsafeBytes { TickText.escaped.append($0, merged: merged, to: &frame.data) }
            }
            frame.merged[symbol] = merged
        }
        guard !frame.data.isEmpty else { return frames }
        frame.data.append(UInt8(ascii: "]"))
        frames.append(frame)
        return frames
    }
}
