import Foundation
public import Logging
public import Market
public import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A WebSocket exchange with a ``SimulatedMarket`` behind it; `Feeds/sim.yaml` describes its dialect.
public final class SimulatorServer: Sendable {
    /// How the exchange behaves.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host: String
        /// The port to listen on; 0 takes a free one.
        public var port: Int
        /// Messages a second over all symbols, 1…200 000.
        public var rate: Int
        /// Decides prices, sizes and sides.
        public var seed: UInt64

        /// Makes a configuration; the defaults are those of `tickwire simulate`.
        public init(host: String = "127.0.0.1", port: Int = 6080, rate: Int = 20, seed: UInt64 = 1) {
            self.host = host
            self.port = port
            self.rate = rate
            self.seed = seed
        }
    }

    private let listener: any Channel
    private let exchange: SimulatedExchange

    private init(listener: any Channel, exchange: SimulatedExchange) {
        self.listener = listener
        self.exchange = exchange
    }

    /// The port it listens on.
    public var port: Int { self.listener.localAddress?.port ?? 0 }

    /// The symbols it trades.
    public var symbols: [Symbol] { self.exchange.symbols }

    /// Binds and begins to trade.
    ///
    /// - Parameters:
    ///   - configuration: Address, rate and seed.
    ///   - eventLoop: The loop that market and connections live on.
    ///   - logger: For connections that come and go.
    /// - Returns: The running server.
    /// - Throws: ``IngestError/portInUse(host:port:)`` or the bind error.
    public static func start(
        _ configuration: Configuration, on eventLoop: any EventLoop, logger: Logger
    ) async throws -> SimulatorServer {
        let exchange = SimulatedExchange(configuration, eventLoop: eventLoop, logger: logger)
        do {
            let listener = try await ServerBootstrap(group: eventLoop)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelOption(
                    .writeBufferWaterMark, value: .init(low: 16 << 20, high: SimulatedExchange.pendingBytesMax)
                )
                .childChannelInitializer { exchange.configure($0) }
                .bind(host: configuration.host, port: configuration.port).get()
            exchange.start()
            return SimulatorServer(listener: listener, exchange: exchange)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw IngestError.portInUse(host: configuration.host, port: configuration.port)
        }
    }

    /// Stops trading, says good-bye to every connection and stops listening.
    public func stop() async {
        await self.exchange.stop()
        // An error means that it is closed already.
        try? await self.listener.close()
    }
}

/// The market and its connections, all on one event loop.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only.
private final class SimulatedExchange: @unchecked Sendable {
    /// What a client that does not read may have waiting before it is cut off.
    static let pendingBytesMax = 64 << 20
    private static let interval = TimeAmount.milliseconds(5)

    private let eventLoop: any EventLoop
    private let logger: Logger
    private let rate: Int
    private var market: SimulatedMarket
    private var connections: [ObjectIdentifier: SimulatorConnectionHandler] = [:]
    private var tradingTask: RepeatedTask?
    private var heartbeatTask: RepeatedTask?
    private var lastRun = NIODeadline.now()
    /// Messages owed since the last run, in billionths.
    private var credit: Int64 = 0
    private let symbolIndex: [String: Int]
    let symbols: [Symbol]

    init(_ configuration: SimulatorServer.Configuration, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        self.logger = logger
        self.rate = configuration.rate
        self.market = SimulatedMarket(
            seed: configuration.seed, firstTradeID: UInt64(Date().timeIntervalSince1970 * 1_000_000)
        )
        self.symbols = self.market.symbols
        self.symbolIndex = Dictionary(
            self.market.symbols.enumerated().map { ($0.element.name, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    func configure(_ channel: any Channel) -> EventLoopFuture<Void> {
        let upgrader = NIOTypedWebSocketServerUpgrader<Void>(
            maxFrameSize: 1 << 20, enableAutomaticErrorHandling: true,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SimulatorConnectionHandler(exchange: self))
                }
            }
        )
        let configuration = NIOTypedHTTPServerUpgradeConfiguration(
            upgraders: [upgrader], notUpgradingCompletionHandler: { $0.close() }
        )
        return channel.eventLoop.makeCompletedFuture {
            _ = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                configuration: .init(upgradeConfiguration: configuration)
            )
        }
    }

