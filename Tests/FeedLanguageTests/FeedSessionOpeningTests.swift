import FeedLanguage
import Market
import Testing

@Suite("Bootstrap and greeting of a feed's connection")
struct FeedSessionOpeningTests {
    private static let kucoin = """
        websocket: "{endpoint}?token={token}&connectId={uuid}"
        bootstrap:
          post: https://api.acme.test/bullet?k=${ACME_KEY}
          headers: {X-Time: "{now_s}"}
          body: {n: 1}
          capture: {token: data.token, endpoint: "data.servers[0].endpoint", ping: "data.servers[-1].ping"}
        keepalive: {every: {capture: ping, unit: ms, default: 18s}, send: {type: ping}}
        """
    private static let answer = #"{"data":{"token":"t/1","servers":[{"endpoint":"wss://ws.acme.test/e","ping":5000}]}}"#

    @Test("A request gives the address, the token and the interval of the connection")
    func bootstrap() throws {
        var rig = try SessionRig(connect: Self.kucoin, environment: ["ACME_KEY": "k&k="])
        let exchange = HTTPExchange(
            method: "POST", url: "https://api.acme.test/bullet?k=k%26k%3D",
            headers: [
                Header(name: "X-Time", value: "1800000000"), Header(name: "Content-Type", value: "application/json"),
            ],
            body: #"{"n":1}"#)
        #expect(
            rig.start() == [.report(.connecting), .request(exchange, id: 1), .armTimer(at: rig.at(10_000))])
        let actions = rig.answered(Self.answer, 200)
        guard case .connect(let url, let headers) = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(url.hasPrefix("wss://ws.acme.test/e?token=t%2F1&connectId="))
        #expect(url.count == "wss://ws.acme.test/e?token=t%2F1&connectId=".count + 36)
        #expect(headers == [])
        #expect(rig.session.redacted("k&k= in \(url)").hasPrefix("*** in wss://ws.acme.test/e"))
        _ = rig.connected(300)
        #expect(rig.fire(5300).sent == [#"{"type":"ping"}"#])
        // Each connection asks again: its token dies with it.
        _ = rig.closed(5400)
        guard case .request(_, id: 2) = rig.fire(10_000).dropFirst().first else {
            Issue.record("not asked again")
            return
        }
        // What was asked before is nobody's answer any more.
        #expect(rig.answered(Self.answer, id: 1, 10_001) == [])
    }

