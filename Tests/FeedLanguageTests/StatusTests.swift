import Market
import Testing

@testable import FeedLanguage

@Suite("Whether a symbol trades, as a feed says it")
struct StatusTests {
    private static let messages = """
        - when: {e: s}
          status: {symbol: s, state: {from: c, map: {H: halted, "2": halted, T: trading, "true": halted}}, reason: [r, t], time: t}
        - when: {e: d}
          status: {symbol: s, state: {from: c, map: {open: trading}, default: halted}}
        - when: {e: m}
          each: data
          items:
            - when: {k: s}
              status: {symbol: s, state: {from: c, map: {H: halted}}}
            - trade: {symbol: s, price: p}
        """

    private func decoder() throws -> FrameDecoder {
        FrameDecoder(feed: try FeedText.load(messages: Self.messages), symbols: [])
    }

    @Test("Symbol, state, reason and time are read; the frame counts as control and gives no tick")
    func read() throws {
        var decoder = try self.decoder()
        let (outcome, ticks) = decoder.decode(
            #"{"e":"s","s":"BTC-USD","c":"H","r":"News \u0026 more","t":"2026-11-23T11:00:00Z"}"#)
        #expect(outcome == .control)
        #expect(ticks.isEmpty)
        let status = try #require(decoder.takeStatuses().first)
        #expect(status.symbol.name == "BTC-USD")
        #expect(status.state == .halted)
        #expect(status.reason == "News & more")
        #expect(status.eventTime.description.hasPrefix("2026-11-23T11:00:00"))
        #expect(decoder.takeStatuses() == [])
    }

    @Test(
        "The map decides, other texts are the default or say nothing",
        arguments: [
            (#"{"e":"s","s":"BTC-USD","c":"T"}"#, [TradingState.trading]),
            (#"{"e":"s","s":"BTC-USD","c":2}"#, [.halted]), (#"{"e":"s","s":"BTC-USD","c":true}"#, [.halted]),
            (#"{"e":"s","s":"BTC-USD","c":"Q"}"#, []), (#"{"e":"d","s":"BTC-USD","c":"closed"}"#, [.halted]),
            (#"{"e":"d","s":"BTC-USD","c":"open"}"#, [.trading]),
        ])
    func states(frame: String, expected: [TradingState]) throws {
        var decoder = try self.decoder()
        #expect(decoder.decode(frame).outcome == .control)
        #expect(decoder.takeStatuses().map(\.state) == expected)
    }

    @Test(
        "Without a state or a symbol the frame is malformed",
        arguments: [
            (#"{"e":"s","s":"BTC-USD"}"#, "there is no state"),
            (#"{"e":"s","s":"BTC-USD","c":{}}"#, "there is no state"),
            (#"{"e":"s","c":"H"}"#, "there is no symbol"),
        ])
    func missing(frame: String, problem: String) throws {
        var decoder = try self.decoder()
        #expect(decoder.decode(frame).outcome == .malformed(problem))
        #expect(decoder.takeStatuses() == [])
    }

    @Test("Statuses stand among ticks; those that nobody takes do not pile up")
    func mixed() throws {
        var decoder = try self.decoder()
        let frame =
            #"{"e":"m","data":[{"k":"s","s":"BTC-USD","c":"H"},{"s":"ETH-USD","p":"5"},{"k":"s","s":"ETH-USD","c":"H"}]}"#
        for _ in 0..<3 {
            let (outcome, ticks) = decoder.decode(frame)
            #expect(outcome == .ticks(1))
            #expect(ticks.count == 1)
        }
        #expect(decoder.takeStatuses().map(\.symbol.name) == ["BTC-USD", "ETH-USD"])
    }

    @Test("A file's tests compare statuses as they do ticks")
    func fileTests() throws {
        let frame = "{e: m, data: [{k: s, s: BTC-USD, c: H}, {s: ETH-USD, p: 5}]}"
        func failures(_ gives: String) throws -> [String] {
            try FeedText.load(messages: Self.messages, tests: "- {frame: \(frame), gives: \(gives)}").runTests().map(
                \.message)
        }
        #expect(try failures("[{status: {symbol: BTC-USD, state: halted, reason: null}}, {trade: {price: 5}}]") == [])
        #expect(
            try failures("[{status: {state: trading}}, {trade: {price: 5}}]") == [
                "test failed in tick 2: state should be 'trading', but is 'halted'."
            ])
        #expect(try failures("[{status: {state: halted}}]") != [])
        #expect(try failures("control") != [])
    }

    @Test(
        "Bad words are refused with what fits",
        arguments: [
            (
                "state: {from: c, map: {H: stopped}}",
                "a state is trading or halted, but 'stopped' stands here: write one of trading, halted."
            ),
            ("state: {from: c}", "state lacks the key 'map': add it."),
            ("reason: r", "status lacks the key 'state': add it."),
        ])
    func badWords(field: String, message: String) throws {
        let error = #expect(throws: FeedFileError.self) {
            try FeedText.load(messages: "- {status: {symbol: s, \(field)}}")
        }
        #expect(error?.description.hasSuffix(message) == true, "\(error?.description ?? "")")
    }
}
