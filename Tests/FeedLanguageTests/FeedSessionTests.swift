import FeedLanguage
import Market
import Testing

@Suite("The life of a feed's connection")
struct FeedSessionTests {
    private let feed: Feed
    private let zero = ContinuousClock.now
    private let symbols: [Symbol]

    init() throws {
        self.feed = try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect:
                  websocket: "wss://acme.test/ws"
                  headers: {X-Client: tickwire}
                  limits: {messagesPerSecond: 4, symbolsPerMessage: 1}
                  idleTimeout: 30s
                  connectTimeout: 10s
                  maxAge: 1h
                  keepalive: {every: 20s, send: ping}
                subscribe: {send: {sub: ["{symbols}"], id: "{n}"}}
                unsubscribe: {send: {unsub: ["{symbols}"]}}
                messages: [{trade: {symbol: s, price: p}}]
                """, file: "acme.yaml"
        )
        self.symbols = [try Symbol("A-B"), try Symbol("C-D"), try Symbol("E-F")]
    }

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { self.zero + .milliseconds(milliseconds) }

    private func session() -> FeedSession { FeedSession(feed: self.feed, symbols: self.symbols) }

    /// A session whose socket opened at 0 s and whose subscription is out.
    private func opened() -> FeedSession {
        var session = self.session()
        _ = session.start(now: self.at(0))
        _ = session.connected(now: self.at(0))
        _ = session.timerFired(now: self.at(250), random: 0)
        _ = session.timerFired(now: self.at(500), random: 0)
        return session
    }

    @Test("Starting connects, and a connection that does not open is given up")
    func connectTimeout() {
        var session = self.session()
        #expect(
            session.start(now: self.at(0)) == [
                .report(.connecting),
                .connect(url: "wss://acme.test/ws", headers: self.headers), .armTimer(at: self.at(10_000)),
            ]
        )
        #expect(session.start(now: self.at(1)) == [])
        #expect(session.timerFired(now: self.at(9999), random: 0) == [.armTimer(at: self.at(10_000))])
        #expect(session.timerFired(now: self.at(10_000), random: 0) == [.disconnect, .armTimer(at: self.at(15_000))])
        #expect(
            session.closed(now: self.at(10_100), reason: "cancelled", random: 0) == [
                .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "no connection within 10.0 seconds")),
                .armTimer(at: self.at(10_350)),
            ]
        )
        // A socket that opens after all is not wanted any more.
        #expect(session.connected(now: self.at(10_200)) == [.disconnect])
        #expect(session.timerFired(now: self.at(10_350), random: 0).first == .report(.connecting))
    }

    private var headers: [Header] {
        guard case .webSocket(let plan) = self.feed.transport else { return [] }
        return plan.headers
    }

    @Test("Subscriptions go out at the pace that the venue allows")
    func pacing() {
        var session = self.session()
        _ = session.start(now: self.at(0))
        #expect(
            session.connected(now: self.at(100)) == [
                .report(.subscribing), .send(#"{"sub":["A-B"],"id":1}"#), .armTimer(at: self.at(350)),
            ]
        )
        #expect(session.timerFired(now: self.at(300), random: 0) == [.armTimer(at: self.at(350))])
        #expect(
            session.timerFired(now: self.at(350), random: 0) == [
                .send(#"{"sub":["C-D"],"id":2}"#), .armTimer(at: self.at(600)),
            ])
        // A late timer sends one message, not all that would have been due.
        #expect(
            session.timerFired(now: self.at(5000), random: 0) == [
                .send(#"{"sub":["E-F"],"id":3}"#), .armTimer(at: self.at(20_100)),
            ])
    }

    @Test("The first acknowledgement or tick makes it live, and later frames cost nothing")
    func live() {
        var session = self.opened()
        #expect(session.received(.ignored, now: self.at(600)) == [])
        #expect(session.received(.providerError(ProviderError(message: "no such symbol")), now: self.at(610)) == [])
        #expect(session.received(.control, now: self.at(620)) == [.report(.live)])
        #expect(session.received(.ticks(3), now: self.at(630)) == [])
        #expect(session.received(.malformed("x"), now: self.at(640)) == [])
        #expect(session.received(.unmatched, now: self.at(650)) == [])
    }

    @Test("Silence ends a connection, frames of any kind keep it")
    func idle() {
        var session = self.opened()
        _ = session.received(.unmatched, now: self.at(25_000))
        #expect(session.timerFired(now: self.at(30_000), random: 0).contains(.armTimer(at: self.at(50_000))))
        #expect(session.timerFired(now: self.at(50_000), random: 0).contains(.armTimer(at: self.at(55_000))))
        #expect(session.timerFired(now: self.at(55_000), random: 0) == [.disconnect, .armTimer(at: self.at(60_000))])
        // The socket never says that it closed: after five seconds nobody waits for it.
        #expect(
            session.timerFired(now: self.at(60_000), random: 0).first
                == .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "silent for 30.0 seconds"))
        )
        #expect(session.closed(now: self.at(60_001), reason: "late", random: 0) == [])
    }

    @Test("The keep-alive message is sent while the connection is open")
    func keepAlive() {
        var session = self.opened()
        _ = session.received(.control, now: self.at(10_000))
        #expect(session.timerFired(now: self.at(20_000), random: 0) == [.send("ping"), .armTimer(at: self.at(40_000))])
        _ = session.received(.control, now: self.at(30_000))
        #expect(session.timerFired(now: self.at(40_000), random: 0) == [.send("ping"), .armTimer(at: self.at(60_000))])
    }

    @Test("A connection is renewed at the age the venue allows, and when it asks")
    func renewal() {
        var session = self.opened()
        for minute in 0..<60 { _ = session.received(.ticks(1), now: self.at(minute * 60_000)) }
        _ = session.received(.ticks(1), now: self.at(3_599_000))
        #expect(
            session.timerFired(now: self.at(3_600_000), random: 0) == [.disconnect, .armTimer(at: self.at(3_605_000))])
        #expect(
            session.closed(now: self.at(3_600_050), reason: "closed by us", random: UInt64.max)
                .first.map { "\($0)" }?.contains("open for 3600.0 seconds") == true
        )
        var asked = self.opened()
        #expect(asked.received(.reconnect, now: self.at(900)) == [.disconnect, .armTimer(at: self.at(5900))])
        #expect(asked.received(.ticks(1), now: self.at(901)) == [])
        #expect(
            asked.closed(now: self.at(1000), reason: "", random: 0).first
                == .report(
                    .waiting(attempt: 1, delay: .milliseconds(250), reason: "the venue asked for a new connection"))
        )
    }

    @Test("Waits double up to thirty seconds, half of each is chance, and success starts anew")
    func backOff() {
        var session = self.session()
        _ = session.start(now: self.at(0))
        var now = 0
        var delays: [Duration] = []
        for attempt in 1...9 {
            let random: UInt64 = attempt % 2 == 0 ? 0 : 250
            for action in session.closed(now: self.at(now), reason: "refused", random: random) {
                if case .report(.waiting(let count, let delay, let reason)) = action {
                    #expect(count == attempt)
                    #expect(reason == "refused")
                    delays.append(delay)
                }
            }
            now += 100_000
            #expect(session.timerFired(now: self.at(now), random: 0).first == .report(.connecting))
        }
        #expect(
            delays == [500, 500, 1250, 2000, 4250, 8000, 15_250, 15_000, 15_250].map { Duration.milliseconds($0) }
        )
        _ = session.connected(now: self.at(now))
        _ = session.received(.ticks(1), now: self.at(now + 1))
        let early = session.closed(now: self.at(now + 9000), reason: "x", random: 0).first
        #expect(early == .report(.waiting(attempt: 10, delay: .milliseconds(15_000), reason: "x")))
        now += 200_000
        _ = session.timerFired(now: self.at(now), random: 0)
        _ = session.connected(now: self.at(now))
        _ = session.received(.ticks(1), now: self.at(now + 1))
        let late = session.closed(now: self.at(now + 10_000), reason: "x", random: 0).first
        #expect(late == .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "x")))
    }

    @Test("The wait is within its bounds for any chance", arguments: UInt64(0)..<100)
    func backOffBounds(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var session = self.session()
        _ = session.start(now: self.at(0))
        for attempt in 1...20 {
            let actions = session.closed(now: self.at(attempt * 1_000_000), reason: "x", random: random.next())
            guard case .report(.waiting(_, let delay, _)) = actions.first else {
                Issue.record("\(actions)")
                return
            }
            #expect((Duration.milliseconds(250)...(.seconds(30))).contains(delay))
            _ = session.timerFired(now: self.at(attempt * 1_000_000 + 50_000), random: 0)
        }
    }

    @Test("Other symbols are told apart: only the difference is sent")
    func replaceSymbols() throws {
        var session = self.opened()
        let next = [try Symbol("C-D"), try Symbol("X-Y"), try Symbol("E-F")]
        #expect(
            session.replaceSymbols(next, now: self.at(1000)) == [
                .send(#"{"unsub":["A-B"]}"#), .armTimer(at: self.at(1250)),
            ]
        )
        #expect(session.timerFired(now: self.at(1250), random: 0).first == .send(#"{"sub":["X-Y"],"id":5}"#))
        #expect(session.replaceSymbols(next, now: self.at(2000)) == [])
        _ = session.closed(now: self.at(3000), reason: "", random: 0)
        #expect(session.replaceSymbols([try Symbol("X-Y")], now: self.at(3100)) == [])
        _ = session.timerFired(now: self.at(9000), random: 0)
        #expect(session.connected(now: self.at(9100)).contains(.send(#"{"sub":["X-Y"],"id":1}"#)))
    }

    @Test("After the end nothing happens until the next start")
    func stop() {
        var session = self.opened()
        #expect(session.stop() == [.disconnect, .report(.stopped)])
        #expect(session.stop() == [])
        #expect(session.closed(now: self.at(2000), reason: "", random: 0) == [])
        #expect(session.timerFired(now: self.at(3000), random: 0) == [])
        #expect(session.received(.ticks(1), now: self.at(3000)) == [])
        #expect(session.connected(now: self.at(3000)) == [.disconnect])
        #expect(session.start(now: self.at(4000)).first == .report(.connecting))
        var idle = self.session()
        #expect(idle.stop() == [.report(.stopped)])
    }

    @Test("A polled feed has no connection")
    func polled() throws {
        var session = FeedSession(feed: try Repository.feed("coingecko"), symbols: [])
        #expect(session.start(now: self.at(0)) == [])
    }
}
