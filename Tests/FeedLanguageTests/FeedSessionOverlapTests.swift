import FeedLanguage
import Market
import Testing

@Suite("Renewing a connection without a hole")
struct FeedSessionOverlapTests {
    private func live(connect: String = "maxAge: 1h\nidleTimeout: 1h", rest: String? = nil) throws -> SessionRig {
        var rig = try SessionRig(
            connect: connect, rest: rest ?? #"subscribe: {send: {sub: ["{symbols}"]}}"#, symbols: ["A-B"])
        _ = rig.start()
        _ = rig.connected(0)
        _ = rig.received(.ticks(1), 100)
        _ = rig.session.ticked([try Symbol("A-B")])
        _ = rig.fire(200)
        return rig
    }

    @Test("At the age that the venue allows a successor is asked for, and the old one goes on meanwhile")
    func age() throws {
        var rig = try self.live()
        #expect(rig.fire(3_599_999) == [.armTimer(at: rig.at(3_600_000))])
        #expect(rig.fire(3_600_000) == [.openSuccessor, .armTimer(at: rig.at(3_600_100))])
        #expect(rig.received(.ticks(1), 3_600_050) == [])
        #expect(rig.fire(3_600_100) == [.armTimer(at: rig.at(3_720_000))])
        // The successor is live: the caller stops this one.
        #expect(rig.session.stop() == [.disconnect, .report(.stopped)])
    }

    @Test("After two minutes the old one ends whether or not the new one is live")
    func limit() throws {
        var rig = try self.live()
        _ = rig.fire(3_600_000)
        _ = rig.received(.ticks(1), 3_700_000)
        #expect(rig.fire(3_720_000) == [.disconnect, .handOver])
        #expect(rig.fire(3_720_001) == [])
        #expect(rig.closed(3_720_100) == [])
    }

    @Test("An old one that dies leaves the field to its successor")
    func death() throws {
        var closed = try self.live()
        _ = closed.fire(3_600_000)
        #expect(closed.closed(3_600_500) == [.handOver])
        var silent = try self.live(connect: "maxAge: 60s\nidleTimeout: 30s")
        _ = silent.received(.ticks(1), 59_000)
        _ = silent.fire(60_000)
        #expect(silent.fire(89_000) == [.disconnect, .handOver])
    }

    @Test("Where no successor can be, the connection is closed and opened anew")
    func refused() throws {
        var rig = try self.live()
        #expect(rig.session.successorRefused(at: rig.moment(300)) == [])
        _ = rig.fire(3_600_000)
        #expect(
            rig.session.successorRefused(at: rig.moment(3_600_010)) == [.disconnect, .armTimer(at: rig.at(3_605_010))])
        #expect(rig.closed(3_600_020).pause?.reason == "the connection is renewed")
        var single = try self.live(connect: "maxAge: 1h\nidleTimeout: 1h\nlimits: {connections: 1}")
        #expect(single.fire(3_600_000) == [.disconnect, .armTimer(at: single.at(3_605_000))])
        #expect(single.closed(3_600_100).pause?.reason == "open for 3600.0 seconds, the longest this venue allows")
    }

    @Test("A venue that asks for a new connection gets it at once; one that always asks gets waits that grow")
    func asked() throws {
        var rig = try self.live()
        #expect(rig.received(.reconnect, 20_000).first == .openSuccessor)
        #expect(!rig.received(.reconnect, 20_001).contains(.openSuccessor))
        var young = try SessionRig()
        var now = 0
        _ = young.start()
        for attempt in 1...3 {
            _ = young.connected(now)
            _ = young.received(.control, now + 1)
            #expect(young.received(.reconnect, now + 2).first == .disconnect)
            guard
                case .report(.waiting(attempt, _, "the venue asked for a new connection")) = young.closed(now + 3).first
            else {
                Issue.record("attempt \(attempt)")
                return
            }
            now += 40_000
            _ = young.fire(now)
        }
    }

