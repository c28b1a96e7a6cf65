import Foundation
public import Logging
public import Market
public import NIOCore
import NIOPosix

/// A WebSocket exchange with a ``SimulatedMarket`` behind it; `Feeds/sim.yaml` describes its dialect.
///
/// Over HTTP, on the same port, it serves trades for backfill (`GET /trades?symbol=S&from=ID&to=ID`), an account of what it sent
/// and what it did not (`GET /ledger`), and its faults (`GET /faults`; `POST /faults` with the text of a ``FaultPlan``).
public final class SimulatorServer: Sendable {
    /// How the exchange behaves.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host: String
        /// The port to listen on; 0 takes a free one.
        public var port: Int
        /// Messages a second over all symbols, 1…200 000.
        public var rate: Int
        /// Decides prices, sizes and sides, and what becomes of each message.
        public var seed: UInt64
        /// What goes wrong.
        public var faults: FaultPlan

        /// Makes a configuration; the defaults are those of `tickwire simulate`.
        public init(
            host: String = "127.0.0.1", port: Int = 6080, rate: Int = 20, seed: UInt64 = 1,
            faults: FaultPlan = FaultPlan()
        ) {
            self.host = host
            self.port = port
            self.rate = rate
            self.seed = seed
            self.faults = faults
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

    /// Binds; trading begins with the first subscription.
    ///
    /// - Parameters:
    ///   - configuration: Address, rate, seed and faults.
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
