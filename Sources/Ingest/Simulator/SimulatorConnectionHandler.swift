import Market
import NIOCore
import NIOWebSocket

/// One client of the simulated exchange.
final class SimulatorConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    var subscribed: Set<Int> = []
    private let exchange: SimulatedExchange
    private var context: ChannelHandlerContext?

    init(exchange: SimulatedExchange) { self.exchange = exchange }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.exchange.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.exchange.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = self.unwrapInboundIn(data)
        switch frame.opcode {
        case .text where frame.fin:
            self.exchange.received(frame.unmaskedData, from: self)
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData)
            context.writeAndFlush(self.wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            let answer = WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData)
            context.writeAndFlush(self.wrapOutboundOut(answer), promise: nil)
            context.close(promise: nil)
        case .text, .binary, .continuation:
            self.close(.unacceptableData)
        default:
            break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // A client that has 64 MiB waiting does not read: it must not take the memory of the others.
        if !context.channel.isWritable { context.close(promise: nil) }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func write(_ data: ByteBuffer) {
        self.context?.write(self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: data)), promise: nil)
    }

    func flush() { self.context?.flush() }

    func send(_ bytes: [UInt8]) {
        self.write(ByteBuffer(bytes: bytes))
        self.flush()
    }

    func send(error message: String) {
        var text: [UInt8] = []
        text.append(literal: "{\"type\":\"error\",\"message\":")
        text.appendJSONString(message)
        text.append(literal: "}")
        self.send(text)
    }

    /// Ends the connection without a word, as a broken network does.
    func cut() { self.context?.close(promise: nil) }

    func close(_ code: WebSocketErrorCode) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        self.context?.writeAndFlush(
            self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        self.context?.close(promise: nil)
    }
}
