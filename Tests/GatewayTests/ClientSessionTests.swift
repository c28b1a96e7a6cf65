import Channels
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Gateway

/// A transport that is no WebSocket: unpacks what it is given.
private final class FrameTransport: SessionTransport {
    let name = "test"
    let allocator = ByteBufferAllocator()
    var frames: [ReceivedFrame] = []
    var waiting: [EventLoopPromise<Void>] = []
    var closeCode: CloseCode?
    private var cut: [UInt8] = []

    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        var bytes = Array(buffer.readableBytesView)
        self.frames += ReceivedFrame.take(from: &bytes)
        self.cut += bytes
        self.waiting.append(promise)
    }

    func sessionClosed(_ code: CloseCode) { self.closeCode = code }

    /// Everything it was given has left.
    func sent() {
        for promise in self.waiting { promise.succeed() }
        self.waiting = []
    }

    /// What was given to it since the last call; whole frames only.
    func take() -> [ReceivedFrame] {
        #expect(self.cut.isEmpty)
        defer { self.frames = [] }
        return self.frames
    }
}

@Suite("A session on a transport that is no WebSocket")
struct ClientSessionTests {
    private let loop = EmbeddedEventLoop()
    private let hub: Hub
    private let transport = FrameTransport()
    private let session: ClientSession

    init() throws {
        self.hub = Hub(
            apps: [testApp], eventLoopGroup: self.loop,
            options: .init(pendingBytesSoftLimit: 1000, pendingBytesHardLimit: 4000))
        let environment = ServerEnvironment(
            hub: self.hub, options: .init(), hooks: .init(), logger: Logger(label: "test"))
        self.session = ClientSession(
            shard: try #require(self.hub.shards.first), environment: environment,
            opening: .init(app: 0, protocolVersion: "7"))
        self.session.start(on: self.transport, descriptor: -1)
        self.loop.run()
    }

    private func say(_ text: String) {
        Array(text.utf8).withUnsafeBufferPointer { self.session.received(text: $0) }
        self.loop.run()
    }

    @Test("Everything comes as whole frames: greeting, answers, events, and the close frame last")
    func frames() {
        #expect(self.transport.take().map { $0.text.contains("connection_established") } == [true])
        self.transport.sent()
        self.say(subscribeText("c"))
        for number in 0..<3 { self.hub.publish([.tick("c", number)]) }
        self.loop.run()
        #expect(
            self.transport.take().map(\.text) == [
                #"{"event":"pusher_internal:subscription_succeeded","channel":"c","data":"{}"}"#,
                #"{"event":"tick","channel":"c","data":"0"}"#, #"{"event":"tick","channel":"c","data":"1"}"#,
                #"{"event":"tick","channel":"c","data":"2"}"#,
            ])
        self.session.close(.reconnect)
        #expect(self.transport.take().map(\.closeCode) == [4200])
        #expect(self.transport.closeCode == .reconnect && !self.session.isOpen)
        self.hub.publish([.tick("c", 4)])
        self.say(#"{"event":"pusher:ping"}"#)
        #expect(self.transport.take().isEmpty)
        self.session.ended()
        self.session.ended()
        self.transport.sent()
        #expect(self.hub.statistics.connections == 0 && self.hub.statistics.subscriptions == 0)
    }

    @Test("A transport that does not finish its writes conflates ticks, and then loses the session with 4100")
    func tooSlow() {
        self.say(subscribeText("c"))
        for number in 0..<200 {
            self.hub.publish([.tick("c", number)])
            self.loop.run()
        }
        #expect(self.transport.take().count < 60)
        self.transport.sent()
        self.loop.run()
        #expect(self.transport.take().last?.text.contains(#""data":"199""#) == true)
        self.hub.publish([.init(channel: "c", name: "large", data: [UInt8](repeating: 0x61, count: 5000))])
        self.loop.run()
        #expect(self.transport.closeCode == .overCapacity)
        self.session.ended()
        self.transport.sent()
    }
}