    @Test("Captures that stay valid are used again, until a connection with them fails")
    func validFor() throws {
        var rig = try SessionRig(
            connect: """
                websocket: "wss://acme.test?t={t}"
                bootstrap: {get: "https://acme.test/t", capture: {t: "."}, validFor: 1h}
                """)
        _ = rig.start()
        _ = rig.answered("abc", 100)
        _ = rig.connected(200)
        _ = rig.received(.ticks(1), 300)
        _ = rig.closed(20_000)
        #expect(
            rig.fire(30_000).prefix(2) == [.report(.connecting), .connect(url: "wss://acme.test?t=abc", headers: [])])
        _ = rig.closed(30_100)
        #expect(rig.fire(60_000).contains { if case .request = $0 { true } else { false } })
        _ = rig.answered("def", id: 2, 60_100)
        _ = rig.connected(60_200)
        _ = rig.closed(3_600_200)
        #expect(rig.fire(3_660_100).contains { if case .request = $0 { true } else { false } })
    }

    @Test("Cookies go from one request to the next and to the connection, as far as their domain reaches")
    func cookies() throws {
        var rig = try SessionRig(
            connect: """
                websocket: "wss://stream.acme.test/?crumb={crumb}"
                bootstrap:
                  - {get: "https://fc.acme.test/", status: 404}
                  - {get: "https://q1.acme.test/crumb", capture: {crumb: "."}}
                """)
        _ = rig.start()
        let cookies = [
            Header(name: "Set-Cookie", value: "A3=d=1; Domain=.acme.test; Path=/; Secure"),
            Header(name: "set-cookie", value: "own=x"),
            Header(name: "Set-Cookie", value: "evil=1; Domain=other.test"),
        ]
        #expect(
            rig.answered("", status: 404, headers: cookies, 10).first
                == .request(
                    HTTPExchange(
                        url: "https://q1.acme.test/crumb", headers: [Header(name: "Cookie", value: "A3=d=1")]), id: 2))
        #expect(
            rig.answered("cr/mb", id: 2, 20).first
                == .connect(
                    url: "wss://stream.acme.test/?crumb=cr%2Fmb", headers: [Header(name: "Cookie", value: "A3=d=1")]))
    }

    @Test(
        "A bootstrap that fails is a failed try, with the reason",
        arguments: [
            (500, "down", "bootstrap: POST https://api.acme.test/bullet answered with HTTP status 500: down", 250),
            (401, "", "bootstrap: POST https://api.acme.test/bullet answered with HTTP status 401", 600_000),
            (
                200, #"{"data":{"token":"t"}}"#,
                "bootstrap: the answer of POST https://api.acme.test/bullet has no 'endpoint' at 'data.servers[0].endpoint': compare the feed file with the venue's documentation",
                250
            ),
            (
                200, "<html>",
                "bootstrap: the answer of POST https://api.acme.test/bullet has no 'token' at 'data.token': compare the feed file with the venue's documentation",
                250
            ),
            (
                200, #"{"data":{"token":"t","servers":[{"endpoint":"http://x","ping":1}]}}"#,
                "the bootstrap gave no WebSocket address: it must start with ws:// or wss://", 250
            ),
        ]
    )
    func failures(status: Int, body: String, reason: String, delay: Int) throws {
        var rig = try SessionRig(connect: Self.kucoin)
        _ = rig.start()
        let pause = rig.answered(body, status: status, 100).pause
        #expect(pause?.reason == reason)
        #expect(pause?.delay == .milliseconds(delay))
    }

    @Test("A venue that says when to come again is not asked before")
    func retryAfter() throws {
        var rig = try SessionRig(connect: Self.kucoin)
        _ = rig.start()
        let headers = [Header(name: "Retry-After", value: "120")]
        #expect(rig.answered("", status: 429, headers: headers, 100).pause?.delay == .seconds(120))
    }

    @Test("A request without an answer is given up")
    func noAnswer() throws {
        var rig = try SessionRig(connect: Self.kucoin)
        _ = rig.start()
        #expect(rig.fire(9999) == [.armTimer(at: rig.at(10_000))])
        #expect(
            rig.fire(10_000).pause?.reason
                == "bootstrap: no answer from https://api.acme.test/bullet within 10.0 seconds")
        #expect(rig.answered(Self.answer, 10_001) == [])
        var refused = try SessionRig(connect: Self.kucoin)
        _ = refused.start()
        #expect(refused.session.requestFailed("no route", id: 0, at: refused.moment(1)) == [])
        #expect(
            refused.session.requestFailed("no route", id: 1, at: refused.moment(1)).pause?.reason
                == "bootstrap: no route")
        _ = refused.fire(5000)
        #expect(refused.session.stop() == [.report(.stopped)])
        #expect(refused.answered(Self.answer, id: 2, 5001) == [])
    }

    private static let greeting = """
        limits: {messagesPerSecond: 10}
        onOpen:
          - expect: {T: success, msg: connected}
          - send: {auth: "${KEY}", n: "{n}"}
          - expect: {T: success, msg: authenticated}
            within: 5s
          - sleep: 1s
        """

    @Test("The greeting goes step by step, and then it subscribes")
    func greeting() throws {
        var rig = try SessionRig(connect: Self.greeting, environment: ["KEY": "secret"])
        _ = rig.start()
        #expect(rig.session.expectation == nil)
        #expect(rig.connected(0) == [.report(.subscribing), .armTimer(at: rig.at(10_000))])
        #expect(rig.session.expectation == 0)
        #expect(rig.received(.control, 10) == [])
        #expect(
            rig.session.expectationMet(0, at: rig.moment(10)) == [
                .send(#"{"auth":"secret","n":1}"#), .armTimer(at: rig.at(5010)),
            ])
        #expect(rig.session.expectation == 1)
        #expect(rig.fire(5009) == [.armTimer(at: rig.at(5010))])
        #expect(rig.session.expectationMet(1, at: rig.moment(200)) == [.armTimer(at: rig.at(1200))])
        #expect(rig.session.expectation == nil)
        #expect(rig.fire(1200).first == .send(#"{"sub":["A-B"]}"#))
        #expect(rig.session.expectationMet(1, at: rig.moment(1201)) == [])
    }

    @Test("A frame that comes while it sleeps is not missed")
    func earlyFrame() throws {
        var rig = try SessionRig(connect: "onOpen: [{sleep: 2s}, {expect: {event: info}}]")
        _ = rig.start()
        #expect(rig.connected(0).last == .armTimer(at: rig.at(2000)))
        #expect(rig.session.expectation == 0)
        #expect(rig.session.expectationMet(0, at: rig.moment(100)) == [])
        #expect(rig.fire(2000).sent == [#"{"sub":["A-B"]}"#])
    }

    @Test("Messages of the greeting keep the pace")
    func greetingPace() throws {
        var rig = try SessionRig(connect: "limits: {messagesPerSecond: 2}\nonOpen: [{send: one}, {send: two}]")
        _ = rig.start()
        #expect(rig.connected(0).dropFirst() == [.send("one"), .armTimer(at: rig.at(500))])
        #expect(rig.fire(500) == [.send("two"), .armTimer(at: rig.at(1000))])
        #expect(rig.fire(1000).sent == [#"{"sub":["A-B"]}"#])
    }

    @Test("A greeting that does not come is a failed try, and says what the venue said")
    func noGreeting() throws {
        var rig = try SessionRig(connect: Self.greeting)
        _ = rig.start()
        _ = rig.connected(0)
        _ = rig.session.expectationMet(0, at: rig.moment(10))
        #expect(rig.received(.providerError(ProviderError(message: "bad key")), 20) == [])
        #expect(rig.fire(5010) == [.disconnect, .armTimer(at: rig.at(10_010))])
        #expect(
            rig.closed(5020).pause?.reason
                == "no frame within 5.0 seconds meets expectation 2 of onOpen; the venue said: bad key")
    }

    @Test("During the greeting the venue may close, refuse, ask for an answer or for another connection")
    func greetingEndings() throws {
        func opening() throws -> SessionRig {
            var rig = try SessionRig(connect: Self.greeting)
            _ = rig.start()
            _ = rig.connected(0)
            return rig
        }
        var closed = try opening()
        _ = closed.received(.providerError(ProviderError(message: "who are you")), 1)
        #expect(
            closed.closed(2, "closed by the server").pause?.reason
                == "closed by the server; the venue said: who are you")
        var refused = try opening()
        #expect(refused.received(.fatal("auth failed"), 1).first == .disconnect)
        #expect(refused.closed(2).pause?.delay == .seconds(600))
        var asked = try opening()
        #expect(asked.received(.reply("pong"), 1) == [.send("pong")])
        #expect(asked.received(.reconnect, 2).first == .disconnect)
        #expect(asked.closed(3).pause?.delay == .milliseconds(250))
        var stopped = try opening()
        #expect(stopped.session.stop() == [.disconnect, .report(.stopped)])
        #expect(stopped.session.expectation == nil)
    }

    @Test("Expectations are conditions as in 'when', and look into lists")
    func matching() throws {
        let feed = try Feed.load(
            yaml: """
                feed: acme
                asset: crypto
                connect:
                  websocket: "wss://acme.test"
                  onOpen:
                    - expect: {T: success, msg: {prefix: conn}}
                    - expect: {event: [info, conf]}
                messages: [{trade: {symbol: s, price: p}}]
                """, file: "acme.yaml")
        let matcher = FrameMatcher(feed: feed)
        func matches(_ number: Int, _ text: String) -> Bool {
            [UInt8](text.utf8).withUnsafeBytes { matcher.matches(number, $0) }
        }
        #expect(matches(0, #"{"T":"success","msg":"connected"}"#))
        #expect(matches(0, #" [{"T":"x"}, {"msg":"connected","T":"success"}]"#))
        #expect(!matches(0, #"{"T":"success","msg":"x"}"#))
        #expect(!matches(0, "[]"))
        #expect(!matches(0, "welcome"))
        #expect(matches(1, #"{"event":"conf"}"#))
        #expect(!matches(2, #"{"event":"conf"}"#))
    }
}
