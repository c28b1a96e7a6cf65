import Market

/// A simulated market with its faults and its memory: what is sent, what is held back, what is served afterwards.
///
/// Sans I/O: times come in as arguments, frames go out through a closure.
struct SimulatedTrading: Sendable {
    /// Frames of the kind and symbol that a held back frame waits for.
    private struct Stream: Hashable {
        var symbolIndex: Int
        var isTrade: Bool
    }

    /// How long trades are served for backfill, in nanoseconds, and how many of each symbol at most.
    static let memory: Int64 = 600 * 1_000_000_000
    static let tradesMax = 100_000

    private var market: SimulatedMarket
    private var injector: FaultInjector
    private var planBegan: Int64 = 0
    private var held: [Stream: [UInt8]] = [:]
    private let seed: UInt64
    private(set) var tapes: [SimulatedTape]
    let symbols: [Symbol]

    init(seed: UInt64, firstTradeID: UInt64, plan: FaultPlan) {
        self.market = SimulatedMarket(seed: seed, firstTradeID: firstTradeID)
        self.symbols = self.market.symbols
        self.tapes = self.symbols.map { _ in SimulatedTape() }
        self.injector = FaultInjector(plan, seed: seed)
        self.seed = seed
    }

    /// The faults in force.
    var plan: FaultPlan { self.injector.plan }

    /// Whether nothing is sent at all, heartbeats included.
    func isStalled(now: Int64) -> Bool { self.injector.isStalled(elapsed: now - self.planBegan) }

    /// How many times the rate is what it should be.
    func rateFactor(now: Int64) -> Int64 { self.injector.rateFactor(elapsed: now - self.planBegan) }

    /// Puts other faults in force; their times count from now.
    ///
    /// Release what is held back first: ``release(send:)``.
    mutating func setPlan(_ plan: FaultPlan, now: Int64) {
        self.injector = FaultInjector(plan, seed: self.seed)
        self.planBegan = now
    }

    /// Whether every connection is cut now; `true` once each time.
    mutating func cutsConnections(now: Int64) -> Bool {
        self.injector.cutsConnections(elapsed: now - self.planBegan)
    }

    /// Sends what was held back: before connections go, and before other faults come.
    mutating func release(send: (_ symbolIndex: Int, _ frame: [UInt8]) -> Void) {
        let waiting = self.held.sorted {
            ($0.key.symbolIndex, $0.key.isTrade ? 1 : 0) < ($1.key.symbolIndex, $1.key.isTrade ? 1 : 0)
        }
        self.held.removeAll()
        for (stream, frame) in waiting { send(stream.symbolIndex, frame) }
    }

    /// Lets the next thing happen.
    ///
    /// - Parameters:
    ///   - time: The real time; the message carries it with the plan's skew.
    ///   - now: Nanoseconds of a monotonic clock.
    ///   - isWanted: Whether anybody is subscribed to a symbol.
    ///   - send: Takes each frame for the subscribers of its symbol, in order.
    mutating func next(
        at time: Timestamp, now: Int64, isWanted: (_ symbolIndex: Int) -> Bool,
        send: (_ symbolIndex: Int, _ frame: [UInt8]) -> Void
    ) {
        let message = self.market.next(at: time.advanced(byNanoseconds: self.plan.skew))
        let index = message.symbolIndex
        let isWanted = isWanted(index)
        let stream: Stream
        var fate = self.injector.fate(of: message, elapsed: now - self.planBegan)
        switch message {
        case .quote:
            stream = Stream(symbolIndex: index, isTrade: false)
            if fate == .holdBack, self.held[stream] != nil { fate = .send }
        case .trade(let trade):
            stream = Stream(symbolIndex: index, isTrade: true)
            if fate == .holdBack, self.held[stream] != nil { fate = .send }
            self.remember(trade, fate, isWanted: isWanted)
        }
        guard isWanted, fate != .drop, fate != .withhold else { return }
        var frame: [UInt8] = []
        frame.reserveCapacity(192)
        self.market.write(message, to: &frame)
        if fate == .holdBack {
            self.held[stream] = frame
            return
        }
        send(index, frame)
        if fate == .sendTwice { send(index, frame) }
        if let late = self.held.removeValue(forKey: stream) { send(index, late) }
        if let garbage = self.injector.garbage(after: frame) { send(index, garbage) }
    }

    private mutating func remember(_ trade: SimulatedTrade, _ fate: FaultInjector.Fate, isWanted: Bool) {
        let outcome: SimulatedTape.Outcome
        switch fate {
        case .drop: outcome = .dropped
        case .withhold: outcome = .withheld
        case .send, .sendTwice, .holdBack: outcome = isWanted ? .sent : .withheld
        }
        let index = trade.symbolIndex
        self.tapes[index].append(
            trade, outcome, isDoubled: fate == .sendTwice, isReordered: fate == .holdBack
        )
        self.tapes[index].forget(before: trade.time.advanced(byNanoseconds: -Self.memory), keeping: Self.tradesMax)
    }
}

/// What is served over HTTP.
extension SimulatedTrading {
    /// `{"symbol":"BTC-USD","trades":[…]}`: trades as they are sent, oldest first.
    func tradesJSON(symbolIndex: Int, from first: UInt64, to last: UInt64, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(literal: "{\"symbol\":\"")
        self.symbols[symbolIndex].write(to: &bytes)
        bytes.append(literal: "\",\"trades\":[")
        let trades = self.tapes[symbolIndex].trades(from: first, to: last, limit: limit)
        for (index, trade) in trades.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            self.market.write(trade, to: &bytes)
        }
        bytes.append(literal: "]}")
        return bytes
    }

    /// The account of every symbol that has traded: counts, and the ids of trades that were not sent as pairs of first and last.
    func ledgerJSON() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(literal: "{\"faults\":")
        bytes.appendJSONString(self.plan.description)
        bytes.append(literal: ",\"symbols\":{")
        var isFirst = true
        for (symbol, tape) in zip(self.symbols, self.tapes) {
            guard let first = tape.firstID, let last = tape.lastID else { continue }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.appendJSONString(symbol.name)
            let counts =
                ":{\"first\":\(first),\"last\":\(last),\"sent\":\(tape.sentCount),\"doubled\":\(tape.doubledCount)"
                + ",\"reordered\":\(tape.reorderedCount),\"withheld\":\(tape.withheldCount),\"dropped\":\(tape.droppedCount)"
            bytes.append(contentsOf: counts.utf8)
            Self.append(tape.withheld, key: ",\"withheldIds\":[", to: &bytes)
            Self.append(tape.dropped, key: ",\"droppedIds\":[", to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(literal: "}}")
        return bytes
    }

    private static func append(
        _ ranges: some Sequence<SimulatedTape.Range>, key: StaticString, to bytes: inout [UInt8]
    ) {
        bytes.append(literal: key)
        var isFirst = true
        for range in ranges {
            bytes.append(contentsOf: "\(isFirst ? "" : ",")[\(range.from),\(range.to)]".utf8)
            isFirst = false
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
