import FeedLanguage
import Market
import Testing

@Suite("What a connection carries")
struct FeedSessionSymbolTests {
    private static let symbols = ["A-B", "C-D", "E-F"]

    private func opened(
        connect: String = "limits: {messagesPerSecond: 1000}", rest: String = standard
    ) throws -> SessionRig {
        var rig = try SessionRig(connect: connect, rest: rest, symbols: Self.symbols)
        _ = rig.start()
        _ = rig.connected(0)
        return rig
    }

    private static let standard = """
        subscribe: {send: {sub: ["{symbols}"], id: "{n}"}}
        unsubscribe: {send: {unsub: ["{symbols}"]}}
        """

    @Test("A symbol is pending until the venue, or a tick, says otherwise")
    func states() throws {
        var rig = try self.opened()
        #expect(rig.states() == ["A-B": .pending, "C-D": .pending, "E-F": .pending])
        #expect(rig.session.isAwaitingSymbols)
        let acknowledgement = Acknowledgement(
            symbols: [try Symbol("A-B"), try Symbol("X-Y")],
            failed: [
                .init(symbol: nil, native: "C-D", reason: "unknown pair"), .init(symbol: nil, native: "?", reason: ""),
            ])
        #expect(rig.received(.acknowledged(acknowledgement), 10).prefix(2) == [.report(.live), .symbolsChanged])
        #expect(rig.states() == ["A-B": .subscribed, "C-D": .refused("unknown pair"), "E-F": .pending])
        #expect(rig.session.ticked([try Symbol("A-B")]) == [])
        #expect(rig.session.ticked([try Symbol("E-F"), try Symbol("C-D")]) == [.symbolsChanged])
        #expect(rig.states() == ["A-B": .subscribed, "C-D": .refused("unknown pair"), "E-F": .subscribed])
        #expect(!rig.session.isAwaitingSymbols)
        // With nothing left to wait for it is established at its next occasion.
        #expect(rig.fire(20).first == .established)
        #expect(!rig.fire(21).contains(.established))
    }

    @Test("An error that names a symbol concerns that symbol alone")
    func errorOfSymbol() throws {
        var rig = try self.opened()
        let error = ProviderError(message: "doesn't exist", symbol: try Symbol("C-D"))
        #expect(rig.received(.providerError(error), 10).first == .symbolsChanged)
        #expect(rig.states()["C-D"] == .refused("doesn't exist"))
        #expect(rig.states()["A-B"] == .pending)
        // Another connection, another try.
        _ = rig.closed(20)
        _ = rig.fire(1000)
        #expect(rig.connected(1001).contains(.symbolsChanged))
        #expect(rig.states()["C-D"] == .pending)
    }

    @Test("A word about everything confirms what was sent, not what still waits")
    func acknowledgeAll() throws {
        var rig = try self.opened(connect: "limits: {messagesPerSecond: 1, symbolsPerMessage: 2}")
        _ = rig.received(.acknowledged(Acknowledgement(isAll: true)), 10)
        #expect(rig.states() == ["A-B": .subscribed, "C-D": .subscribed, "E-F": .pending])
        #expect(rig.fire(1000).sent == [#"{"sub":["E-F"],"id":2}"#])
        _ = rig.received(.acknowledged(Acknowledgement(isAll: true)), 1010)
        #expect(rig.states()["E-F"] == .subscribed)
    }

    @Test("A live connection whose venue says nothing about symbols is established after three seconds")
    func settled() throws {
        var rig = try self.opened()
        #expect(rig.fire(5000) == [.armTimer(at: rig.at(30_000))])
        #expect(rig.received(.ticks(1), 6000) == [.report(.live), .established, .armTimer(at: rig.at(36_000))])
        var early = try self.opened()
        #expect(early.received(.ticks(1), 100) == [.report(.live), .armTimer(at: early.at(3000))])
        #expect(early.fire(3000).first == .established)
    }

    @Test("Other symbols are told apart: only the difference is sent")
    func replaceSymbols() throws {
        var rig = try self.opened()
        let next = ["C-D", "X-Y", "E-F"]
        #expect(
            try rig.replace(next, 1000) == [
                .symbolsChanged, .send(#"{"unsub":["A-B"]}"#), .armTimer(at: rig.at(1001)),
            ])
        #expect(rig.fire(1001).first == .send(#"{"sub":["X-Y"],"id":3}"#))
        #expect(rig.states() == ["C-D": .pending, "X-Y": .pending, "E-F": .pending])
        #expect(try rig.replace(next, 2000) == [])
        #expect(try rig.replace(next.reversed(), 2001) == [])
        _ = rig.closed(3000)
        #expect(try rig.replace(["X-Y"], 3100) == [.symbolsChanged])
        _ = rig.fire(9000)
        #expect(rig.connected(9100).contains(.send(#"{"sub":["X-Y"],"id":1}"#)))
    }

