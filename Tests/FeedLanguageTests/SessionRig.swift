import FeedLanguage
import Market

/// A session in virtual time, milliseconds from its start.
struct SessionRig {
    var session: FeedSession
    let zero = ContinuousClock.now
    /// 2027-01-15T08:00:00Z.
    static let wallStart = Timestamp(nanoseconds: 1_800_000_000_000_000_000)

    init(_ yaml: String, symbols: [String], environment: [String: String] = [:]) throws {
        let feed = try Feed.load(yaml: yaml, file: "acme.yaml", environment: { environment[$0] })
        self.session = FeedSession(feed: feed, symbols: try symbols.map { try Symbol($0) })
    }

    /// A file around what `connect` and the rest say.
    init(
        connect: String = "", rest: String = #"subscribe: {send: {sub: ["{symbols}"]}}"#, symbols: [String] = ["A-B"],
        environment: [String: String] = [:]
    ) throws {
        let lines = connect.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        let url = lines.contains("websocket:") ? "" : "  websocket: \"wss://acme.test/ws\"\n"
        try self.init(
            """
            feed: acme
            asset: crypto
            connect:
            \(url)\(lines)
            \(rest)
            messages: [{trade: {symbol: s, price: p}}]
            """, symbols: symbols, environment: environment)
    }

    func at(_ milliseconds: Int) -> ContinuousClock.Instant { self.zero + .milliseconds(milliseconds) }

    func moment(_ milliseconds: Int, random: UInt64 = 0) -> Moment {
        Moment(
            instant: self.at(milliseconds),
            time: Self.wallStart.advanced(byNanoseconds: Int64(milliseconds) * 1_000_000), random: random)
    }

    mutating func start(_ time: Int = 0) -> [FeedSession.Action] { self.session.start(at: self.moment(time)) }

    mutating func connected(_ time: Int) -> [FeedSession.Action] { self.session.connected(at: self.moment(time)) }

    mutating func fire(_ time: Int, random: UInt64 = 0) -> [FeedSession.Action] {
        self.session.timerFired(at: self.moment(time, random: random))
    }

    mutating func received(_ outcome: FrameOutcome, sequence: Int64? = nil, _ time: Int) -> [FeedSession.Action] {
        self.session.received(outcome, sequence: sequence, at: self.moment(time))
    }

    mutating func closed(
        _ time: Int, _ reason: String = "x", status: Int? = nil, random: UInt64 = 0
    ) -> [FeedSession.Action] {
        self.session.closed(at: self.moment(time, random: random), reason: reason, status: status)
    }

    mutating func replace(_ symbols: [String], _ time: Int) throws -> [FeedSession.Action] {
        try self.session.replaceSymbols(symbols.map { try Symbol($0) }, at: self.moment(time))
    }

    mutating func answered(
        _ body: String, status: Int = 200, headers: [Header] = [], id: Int = 1, _ time: Int
    ) -> [FeedSession.Action] {
        self.session.answered(
            BootstrapAnswer(status: status, headers: headers, body: Array(body.utf8)), id: id, at: self.moment(time))
    }

    func states() -> [String: SymbolState] {
        Dictionary(self.session.symbolStates.map { ($0.key.name, $0.value) }, uniquingKeysWith: { $1 })
    }
}

extension [FeedSession.Action] {
    /// The texts that are sent.
    var sent: [String] {
        self.compactMap { action in
            if case .send(let text) = action { return text }
            return nil
        }
    }

    /// Why the session waits, or has failed, and how long.
    var pause: (reason: String, delay: Duration)? {
        for action in self {
            if case .report(.waiting(_, let delay, let reason)) = action { return (reason, delay) }
            if case .report(.failed(let reason, let delay)) = action { return (reason, delay) }
        }
        return nil
    }
}
