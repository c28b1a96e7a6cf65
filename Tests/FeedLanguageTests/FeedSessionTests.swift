import FeedLanguage
import Market
import Testing

@Suite("The life of a feed's connection")
struct FeedSessionTests {
    private static let connect = """
        headers: {X-Client: tickwire}
        limits: {messagesPerSecond: 4, symbolsPerMessage: 1}
        idleTimeout: 30s
        connectTimeout: 10s
        maxAge: 1h
        keepalive: {every: 20s, send: ping}
        """
    private static let rest = """
        subscribe: {send: {sub: ["{symbols}"], id: "{n}"}}
        unsubscribe: {send: {unsub: ["{symbols}"]}}
        """

    private func rig() throws -> SessionRig {
        try SessionRig(connect: Self.connect, rest: Self.rest, symbols: ["A-B", "C-D", "E-F"])
    }

    /// A session whose socket opened at 0 s and whose subscription is out.
    private func opened() throws -> SessionRig {
        var rig = try self.rig()
        _ = rig.start()
        _ = rig.connected(0)
        _ = rig.fire(250)
        _ = rig.fire(500)
        return rig
    }

    @Test("Starting connects, and a connection that does not open is given up")
    func connectTimeout() throws {
        var rig = try self.rig()
        #expect(
            rig.start() == [
                .report(.connecting),
                .connect(url: "wss://acme.test/ws", headers: [Header(name: "X-Client", value: "tickwire")]),
                .armTimer(at: rig.at(10_000)),
            ]
        )
        #expect(rig.start(1) == [])
        #expect(rig.fire(9999) == [.armTimer(at: rig.at(10_000))])
        #expect(rig.fire(10_000) == [.disconnect, .armTimer(at: rig.at(15_000))])
        #expect(rig.fire(10_001) == [.armTimer(at: rig.at(15_000))])
        #expect(
            rig.closed(10_100, "cancelled") == [
                .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "no connection within 10.0 seconds")),
                .armTimer(at: rig.at(10_350)),
            ]
        )
        // A socket that opens after all is not wanted any more.
        #expect(rig.connected(10_200) == [.disconnect])
        #expect(rig.fire(10_349) == [.armTimer(at: rig.at(10_350))])
        #expect(rig.fire(10_350).first == .report(.connecting))
    }

    @Test("A connection that has to wait for its turn gets its whole time from then on")
    func postponed() throws {
        var rig = try self.rig()
        _ = rig.start()
        #expect(rig.session.postponed(until: rig.at(30_000)) == [.armTimer(at: rig.at(40_000))])
        #expect(rig.fire(10_000) == [.armTimer(at: rig.at(40_000))])
        #expect(rig.connected(30_100).first == .report(.subscribing))
    }

    @Test("Subscriptions go out at the pace that the venue allows")
    func pacing() throws {
        var rig = try self.rig()
        _ = rig.start()
        #expect(
            rig.connected(100) == [
                .report(.subscribing), .send(#"{"sub":["A-B"],"id":1}"#), .armTimer(at: rig.at(350)),
            ]
        )
        #expect(rig.fire(300) == [.armTimer(at: rig.at(350))])
        #expect(rig.fire(350) == [.send(#"{"sub":["C-D"],"id":2}"#), .armTimer(at: rig.at(600))])
        // A late timer sends one message, not all that would have been due.
        #expect(rig.fire(5000) == [.send(#"{"sub":["E-F"],"id":3}"#), .armTimer(at: rig.at(20_100))])
    }

    @Test("An hour's limit holds subscriptions back, but not keep-alive messages")
    func hourly() throws {
        var rig = try SessionRig(
            connect: """
                limits: {messagesPerSecond: 1000, messagesPerHour: 2, symbolsPerMessage: 1}
                idleTimeout: 1h
                keepalive: {every: 10s, send: ping}
                """, symbols: ["A-B", "C-D", "E-F"])
        _ = rig.start()
        #expect(rig.connected(0).sent.count == 1)
        #expect(rig.fire(1).sent == [#"{"sub":["C-D"]}"#])
        #expect(rig.fire(2) == [.armTimer(at: rig.at(10_000))])
        #expect(rig.fire(10_000).sent == ["ping"])
        for time in stride(from: 20_000, to: 3_600_000, by: 10_000) {
            _ = rig.received(.ignored, time)
            #expect(rig.fire(time).sent == ["ping"])
        }
        #expect(rig.fire(3_600_000).sent == ["ping"])
        #expect(rig.fire(3_600_001).sent == [#"{"sub":["E-F"]}"#])
    }

    @Test("The first acknowledgement or tick makes it live, and later frames cost nothing")
    func live() throws {
        var rig = try self.opened()
        #expect(rig.received(.ignored, 600) == [])
        #expect(rig.received(.unmatched, 605) == [])
        #expect(rig.received(.control, 620) == [.report(.live), .armTimer(at: rig.at(3500))])
        #expect(rig.received(.ticks(3), 630) == [])
        #expect(rig.received(.control, 635) == [])
        #expect(rig.received(.malformed("x"), 640) == [])
        #expect(rig.received(.unmatched, 650) == [])
    }

    @Test("An error keeps the connection, and a pause that it asks for holds messages back")
    func errors() throws {
        var rig = try self.rig()
        _ = rig.start()
        _ = rig.connected(0)
        let error = ProviderError(message: "slow down", retryAfter: .seconds(5))
        #expect(rig.received(.providerError(error), 100) == [.armTimer(at: rig.at(5100))])
        #expect(rig.fire(5099).sent == [])
        #expect(rig.fire(5100).sent == [#"{"sub":["C-D"],"id":2}"#])
    }

    @Test("An answer that the venue wants goes out at once")
    func reply() throws {
        var rig = try self.opened()
        #expect(rig.received(.reply("pong 1"), 600).prefix(2) == [.report(.live), .send("pong 1")])
        #expect(rig.received(.reply("pong 2"), 601).first == .send("pong 2"))
    }

    @Test("Silence ends a connection, frames of any kind and pings keep it")
    func idle() throws {
        var rig = try self.opened()
        _ = rig.received(.unmatched, 25_000)
        #expect(rig.fire(30_000).contains(.armTimer(at: rig.at(50_000))))
        rig.session.heard(at: rig.moment(40_000))
        #expect(rig.fire(50_000).contains(.armTimer(at: rig.at(70_000))))
        #expect(
            rig.fire(70_000) == [
                .report(.stalled(reason: "silent for 30.0 seconds")), .disconnect, .armTimer(at: rig.at(75_000)),
            ])
        #expect(rig.fire(74_000) == [.armTimer(at: rig.at(75_000))])
        // The socket never says that it closed: after five seconds nobody waits for it.
        #expect(
            rig.fire(75_000).first
                == .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "silent for 30.0 seconds")))
        #expect(rig.closed(75_001, "late") == [])
    }

    @Test("A connection without ticks is mute, whatever else it says")
    func mute() throws {
        var rig = try SessionRig(connect: "dataTimeout: 60s\nidleTimeout: 30s")
        _ = rig.start()
        _ = rig.connected(0)
        for time in stride(from: 10_000, through: 50_000, by: 10_000) {
            _ = rig.received(time == 20_000 ? .ticks(1) : .control, time)
            #expect(rig.fire(time).pause == nil)
        }
        for time in [60_000, 70_000, 79_000] {
            _ = rig.received(.control, time)
            #expect(!rig.fire(time).contains(.disconnect))
        }
        #expect(
            rig.fire(80_000).prefix(2) == [
                .report(.stalled(reason: "connected but mute: no tick for 60.0 seconds")), .disconnect,
            ])
        #expect(rig.closed(80_100).pause?.reason == "connected but mute: no tick for 60.0 seconds")
    }

    @Test("Waits double up to thirty seconds, half of each is chance, and success starts anew")
    func backOff() throws {
        var rig = try self.rig()
        _ = rig.start()
        var now = 0
        var delays: [Duration] = []
        for attempt in 1...9 {
            let actions = rig.closed(now, "refused", random: attempt % 2 == 0 ? 0 : 250)
            guard case .report(.waiting(attempt, let delay, "refused")) = actions.first else {
                Issue.record("\(actions)")
                return
            }
            delays.append(delay)
            now += 100_000
            #expect(rig.fire(now).first == .report(.connecting))
        }
        #expect(
            delays == [500, 500, 1250, 2000, 4250, 8000, 15_250, 15_000, 15_250].map { Duration.milliseconds($0) })
        _ = rig.connected(now)
        _ = rig.received(.ticks(1), now + 1)
        #expect(
            rig.closed(now + 9000).first
                == .report(.waiting(attempt: 10, delay: .milliseconds(15_000), reason: "x")))
        now += 200_000
        _ = rig.fire(now)
        _ = rig.connected(now)
        _ = rig.received(.ticks(1), now + 1)
        #expect(
            rig.closed(now + 10_000).first
                == .report(.waiting(attempt: 1, delay: .milliseconds(250), reason: "x")))
    }

    @Test("The wait is within its bounds for any chance", arguments: UInt64(0)..<100)
    func backOffBounds(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var rig = try self.rig()
        _ = rig.start()
        for attempt in 1...20 {
            let delay = rig.closed(attempt * 1_000_000, random: random.next()).pause?.delay
            #expect((Duration.milliseconds(250)...(.seconds(30))).contains(try #require(delay)))
            _ = rig.fire(attempt * 1_000_000 + 50_000)
        }
    }

    @Test("A refusal is not hammered: ten minutes, twice that, and an hour at most")
    func fatal() throws {
        var rig = try self.rig()
        _ = rig.start()
        var now = 0
        var delays: [Duration] = []
        for _ in 0..<5 {
            _ = rig.connected(now)
            #expect(rig.received(.fatal("auth failed"), now + 10) == [.disconnect, .armTimer(at: rig.at(now + 5010))])
            let actions = rig.closed(now + 20)
            #expect(actions.pause?.reason == "auth failed")
            delays.append(try #require(actions.pause?.delay))
            #expect(rig.start(now + 30) == [])
            let pause = Int(try #require(delays.last).components.seconds) * 1000
            #expect(rig.fire(now + pause) == [.armTimer(at: rig.at(now + 20 + pause))])
            now += 20 + pause
            #expect(rig.fire(now).first == .report(.connecting))
        }
        #expect(delays == [600, 1200, 2400, 3600, 3600].map { Duration.seconds($0) })
        // A connection that lasted shows that the trouble is over.
        _ = rig.connected(now)
        _ = rig.received(.ticks(1), now + 1)
        _ = rig.received(.fatal("limit"), now + 20_000)
        #expect(rig.closed(now + 20_100).pause?.delay == .seconds(600))
    }

    @Test(
        "A handshake that is refused for good counts as a refusal, another as a failed try", arguments: [401, 403, 451])
    func refusedHandshake(status: Int) throws {
        var rig = try self.rig()
        _ = rig.start()
        #expect(rig.closed(100, "HTTP status \(status)", status: status).pause?.delay == .seconds(600))
        var other = try self.rig()
        _ = other.start()
        #expect(other.closed(100, "HTTP status 503", status: 503).pause?.delay == .milliseconds(250))
    }

    @Test("Holes in the numbers of a connection's frames are told, and a new connection counts anew")
    func gaps() throws {
        var rig = try self.opened()
        #expect(rig.received(.control, sequence: 5, 600).first == .report(.live))
        #expect(rig.received(.ticks(1), sequence: 6, 601) == [])
        #expect(rig.received(.ignored, sequence: 9, 602).first == .gap(from: 6, to: 9))
        #expect(rig.received(.ticks(1), sequence: 10, 603) == [])
        #expect(rig.received(.ticks(1), sequence: 10, 604) == [])
        #expect(rig.received(.ticks(1), sequence: 1, 605) == [])
        #expect(rig.received(.ticks(1), sequence: 2, 606) == [])
        _ = rig.closed(700)
        _ = rig.fire(1000)
        _ = rig.connected(1000)
        #expect(!rig.received(.ticks(1), sequence: 50, 1001).contains(.gap(from: 2, to: 50)))
    }

    @Test("After the end nothing happens until the next start")
    func stop() throws {
        var rig = try self.opened()
        #expect(rig.session.stop() == [.disconnect, .report(.stopped)])
        #expect(rig.session.stop() == [])
        #expect(rig.closed(2000) == [])
        #expect(rig.fire(3000) == [])
        #expect(rig.received(.ticks(1), 3000) == [])
        #expect(rig.connected(3000) == [.disconnect])
        #expect(rig.start(4000).first == .report(.connecting))
        var idle = try self.rig()
        #expect(idle.session.stop() == [.report(.stopped)])
    }

    @Test("A polled feed has no connection")
    func polled() throws {
        var session = FeedSession(feed: try Repository.feed("coingecko"), symbols: [])
        #expect(try session.start(at: self.rig().moment(0)) == [])
    }
}
