import Channels
import NIOCore

/// Sends every message back through the hub's shard, the way events go: for conformance suites.
final class EchoSession: WebSocketSession, Subscriber {
    private let shard: HubShard
    private let isCompressed: Bool
    private let socketID = SocketID(bits: .random(in: .min ... .max))
    private var transport: (any SessionTransport)?
    private var slot: Int32 = -1
    private var isOpen = true

    init(shard: HubShard, isCompressed: Bool) {
        self.shard = shard
        self.isCompressed = isCompressed
    }

    // MARK: WebSocketSession

    func start(on transport: any SessionTransport, descriptor: Int32, prelude: [UInt8]) {
        self.transport = transport
        self.slot = self.shard.attach(self, descriptor: descriptor, socketID: self.socketID)
        self.send(prelude)
    }

    func received(text: UnsafeBufferPointer<UInt8>) {
        self.echo(UnsafeRawBufferPointer(text), .text)
    }

    func received(binary: ByteBuffer) {
        binary.withUnsafeReadableBytes { self.echo($0, .binary) }
    }

    func heard() {}

    func send(_ bytes: some Sequence<UInt8>) {
        guard self.slot >= 0, self.isOpen else { return }
        Array(bytes).withUnsafeBytes { self.shard.send(self.slot, $0) }
    }

    func finish(with frame: [UInt8]) {
        guard self.isOpen, self.slot >= 0 else { return }
        self.isOpen = false
        self.shard.finish(self.slot, frame)
    }

    func close(_ code: CloseCode) {
        guard self.isOpen else { return }
        let payload = [UInt8(code.code >> 8), UInt8(code.code & 0xFF)] + Array(code.reason.utf8)
        self.finish(with: WebSocketHeader.controlFrame(.close, payload: payload))
        self.transport?.sessionClosed(code)
    }

    func drain() { self.close(.reconnect) }

    func ended() {
        guard self.slot >= 0 else { return }
        self.shard.detach(self.slot, socketID: self.socketID)
        self.slot = -1
        self.transport = nil
    }

    // MARK: Subscriber

    var app: Int32? { nil }
    var transportName: String { "websocket" }

    var allocator: ByteBufferAllocator { self.transport?.allocator ?? ByteBufferAllocator() }

    func writeThroughNIO(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>) {
        guard let transport else { return promise.fail(ChannelError.ioOnClosedChannel) }
        transport.write(buffer, promise: promise)
    }

    func closeAsTooSlow() { self.close(.overCapacity) }

    func checkSilence(now: ContinuousClock.Instant) -> ContinuousClock.Instant? { nil }

    private func echo(_ message: UnsafeRawBufferPointer, _ opcode: WebSocketHeader.Opcode) {
        var frame = Array(WebSocketHeader.textFrame { $0.append(contentsOf: message) })
        if self.isCompressed, let packed = frame.withUnsafeBytes({ self.shard.codec.withPacked($0) { Array($0) } }) {
            frame = packed
        }
        frame[0] = frame[0] & 0xF0 | opcode.rawValue
        self.send(frame)
    }
}
