import Channels
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Tickwire

@Suite("Market data on encrypted channels", .timeLimit(.minutes(5)))
struct EncryptedRelayTests {
    /// Keeps what is published to all apps.
    private final class Plain: EventPublisher {
        let events = Mutex<[Channels.ChannelEvent]>([])

        func publish(_ events: [Channels.ChannelEvent]) { self.events.withLock { $0 += events } }
    }

    private static let channel = "private-encrypted-ticker-BTC-USD"
    private static let encryption = ChannelEncryption(masterKey: Array(0...31))

    private let plain = Plain()
    private let sealed: AsyncStream<(Channels.ChannelEvent, String)>
    private let relay: EncryptedRelay

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: (Channels.ChannelEvent, String).self)
        self.sealed = stream
        self.relay = EncryptedRelay(
            base: self.plain,
            apps: [
                AppSettings(app: App(id: "open", key: "a", secret: "s"), webhooks: [], encryptionMasterKey: nil),
                AppSettings(
                    app: App(id: "sealed", key: "b", secret: "s"), webhooks: [], encryptionMasterKey: Array(0...31)),
            ], eventLoopGroup: MultiThreadedEventLoopGroup.singleton
        ) { events, app in
            for event in events { continuation.yield((event, app)) }
        }
    }

    private func tick(_ price: String, channel: String = "ticker-BTC-USD") -> Channels.ChannelEvent {
        Channels.ChannelEvent(
            channel: channel, name: "tick", data: Array(price.utf8), retention: .deliverAndKeepAsSnapshot)
    }

    /// The data behind a sealed event.
    private func opened(_ event: Channels.ChannelEvent) throws -> String {
        let text = String(decoding: event.data, as: UTF8.self)
        let fields = text.split(separator: "\"").map(String.init)
        let nonce = try #require(base64(fields[3]))
        let box = try #require(base64(fields[7]))
        let key = Self.encryption.key(of: event.channel)
        return String(decoding: try #require(SecretBox.open(box, key: key, nonce: nonce)), as: UTF8.self)
    }

    @Test("Who comes first gets the newest tick as a snapshot, then every event; the app without a key gets none")
    func life() async throws {
        var events = self.sealed.makeAsyncIterator()
        self.relay.publish([self.tick("1"), self.tick("2")])
        self.relay.take(.occupied(channel: Self.channel), app: "open")
        self.relay.take(.occupied(channel: Self.channel), app: "sealed")
        let (snapshot, app) = try #require(await events.next())
        #expect(app == "sealed")
        #expect(snapshot.channel == Self.channel)
        #expect(snapshot.name == "snapshot")
        #expect(try self.opened(snapshot) == "2")
        self.relay.publish([
            self.tick("x", channel: "ticker-ETH-USD"), self.tick("y", channel: "status"), self.tick("3"),
        ])
        let (tick, _) = try #require(await events.next())
        #expect(tick.name == "tick")
        #expect(try self.opened(tick) == "3")
        #expect(self.plain.events.withLock { $0.count } == 5)
    }

    @Test("Sealed ticks come in the order in which they were published")
    func order() async throws {
        var events = self.sealed.makeAsyncIterator()
        self.relay.publish([self.tick("0")])
        self.relay.take(.occupied(channel: Self.channel), app: "sealed")
        #expect(try self.opened(try #require(await events.next()).0) == "0")
        for number in 1...200 { self.relay.publish([self.tick("\(number)")]) }
        for number in 1...200 {
            let (event, _) = try #require(await events.next())
            #expect(try self.opened(event) == "\(number)")
        }
    }

    @Test("Nothing is sealed when nobody is left")
    func vacated() async throws {
        var events = self.sealed.makeAsyncIterator()
        let other = "private-encrypted-trades-BTC-USD"
        self.relay.take(.occupied(channel: Self.channel), app: "sealed")
        self.relay.take(.vacated(channel: Self.channel), app: "sealed")
        // What the channel keeps would grow old, and the next subscriber would see it before the newest tick.
        let (nothing, app) = try #require(await events.next())
        let expected = Channels.ChannelEvent(channel: Self.channel, name: "snapshot", data: [], retention: .keepOnly)
        #expect(nothing == expected && app == "sealed")
        self.relay.take(.occupied(channel: other), app: "sealed")
        self.relay.take(.occupied(channel: "private-encrypted-chat"), app: "sealed")
        // Everything above was done on one loop, in order, once this tick has come back.
        self.relay.publish([self.tick("marker", channel: "ticker-MARK")])
        self.relay.take(.occupied(channel: "private-encrypted-ticker-MARK"), app: "sealed")
        #expect(try self.opened(try #require(await events.next()).0) == "marker")
        self.relay.publish([self.tick("1"), self.tick("2", channel: "trades-BTC-USD")])
        let (event, _) = try #require(await events.next())
        #expect(event.channel == other)
    }
}

private func base64(_ text: String) -> [UInt8]? {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var (bytes, bits, count): ([UInt8], UInt32, UInt32) = ([], 0, 0)
    for byte in text.utf8 where byte != UInt8(ascii: "=") {
        guard let value = digits.firstIndex(of: byte) else { return nil }
        bits = bits << 6 | UInt32(value)
        count += 6
        if count >= 8 {
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
        }
    }
    return bytes
}
