import FeedLanguage
import Foundation
import Market
import NIOCore
import NIOEmbedded
import Testing

@testable import Ingest

@Suite("The bytes of a WebSocket, however they come")
struct ChunkingTests {
    /// What a connection's messages gave.
    ///
    /// SAFETY: an embedded channel does everything on the thread that calls it.
    private final class Reading: @unchecked Sendable {
        private var decoder: FrameDecoder
        private(set) var ticks: [Tick] = []
        /// By message, how many ticks it gave.
        private(set) var counts: [Int] = []
        var heard = 0
        var closed: String?
        /// After how many messages the receiver has had enough.
        var messagesMax = Int.max
        var client: WebSocketClient?

        init(_ feed: Feed) { self.decoder = FrameDecoder(feed: feed, symbols: []) }

        func message(_ bytes: UnsafeRawBufferPointer) {
            let before = self.ticks.count
            _ = self.decoder.decode(
                bytes, receivedTime: Timestamp(nanoseconds: 1_800_000_000_000_000_000), into: &self.ticks)
            self.counts.append(self.ticks.count - before)
            if self.counts.count == self.messagesMax { self.client?.cut() }
        }
    }

    /// How a server writes its messages, and how the network cuts them.
    struct Way: Sendable, CustomTestStringConvertible {
        var recording: String
        var feed: String
        /// Whether messages are raw deflate in binary frames.
        var isDeflated = false

        var testDescription: String { self.isDeflated ? "\(self.recording), deflated" : self.recording }
    }

    static let ways = [
        Way(recording: "COINBASE", feed: "coinbase"), Way(recording: "COINBASE", feed: "coinbase", isDeflated: true),
        Way(recording: "BINANCE", feed: "binance"), Way(recording: "BITSTAMP", feed: "bitstamp"),
        Way(recording: "GEMINI", feed: "gemini"), Way(recording: "KRAKEN-trade", feed: "kraken-v1"),
    ]

    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func feed(_ way: Way) throws -> Feed {
        func text(_ name: String) throws -> String {
            try String(contentsOf: self.root.appendingPathComponent("Feeds/\(name).yaml"), encoding: .utf8)
        }
        var yaml = try text(way.feed)
        if way.isDeflated { yaml.replace("connect:\n", with: "connect:\n  decode: deflate\n", maxReplacements: 1) }
        return try Feed.load(yaml: yaml, file: "\(way.feed).yaml", otherFile: { try? text($0) })
    }

    /// The first messages of a recording, as the venue sends them.
    private static func messages(_ way: Way) throws -> [[UInt8]] {
        let file = self.root.appendingPathComponent("Tests/Fixtures/recordings/\(way.recording).rec")
        let lines = try Recording.lines(in: [UInt8](try Data(contentsOf: file)))
        return lines.filter { $0.kind == .received && $0.payload.count <= 0xFFFF }.prefix(60).map {
            way.isDeflated ? Self.deflated($0.payload) : $0.payload
        }
    }

