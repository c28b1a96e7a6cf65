import Channels
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded

@testable import Gateway

/// One accepted connection on an embedded channel, as the server sets it up, and a WebSocket that listens to `a` and `b`.
struct AcceptedConnection {
    static let now: Int64 = 1_800_000_000

    let channel: EmbeddedChannel
    private let loop: EmbeddedEventLoop
    private let listener: EmbeddedConnection

    /// A connection with or without the way past the HTTP decoder.
    init(takesPlainPublishes: Bool, options: GatewayOptions = GatewayOptions()) throws {
        let loop = EmbeddedEventLoop()
        var disabled = App.Options()
        disabled.isEnabled = false
        let hub = Hub(
            apps: [testApp, App(id: "off", key: "off", secret: "secret", options: disabled)], eventLoopGroup: loop)
        let environment = ServerEnvironment(
            hub: hub, options: options, hooks: GatewayHooks(), logger: Logger(label: "test"))
        let api = APIResponder(hub: hub, limits: options.publish, now: { Self.now })
        var gateway = GatewayChannel(responder: { _, _, _ in }, environment: environment, api: api)
        gateway.takesPlainPublishes = takesPlainPublishes
        self.loop = loop
        self.channel = EmbeddedChannel(loop: loop)
        _ = try gateway.setup(channel: self.channel, logger: environment.logger).wait()
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        self.listener = try EmbeddedConnection(hub: hub, loop: loop)
        for name in ["a", "b"] { try self.listener.send(subscribeText(name)) }
        _ = try self.listener.frames()
    }

    /// Whether plain publishes are still looked for.
    var hasPublishHandler: Bool {
        (try? self.channel.pipeline.syncOperations.handler(type: PublishHandler.self)) != nil
    }

    /// One read of a socket.
    func receive(_ bytes: some Collection<UInt8>) throws {
        try self.channel.writeInbound(ByteBuffer(bytes: bytes))
        self.loop.run()
    }

    /// What the client has got, and what the listener.
    func sent() throws -> (answers: String, events: [String]) {
        self.loop.run()
        var bytes: [UInt8] = []
        while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
            bytes += Array(buffer.readableBytesView)
        }
        return (String(decoding: bytes, as: UTF8.self), try self.listener.texts())
    }

    func finish() throws {
        try self.listener.finish()
        _ = try self.channel.finish(acceptAlreadyClosed: true)
    }

    /// The text of a request, signed for the app `1`.
    static func signed(
        _ body: String, route: String = "events", app: App = testApp, items: [Query.Item] = [],
        head: (String) -> String = { $0 }, fields: String = "", signedBody: String? = nil
    ) -> String {
        let path = "/apps/\(app.id)/\(route)"
        let query = RequestSigning(app: app).query(
            method: "POST", path: path, parameters: items, body: Array((signedBody ?? body).utf8), now: Self.now)
        let lines = "POST \(path)?\(query) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n"
        return head(lines) + body
    }
}
