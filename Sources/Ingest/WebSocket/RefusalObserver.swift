import NIOCore

/// Remembers the status with which a server answers a handshake, from the first bytes it sends: `HTTP/1.1 403`.
///
/// SAFETY: touched on the channel's event loop only, where the pipeline runs and the upgrade ends.
final class RefusalObserver: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// How far the status reaches.
    private static let statusEnd = 12
    private var beginning: [UInt8] = []

    /// The status; 0 while none has come.
    var status: Int {
        guard self.beginning.count == Self.statusEnd, self.beginning.starts(with: "HTTP/1.".utf8) else { return 0 }
        return Int(String(decoding: self.beginning.suffix(3), as: UTF8.self)) ?? 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.beginning.count < Self.statusEnd else { return context.fireChannelRead(data) }
        let bytes = self.unwrapInboundIn(data).readableBytesView
        self.beginning += bytes.prefix(Self.statusEnd - self.beginning.count)
        context.fireChannelRead(data)
        // It has seen all that it wants to see.
        if self.beginning.count == Self.statusEnd {
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        }
    }
}