    func start() {
        self.eventLoop.execute {
            self.lastRun = .now()
            self.tradingTask = self.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { _ in
                self.trade()
            }
            self.heartbeatTask = self.eventLoop.scheduleRepeatedTask(
                initialDelay: .seconds(1), delay: .seconds(1)
            ) { _ in
                self.broadcastHeartbeat()
            }
        }
    }

    func stop() async {
        let stopped = self.eventLoop.submit {
            self.tradingTask?.cancel()
            self.heartbeatTask?.cancel()
            for connection in self.connections.values { connection.close(.goingAway) }
            self.connections.removeAll()
        }
        // The closure throws nothing; a loop that is shut down has no connections left.
        try? await stopped.get()
    }

    func add(_ connection: SimulatorConnectionHandler) {
        self.connections[ObjectIdentifier(connection)] = connection
        self.logger.debug("Simulator connection opened", metadata: ["connections": "\(self.connections.count)"])
    }

    func remove(_ connection: SimulatorConnectionHandler) {
        self.connections[ObjectIdentifier(connection)] = nil
        self.logger.debug("Simulator connection closed", metadata: ["connections": "\(self.connections.count)"])
    }

    /// Adds or takes away symbols; answers with what is subscribed now.
    func received(_ message: ByteBuffer, from connection: SimulatorConnectionHandler) {
        struct Request: Decodable {
            var type: String
            var symbols: [String]?
        }
        guard let request = try? JSONDecoder().decode(Request.self, from: Data(message.readableBytesView)) else {
            return connection.send(error: "not a JSON object with a type")
        }
        switch request.type {
        case "subscribe", "unsubscribe":
            let names = request.symbols ?? []
            if let unknown = names.first(where: { self.symbolIndex[$0] == nil }) {
                connection.send(error: "unknown symbol '\(unknown)'")
            }
            let indices = names.compactMap { self.symbolIndex[$0] }
            if request.type == "subscribe" {
                connection.subscribed.formUnion(indices)
            } else {
                connection.subscribed.subtract(indices)
            }
            let subscribed = connection.subscribed.sorted().map { self.market.symbols[$0].name }
            var text: [UInt8] = []
            text.append(literal: "{\"type\":\"subscribed\",\"symbols\":[")
            for (index, name) in subscribed.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                text.appendJSONString(name)
            }
            text.append(literal: "]}")
            connection.send(text)
        case "ping":
            connection.send(Array("{\"type\":\"pong\"}".utf8))
        default:
            connection.send(error: "unknown type '\(request.type)'")
        }
    }

    /// Emits what the rate owes since the last run; after a stall at most one second's worth.
    private func trade() {
        let now = NIODeadline.now()
        let elapsed = min((now - self.lastRun).nanoseconds, 1_000_000_000)
        self.lastRun = now
        self.credit += elapsed * Int64(self.rate)
        let count = self.credit / 1_000_000_000
        self.credit -= count * 1_000_000_000
        guard count > 0, !self.connections.isEmpty else { return }
        var bytes: [UInt8] = []
        for _ in 0..<count {
            bytes.removeAll(keepingCapacity: true)
            let index = self.market.writeNextMessage(at: Self.now(), to: &bytes)
            var data: ByteBuffer?
            for connection in self.connections.values where connection.subscribed.contains(index) {
                let shared = data ?? ByteBuffer(bytes: bytes)
                data = shared
                connection.write(shared)
            }
        }
        for connection in self.connections.values { connection.flush() }
    }

    private func broadcastHeartbeat() {
        for connection in self.connections.values { connection.send(Array("{\"type\":\"heartbeat\"}".utf8)) }
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

/// One client of the simulated exchange.
private final class SimulatorConnectionHandler: ChannelInboundHandler {
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

    func close(_ code: WebSocketErrorCode) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        self.context?.writeAndFlush(
            self.wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        self.context?.close(promise: nil)
    }
}
