import Channels
import NIOCore

/// What carries a ``ClientSession``'s frames to the client: a WebSocket, or a stream of HTTP responses.
///
/// Everything happens on the session's event loop.
protocol SessionTransport: AnyObject {
    /// What carries the frames, for operators: `websocket`, or the name of a fallback.
    var name: String { get }
    /// Allocates buffers for ``write(_:promise:)``.
    var allocator: ByteBufferAllocator { get }
    /// Writes finished, unmasked WebSocket frames, whole ones only; `promise` is completed when they have left.
    ///
    /// For a session with a descriptor these are only what the socket would not take at once, and a write may then begin
    /// in the middle of a frame.
    func write(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>)
    /// The session has sent its close frame with `code`: nothing follows.
    ///
    /// The transport waits for the client's answer as long as it sees fit, ends, and calls ``ClientSession/ended()``.
    func sessionClosed(_ code: CloseCode)
}