    /// One stored block: RFC 1951, section 3.2.4.
    private static func deflated(_ bytes: [UInt8]) -> [UInt8] {
        let (low, high) = (UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8))
        return [1, low, high, ~low, ~high] + bytes
    }

    /// Passes reads of a socket through the client's own pipeline.
    ///
    /// - Returns: How many pongs went out.
    private static func receive(
        _ reads: [ArraySlice<UInt8>], into reading: Reading, turning: Bool
    ) throws -> Int {
        let channel = EmbeddedChannel(loop: EmbeddedEventLoop())
        let opened = try WebSocketClient.upgrade(
            channel, to: WebSocketURL("ws://acme.test/"), headers: [], key: ServerBytes.key
        ) { client in
            reading.client = client
            return WebSocketCallbacks(
                message: { $0.withUnsafeReadableBytes { reading.message($0) } }, heard: { reading.heard += 1 },
                closed: { reading.closed = $0 })
        }
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
        var sent: [UInt8] = []
        func collect() throws {
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { sent += buffer.readableBytesView }
        }
        try collect()
        #expect(String(decoding: sent, as: UTF8.self).contains("Sec-WebSocket-Key: \(ServerBytes.key)\r\n"))
        sent = []
        for read in reads {
            try channel.writeInbound(ByteBuffer(bytes: read))
            if turning { channel.embeddedEventLoop.run() }
        }
        channel.embeddedEventLoop.run()
        _ = try opened.wait()
        try collect()
        _ = try channel.finish(acceptAlreadyClosed: true)
        return Self.pongs(in: sent)
    }

    /// Counts a client's pongs: each masked, with fewer than 126 bytes.
    private static func pongs(in bytes: [UInt8]) -> Int {
        var count = 0
        var index = 0
        while index + 1 < bytes.count {
            if bytes[index] == 0x8A { count += 1 }
            index += 6 + Int(bytes[index + 1] & 0x7F)
        }
        return count
    }

    /// Cuts bytes into reads: of one byte, of a few, or of many.
    private static func cut(
        _ bytes: [UInt8], using random: inout SplitMix64
    ) -> [ArraySlice<UInt8>] {
        let sizeMax = [1, 7, 200, 5000, bytes.count].randomElement(using: &random) ?? 1
        var reads: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + Int.random(in: 1...sizeMax, using: &random), bytes.count)
            reads.append(bytes[start..<end])
            start = end
        }
        return reads
    }

    @Test("Any cutting, fragmenting and interspersing gives the ticks of the whole messages", arguments: ways)
    func anyChunking(way: Way) throws {
        let feed = try Self.feed(way)
        let messages = try Self.messages(way)
        let whole = Reading(feed)
        for message in messages { message.withUnsafeBytes { whole.message($0) } }
        #expect(whole.ticks.count > 5)
        for seed in UInt64(0)..<25 {
            var random = SplitMix64(seed: seed)
            var server = ServerBytes(ServerBytes.switching)
            var pings = 0
            for message in messages {
                pings += server.message(
                    way.isDeflated ? .binary : .text, message, fragmentsMax: 4, using: &random)
            }
            let reading = Reading(feed)
            let pongs = try Self.receive(
                Self.cut(server.bytes, using: &random), into: reading, turning: .random(using: &random))
            guard reading.ticks == whole.ticks, reading.counts == whole.counts, pongs == pings,
                reading.heard == server.controlCount, reading.closed == "connection lost"
            else {
                Issue.record(
                    """
                    seed \(seed): \(reading.ticks.count) of \(whole.ticks.count) ticks, \(reading.counts.count) of \
                    \(messages.count) messages, \(pongs) of \(pings) pongs, \(reading.heard) of \(server.controlCount) \
                    heard, ended: \(reading.closed ?? "no")
                    """)
                return
            }
        }
    }

    @Test(
        "What RFC 6455 forbids ends the connection, and what came before it counts",
        arguments: [
            ([(.continuation, true)], "a continuation without a beginning"),
            ([(.text, false), (.text, true)], "a new message inside a fragmented one"),
            ([(.binary, false), (.ping, true), (.binary, true)], "a new message inside a fragmented one"),
        ] as [([(ServerBytes.Opcode, Bool)], String)])
    func violations(frames: [(ServerBytes.Opcode, Bool)], problem: String) throws {
        let way = Way(recording: "COINBASE", feed: "coinbase")
        let messages = try Self.messages(way)
        var server = ServerBytes(ServerBytes.switching)
        for message in messages { server.frame(.text, message) }
        for (opcode, isLast) in frames { server.frame(opcode, Array("x".utf8), isLast: isLast) }
        server.frame(.text, messages[0])
        let reading = Reading(try Self.feed(way))
        _ = try Self.receive([server.bytes[...]], into: reading, turning: true)
        #expect(reading.counts.count == messages.count)
        #expect(reading.closed?.contains(problem) == true)
    }

    @Test("Nothing is handed over once the connection is closed, not even what the same read brought")
    func afterTheEnd() throws {
        let way = Way(recording: "COINBASE", feed: "coinbase")
        var server = ServerBytes(ServerBytes.switching)
        for message in try Self.messages(way) { server.frame(.text, message) }
        let reading = Reading(try Self.feed(way))
        reading.messagesMax = 3
        _ = try Self.receive([server.bytes[...]], into: reading, turning: true)
        #expect(reading.counts.count == 3)
        #expect(reading.closed == "connection lost")
    }
}