    @Test("Before the connection is open other symbols are only noted")
    func replaceEarly() throws {
        var rig = try SessionRig(connect: "onOpen: [{sleep: 1s}]", rest: Self.standard, symbols: ["A-B"])
        #expect(try rig.replace(["C-D"], 0) == [.symbolsChanged])
        _ = rig.start()
        #expect(try rig.replace(["E-F"], 1) == [.symbolsChanged])
        _ = rig.connected(10)
        #expect(try rig.replace(["X-Y"], 20) == [.symbolsChanged])
        #expect(rig.fire(1010).sent == [#"{"sub":["X-Y"],"id":1}"#])
    }

    @Test("Where a message carries the whole set, every change sends the whole set")
    func replaceMode() throws {
        var rig = try self.opened(
            connect: "limits: {messagesPerSecond: 1, symbolsPerMessage: 1}",
            rest: #"subscribe: {mode: replace, send: [[{ticket: "{uuid}"}, {codes: ["{symbols}"]}]]}"#)
        let first = try rig.replace(["A-B", "X-Y"], 500)
        #expect(first == [.symbolsChanged, .armTimer(at: rig.at(1000))])
        // Only the newest set is worth sending.
        _ = try rig.replace(["X-Y"], 600)
        let sent = rig.fire(1000).sent
        #expect(sent.count == 1)
        #expect(sent[0].hasSuffix(#"},{"codes":["X-Y"]}]"#))
        #expect(sent[0].hasPrefix(#"[{"ticket":""#))
        #expect(rig.fire(2000).sent == [])
        #expect(try rig.replace([], 3000).sent == [])
    }

    @Test("A channel is left by the id that the venue gave it, one message for each")
    func channels() throws {
        var rig = try self.opened(
            rest: """
                subscribe: {perSymbol: [{ch: trades, s: "{symbol}"}, {ch: ticker, s: "{symbol}"}]}
                unsubscribe: {send: {leave: "{channel}"}}
                """)
        for time in 1...10 { _ = rig.fire(time) }
        let symbol = try Symbol("A-B")
        #expect(
            rig.received(.registered(RegisteredChannel(id: "17", kind: "trades", symbol: symbol)), 20).contains(
                .symbolsChanged))
        #expect(rig.states()["A-B"] == .subscribed)
        _ = rig.received(.registered(RegisteredChannel(id: "18", kind: "ticker", symbol: symbol)), 21)
        _ = rig.received(.registered(RegisteredChannel(id: "18", kind: "ticker", symbol: symbol)), 22)
        _ = rig.received(.registered(RegisteredChannel(id: "99")), 22)
        let first = try rig.replace(["C-D"], 30)
        #expect(first.sent + rig.fire(31).sent == [#"{"leave":"17"}"#, #"{"leave":"18"}"#])
        // What was left before its id was known is left when the id comes.
        #expect(
            rig.received(.registered(RegisteredChannel(id: "20", symbol: try Symbol("E-F"))), 40).sent
                == [#"{"leave":"20"}"#])
        // An id belongs to its connection.
        _ = rig.closed(50)
        _ = rig.fire(1000)
        _ = rig.connected(1000)
        _ = rig.fire(1100)
        #expect(try rig.replace([], 1200).sent == [])
    }

    @Test("Keep-alive: only when quiet, as a WebSocket ping, or the subscription once more")
    func keepAlive() throws {
        var quiet = try self.opened(
            connect: "keepalive: {every: 10s, whenQuiet: true, send: ping}\nlimits: {messagesPerSecond: 1000}")
        _ = quiet.received(.control, 6000)
        #expect(quiet.fire(10_000) == [.armTimer(at: quiet.at(16_000))])
        #expect(quiet.fire(16_000) == [.send("ping"), .armTimer(at: quiet.at(26_000))])
        var ping = try self.opened(connect: "keepalive: {every: 10s, ping: true}\nlimits: {messagesPerSecond: 1000}")
        #expect(ping.fire(10_000).first == .sendPing)
        var again = try self.opened(
            connect: "keepalive: {every: 10s, resubscribe: true}\nlimits: {messagesPerSecond: 1000}")
        #expect(again.fire(10_000).sent == [#"{"sub":["A-B","C-D","E-F"],"id":2}"#])
        var both = try self.opened(
            connect: "keepalive: {every: 20s, send: {t: \"{now_ms}\", n: \"{n}\"}}\nlimits: {messagesPerSecond: 1000}")
        #expect(both.fire(20_000).sent == [#"{"t":1800000020000,"n":2}"#])
        #expect(both.fire(29_999).sent == [])
    }
}
