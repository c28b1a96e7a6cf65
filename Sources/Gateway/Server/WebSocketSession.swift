import Channels
import NIOCore

/// What a WebSocket's messages go to: ``ClientSession``, or ``EchoSession`` for conformance suites.
protocol WebSocketSession: AnyObject {
    /// The WebSocket is open: sends `prelude`, then whatever the session has to say.
    func start(on transport: any SessionTransport, descriptor: Int32, prelude: [UInt8])
    /// A complete text message arrived, valid UTF-8.
    func received(text: UnsafeBufferPointer<UInt8>)
    /// A complete binary message arrived.
    func received(binary: ByteBuffer)
    /// A control frame arrived.
    func heard()
    /// Sends whole frames behind everything sent before.
    func send(_ bytes: some Sequence<UInt8>)
    /// Sends the last frame: the answer to the client's close.
    func finish(with frame: [UInt8])
    /// Closes with a code, once.
    func close(_ code: CloseCode)
    /// Closes at a moment within the drain window.
    func drain()
    /// The WebSocket is gone.
    func ended()
}

extension ClientSession: WebSocketSession {
    func received(binary: ByteBuffer) {
        self.heard()
        // Closing with 1003 would make pusher-js give up WebSockets for good.
        self.send(.error(code: nil, message: "Binary messages are not part of the protocol: send text"))
    }
}
