import FeedLanguage
import Logging
import Market
import Testing

@testable import Ingest

@Suite("A feed's health")
struct FeedHealthTests {
    private static let feedFile = """
        feed: acme
        title: Acme
        asset: crypto
        connect:
          websocket: ws://127.0.0.1:1/
        symbols: {separator: "-"}
        subscribe: {send: {subscribe: ["{symbols}"]}}
        messages:
          - when: {type: trade}
            trade: {symbol: s, price: p, time: t, id: i}
          - when: {type: pong}
            control: true
          - when: {type: error}
            error: {message: m}
        """

    private static func monitor() throws -> FeedMonitor {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return FeedMonitor(try Feed.load(yaml: Self.feedFile, file: "acme.yaml"), logger: logger)
    }

    private static func trade(_ symbol: String, event: Int64, received: Int64, flags: TickFlags = []) throws -> Tick {
        .trade(
            Trade(
                symbol: try Symbol(symbol), venue: try Venue("acme"), price: .zero, size: nil, side: .unknown,
                id: nil, eventTime: Timestamp(nanoseconds: event * 1_000_000),
                receivedTime: Timestamp(nanoseconds: received * 1_000_000), flags: flags
            ))
    }

    @Test("Lag is told by the bounds of doubling buckets")
    func lag() {
        let histogram = LagHistogram()
        #expect(histogram.summary == nil)
        for _ in 0..<98 { histogram.record(milliseconds: 3) }
        histogram.record(milliseconds: 1000)
        histogram.record(milliseconds: -5)
        #expect(histogram.summary == .init(count: 100, p50: 4, p99: 4, last: -5))
        histogram.record(milliseconds: 1024)
        histogram.record(milliseconds: 1025)
        #expect(histogram.summary == .init(count: 102, p50: 4, p99: 1024, last: 1025))
        for _ in 0..<1000 { histogram.record(milliseconds: .max) }
        #expect(histogram.summary?.p50 == 524_288)
    }

    @Test("Ticks without a time of the venue's own say nothing about lag")
    func lagOfTicks() throws {
        let monitor = try Self.monitor()
        monitor.received([try Self.trade("A", event: 0, received: 50, flags: .noEventTime)])
        monitor.received([try Self.trade("A", event: 0, received: 50, flags: .snapshot)])
        #expect(monitor.status.lag == nil)
        monitor.received([try Self.trade("A", event: 0, received: 50), try Self.trade("A", event: 20, received: 50)])
        #expect(monitor.status.lag == .init(count: 1, p50: 32, p99: 32, last: 30))
        #expect(monitor.status.ticks == 4)
    }

    @Test("Each frame ends in one counter, and the first five of a kind that is not understood are kept")
    func frames() throws {
        let monitor = try Self.monitor()
        var decoder = FrameDecoder(feed: try Feed.load(yaml: Self.feedFile, file: "acme.yaml"), symbols: [])
        let frames =
            [#"{"type":"trade","s":"A-B","p":"1","t":"2026-01-01T00:00:00Z"}"#, #"{"type":"pong"}"#, "{", ""]
            + (0..<8).map { #"{"type":"new","n":\#($0)}"# } + [#"{"type":"error","m":"slow down"}"#]
        for frame in frames {
            var ticks: [Tick] = []
            Array(frame.utf8).withUnsafeBytes { bytes in
                monitor.count(decoder.decode(bytes, receivedTime: .now, into: &ticks), frame: bytes)
            }
        }
        let status = monitor.status
        #expect(status.framesTotal == frames.count)
        #expect(status.frames.values.reduce(0, +) == frames.count)
        #expect(status.frames["unmatched"] == 8)
        #expect(status.frames["malformed"] == 2)
        let unmatched = status.samples.filter { $0.outcome == "unmatched" }
        #expect(unmatched.map(\.frame) == (0..<5).map { #"{"type":"new","n":\#($0)}"# })
        #expect(status.samples.first { $0.outcome == "error" }?.detail == "slow down")
    }

    @Test("A symbol is pending until it is confirmed or ticks, and again after a reconnect; a refusal stays")
    func subscriptions() throws {
        let monitor = try Self.monitor()
        let connection = ConnectionMonitor(name: "1", feed: monitor, tap: nil)
        monitor.setConnections([connection])
        connection.replaceSymbols([try Symbol("A"), try Symbol("B"), try Symbol("C")])
        connection.received([try Self.trade("A", event: 0, received: 0)])
        connection.mark(try Symbol("B"), .refused(reason: "unknown product"))
        #expect(monitor.status.symbols.map(\.state) == ["subscribed", "refused", "pending"])
        #expect(monitor.status.symbols[1].reason == "unknown product")
        connection.replaceSymbols([try Symbol("A"), try Symbol("B"), try Symbol("D")])
        #expect(monitor.status.symbols.map(\.state) == ["subscribed", "refused", "pending"])
        connection.report(ConnectionMonitor.State.connecting)
        #expect(monitor.status.symbols.map(\.state) == ["pending", "refused", "pending"])
    }

    @Test("A feed is live when all of its connections are, and degraded when only some are")
    func states() throws {
        let monitor = try Self.monitor()
        #expect(monitor.status.state == "stopped")
        let connections = ["1", "2"].map { ConnectionMonitor(name: $0, feed: monitor, tap: nil) }
        monitor.setConnections(connections)
        #expect(monitor.status.state == "connecting")
        connections[0].report(ConnectionMonitor.State.live)
        #expect(monitor.status.state == "degraded")
        connections[1].report(ConnectionMonitor.State.live)
        #expect(monitor.status.state == "live")
        for connection in connections {
            connection.report(ConnectionMonitor.State.waiting(reason: "silent for 30 s", attempt: 3))
        }
        #expect(monitor.status.state == "waiting")
        #expect(monitor.status.connections[0].reason == "silent for 30 s")
        #expect(monitor.status.connections[0].attempt == 3)
    }

    @Test("A file that is being written is not read before it has come to rest")
    func restingFiles() throws {
        let directory = try TemporaryDirectory()
        var watch = FileWatch([nil])
        func look() -> Bool { watch.looked([FileStamp(path: directory.path + "/a.yaml")]) }
        #expect(look() == false)
        try directory.write("a: 1", to: "a.yaml")
        #expect(look() == false)
        try directory.write("a: 1\nb: 2", to: "a.yaml")
        #expect(look() == false)
        #expect(look())
        #expect(look() == false)
        try directory.remove("a.yaml")
        #expect(look() == false)
        #expect(look())
    }
}
