import Channels
import NIOCore

/// Stands in front of the HTTP decoder and takes plain publishes out of what arrives, which saves them most of their time.
///
/// With the first byte that belongs to no plain publish it hands over what it has, untouched, and leaves the pipeline: from
/// there on the connection is the decoder's. Answers go the way of all others, so they keep their order.
final class PublishHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Outcome {
        /// A request was answered.
        case answered
        /// What is here is a part of a request.
        case waiting
        /// What is here is for the decoder.
        case other
    }

    /// Longer heads are no publisher's.
    private static let headBytesMax = 8 * 1024

    private let requests: RequestHandler
    private let headBytesMax: Int
    private let bodyBytesMax: Int
    private var reader: PublishHeadReader
    /// The head of the request whose body is not complete.
    private var head: PublishHead?
    /// What has arrived of a request that is not complete.
    private var partial = ByteBuffer()

    /// Takes publishes to `requests`, which is behind the decoder.
    init(requests: RequestHandler, options: GatewayOptions) {
        self.requests = requests
        // Within both limits of the decoder, so that it would not have refused what is taken here.
        self.headBytesMax = min(Self.headBytesMax, options.headerBytesMax)
        self.bodyBytesMax = options.publish.bodyBytesMax
        self.reader = PublishHeadReader(headBytesMax: self.headBytesMax)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        if self.partial.readableBytes > 0 {
            var whole = self.partial
            self.partial = ByteBuffer()  // Gives up the second reference, so that the bytes grow in place.
            whole.writeBuffer(&bytes)
            bytes = whole
        }
        while bytes.readableBytes > 0 {
            // After the last answer nobody hears what follows.
            guard self.requests.takesPublish else { return }
            switch self.takeRequest(&bytes) {
            case .answered: continue
            case .waiting: return self.keep(bytes)
            case .other: return self.handOver(bytes, context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.partial = ByteBuffer()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The connection ends in one way or another: how an unfinished request ends with it is decided in one place.
        if self.partial.readableBytes > 0 {
            let bytes = self.partial
            self.partial = ByteBuffer()
            context.fireChannelRead(self.wrapInboundOut(bytes))
            context.fireUserInboundEventTriggered(event)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func takeRequest(_ bytes: inout ByteBuffer) -> Outcome {
        let outcome: (Outcome, count: Int) = bytes.withUnsafeReadableBytes { view in
            if self.head == nil {
                switch self.reader.read(view) {
                case .more: return (.waiting, 0)
                case .other: return (.other, 0)
                case .publish(let head) where head.bodyBytes > self.bodyBytesMax: return (.other, 0)
                case .publish(let head):
                    self.head = head
                    if view.count < head.bytes { self.requests.publishBegins() }
                }
            }
            guard let head = self.head, view.count >= head.bytes else { return (.waiting, 0) }
            self.head = nil
            self.reader = PublishHeadReader(headBytesMax: self.headBytesMax)
            self.requests.answer(head, UnsafeRawBufferPointer(rebasing: view[..<head.bytes]))
            return (.answered, head.bytes)
        }
        bytes.moveReaderIndex(forwardBy: outcome.count)
        return outcome.0
    }

    /// Keeps the beginning of a request, and not the large buffer of the read it came in.
    private func keep(_ bytes: ByteBuffer) {
        if bytes.readerIndex == 0, bytes.readableBytes * 2 > bytes.capacity {
            self.partial = bytes
        } else {
            self.partial.clear()
            self.partial.writeImmutableBuffer(bytes)
        }
    }

    private func handOver(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        context.fireChannelRead(self.wrapInboundOut(bytes))
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}