    @Test("Other symbols mean another connection where the address names them or the venue cannot be left")
    func symbols() throws {
        var inAddress = try self.live(
            connect: "websocket: \"wss://acme.test?s={symbols|join ,}\"\nidleTimeout: 1h", rest: "docs: x")
        #expect(try inAddress.replace(["A-B", "C-D"], 20_000).prefix(2) == [.symbolsChanged, .openSuccessor])
        var noLeaving = try self.live()
        #expect(try noLeaving.replace(["C-D"], 20_000).prefix(2) == [.symbolsChanged, .openSuccessor])
        #expect(try noLeaving.replace(["C-D", "E-F"], 20_001).sent == [#"{"sub":["E-F"]}"#])
        var connecting = try SessionRig(
            connect: "websocket: \"wss://acme.test?s={symbols|join ,}\"", rest: "docs: x", symbols: ["A-B"])
        _ = connecting.start()
        #expect(try connecting.replace(["C-D"], 10).prefix(2) == [.symbolsChanged, .disconnect])
        _ = connecting.closed(20)
        #expect(connecting.fire(5000).contains(.connect(url: "wss://acme.test?s=C-D", headers: [])))
    }

    @Test("Late and early events are harmless in every state")
    func lateEvents() throws {
        let connect = "bootstrap: {get: \"https://acme.test/\"}\nonOpen: [{sleep: 1s}]\nmaxAge: 60s\nidleTimeout: 1h"
        // Leads a fresh session into each state.
        let states: [(name: String, steps: (inout SessionRig) -> Void)] = [
            ("idle", { _ in }),
            ("bootstrapping", { _ = $0.start() }),
            (
                "connecting",
                {
                    _ = $0.start(); _ = $0.answered("", 1)
                }
            ),
            (
                "opening",
                {
                    _ = $0.start(); _ = $0.answered("", 1); _ = $0.connected(2)
                }
            ),
            (
                "open",
                {
                    _ = $0.start(); _ = $0.answered("", 1); _ = $0.connected(2); _ = $0.fire(1002)
                }
            ),
            (
                "closing",
                {
                    _ = $0.start(); _ = $0.answered("", 1); _ = $0.connected(2); _ = $0.received(.reconnect, 3)
                }
            ),
            (
                "waiting",
                {
                    _ = $0.start(); _ = $0.answered("", 1); _ = $0.closed(2)
                }
            ),
            (
                "failed",
                {
                    _ = $0.start(); _ = $0.answered("", 1); _ = $0.closed(2, status: 403)
                }
            ),
            (
                "stopped",
                {
                    _ = $0.start(); _ = $0.session.stop()
                }
            ),
        ]
        // What each event may lead to where it is not expected.
        let mayConnect: Set<String> = ["connecting"]
        for (name, steps) in states {
            func rig() throws -> SessionRig {
                var rig = try SessionRig(connect: connect)
                steps(&rig)
                return rig
            }
            var connected = try rig()
            if !mayConnect.contains(name) { #expect(connected.connected(1500) == [.disconnect], "\(name)") }
            var answered = try rig()
            #expect(answered.answered("", id: 9, 1500) == [], "\(name)")
            var failed = try rig()
            #expect(failed.session.requestFailed("x", id: 9, at: failed.moment(1500)) == [], "\(name)")
            var met = try rig()
            #expect(met.session.expectationMet(0, at: met.moment(1500)) == [], "\(name)")
            var refused = try rig()
            #expect(refused.session.successorRefused(at: refused.moment(1500)) == [], "\(name)")
            var heard = try rig()
            heard.session.heard(at: heard.moment(1500))
            if name != "connecting" {
                var postponed = try rig()
                #expect(postponed.session.postponed(until: postponed.at(9000)) == [], "\(name)")
            }
            if name != "open" {
                var ticked = try rig()
                #expect(ticked.received(.ticks(1), 1500) == [], "\(name)")
                #expect(try ticked.session.ticked([Symbol("A-B")]) == [], "\(name)")
            }
            if ["idle", "stopped"].contains(name) {
                var timer = try rig()
                #expect(timer.fire(99_000_000) == [], "\(name)")
            } else {
                var again = try rig()
                #expect(again.start(1500) == [], "\(name)")
            }
            if ["idle", "bootstrapping", "waiting", "failed", "stopped"].contains(name) {
                var closed = try rig()
                #expect(closed.closed(1500) == [], "\(name)")
            }
            var stopped = try rig()
            _ = stopped.session.stop()
            #expect(stopped.session.stop() == [], "\(name)")
            #expect(stopped.fire(99_000_000) == [], "\(name)")
        }
    }
}
