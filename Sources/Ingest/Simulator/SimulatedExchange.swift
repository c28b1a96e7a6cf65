import Foundation
import Logging
import Market
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The market and its connections, all on one event loop.
///
/// SAFETY: every stored `var` is touched on `eventLoop` only.
final class SimulatedExchange: @unchecked Sendable {
    /// What a client that does not read may have waiting before it is cut off.
    static let pendingBytesMax = 64 << 20
    private static let interval = TimeAmount.milliseconds(5)

    private let eventLoop: any EventLoop
    private let logger: Logger
    private let rate: Int
    private var trading: SimulatedTrading
    private var connections: [ObjectIdentifier: SimulatorConnectionHandler] = [:]
    private var tradingTask: RepeatedTask?
    private var heartbeatTask: RepeatedTask?
    private var lastRun = NIODeadline.now()
    /// When somebody was subscribed last; `nil` before the first subscription.
    private var lastWanted: NIODeadline?
    /// Messages owed since the last run, in billionths.
    private var credit: Int64 = 0
    private let symbolIndex: [String: Int]
    let symbols: [Symbol]

    init(_ configuration: SimulatorServer.Configuration, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
        self.logger = logger
        self.rate = configuration.rate
        self.trading = SimulatedTrading(
            seed: configuration.seed, firstTradeID: UInt64(Date().timeIntervalSince1970 * 1_000_000),
            plan: configuration.faults
        )
        self.symbols = self.trading.symbols
        self.symbolIndex = Dictionary(
            self.symbols.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first }
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
            upgraders: [upgrader],
            notUpgradingCompletionHandler: { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SimulatorHTTPHandler(exchange: self))
                }
            }
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
            self.trading.setPlan(self.trading.plan, now: Self.monotonic(self.lastRun))
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
            self.release()
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
                if !indices.isEmpty { self.lastWanted = .now() }
            } else {
                connection.subscribed.subtract(indices)
            }
            let subscribed = connection.subscribed.sorted().map { self.symbols[$0].name }
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

    // MARK: Trading

    /// Emits what the rate owes since the last run; after a stall of this process at most one second's worth.
    private func trade() {
        let deadline = NIODeadline.now()
        let now = Self.monotonic(deadline)
        let elapsed = min((deadline - self.lastRun).nanoseconds, 1_000_000_000)
        self.lastRun = deadline
        guard self.isTrading(deadline) else { return }
        if self.trading.cutsConnections(now: now) { self.cutConnections() }
        self.credit += elapsed * Int64(self.rate) * self.trading.rateFactor(now: now)
        let count = self.credit / 1_000_000_000
        self.credit -= count * 1_000_000_000
        guard count > 0 else { return }
        for _ in 0..<count {
            self.trading.next(
                at: Self.wallClock(), now: now,
                isWanted: { index in self.connections.values.contains { $0.subscribed.contains(index) } },
                send: self.write
            )
        }
        for connection in self.connections.values { connection.flush() }
    }

    /// Trading begins with the first subscription, so that the first trade is the first one sent.
    ///
    /// It goes on while nobody is connected, as at any exchange, but not longer than trades are kept for backfill.
    private func isTrading(_ now: NIODeadline) -> Bool {
        guard let lastWanted else { return false }
        if self.connections.values.contains(where: { !$0.subscribed.isEmpty }) { self.lastWanted = now }
        return (now - lastWanted).nanoseconds < SimulatedTrading.memory
    }

    private func write(_ symbolIndex: Int, _ frame: [UInt8]) {
        var data: ByteBuffer?
        for connection in self.connections.values where connection.subscribed.contains(symbolIndex) {
            let shared = data ?? ByteBuffer(bytes: frame)
            data = shared
            connection.write(shared)
        }
    }

    /// Sends what was held back.
    private func release() {
        self.trading.release(send: self.write)
        for connection in self.connections.values { connection.flush() }
    }

    private func cutConnections() {
        self.release()
        let cut = self.connections.values
        self.connections.removeAll()
        for connection in cut { connection.cut() }
    }

    private func broadcastHeartbeat() {
        if self.trading.isStalled(now: Self.monotonic(.now())) { return }
        for connection in self.connections.values { connection.send(Array("{\"type\":\"heartbeat\"}".utf8)) }
    }

    private static func monotonic(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds) }

    private static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

/// What is served over HTTP.
extension SimulatedExchange {
    private static let tradesMax = 10_000

    /// Answers a request with JSON.
    func answer(_ head: HTTPRequestHead, body: ByteBuffer) -> (status: HTTPResponseStatus, json: [UInt8]) {
        let components = URLComponents(string: head.uri)
        switch (head.method, components?.path ?? "") {
        case (.GET, "/trades"): return self.trades(components?.queryItems ?? [])
        case (.GET, "/ledger"): return (.ok, self.trading.ledgerJSON())
        case (.GET, "/faults"): return (.ok, self.faultsJSON())
        case (.POST, "/faults"):
            do {
                let plan = try FaultPlan(String(buffer: body).trimmingCharacters(in: .whitespacesAndNewlines))
                self.release()
                self.trading.setPlan(plan, now: Self.monotonic(.now()))
                self.logger.info("Simulator faults changed", metadata: ["simulator.faults": "\(plan)"])
                return (.ok, self.faultsJSON())
            } catch {
                return (.badRequest, Self.errorJSON("\(error)"))
            }
        default:
            let known = "GET /trades?symbol=S&from=ID&to=ID, GET /ledger, GET /faults, POST /faults"
            return (.notFound, Self.errorJSON("There is no \(head.method) \(head.uri). Ask for one of: \(known)."))
        }
    }

    private func trades(_ query: [URLQueryItem]) -> (status: HTTPResponseStatus, json: [UInt8]) {
        func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
        guard let name = value("symbol"), let index = self.symbolIndex[name] else {
            let names = self.symbols.map(\.name).joined(separator: ", ")
            return (.badRequest, Self.errorJSON("symbol is '\(value("symbol") ?? "")': expected one of \(names)."))
        }
        var bounds: [UInt64] = []
        for (key, otherwise) in [("from", UInt64(0)), ("to", .max), ("limit", 1000)] {
            guard let number = value(key).map({ UInt64($0) }) ?? otherwise else {
                return (.badRequest, Self.errorJSON("\(key) is '\(value(key) ?? "")': expected a whole number."))
            }
            bounds.append(number)
        }
        let limit = Int(min(bounds[2], UInt64(Self.tradesMax)))
        return (.ok, self.trading.tradesJSON(symbolIndex: index, from: bounds[0], to: bounds[1], limit: limit))
    }

    private func faultsJSON() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(literal: "{\"faults\":")
        bytes.appendJSONString(self.trading.plan.description)
        bytes.append(literal: "}")
        return bytes
    }

    private static func errorJSON(_ message: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(literal: "{\"error\":")
        bytes.appendJSONString(message)
        bytes.append(literal: "}")
        return bytes
    }
}
