import Channels
import Glibc
import Hummingbird
import HummingbirdCore
import HTTPTypes
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The realtime edge: Pusher WebSocket, HTTP API, health and metrics on one port.
///
/// A graceful shutdown stops accepting, closes WebSocket connections with 4200 spread over
/// ``GatewayOptions/drainWindow``, lets running requests finish, then returns.
public struct GatewayServer: Service {
    private let host: String
    private let port: Int
    private let environment: ServerEnvironment

    /// A server that does nothing until ``run()``.
    ///
    /// - Parameters:
    ///   - hub: Whose apps, loops and subscribers it serves.
    ///   - host: The address to listen on.
    ///   - port: The port; 0 takes a free one, which ``GatewayHooks/onListening`` is told.
    ///   - options: Times and limits.
    ///   - hooks: Where the rest of the program joins in.
    ///   - logger: Receives messages about connections.
    public init(
        hub: Hub,
        host: String,
        port: Int,
        options: GatewayOptions = GatewayOptions(),
        hooks: GatewayHooks = GatewayHooks(),
        logger: Logger
    ) {
        self.host = host
        self.port = port
        if let observer = hooks.channelActivity { hub.setObserver(observer) }
        self.environment = ServerEnvironment(hub: hub, options: options, hooks: hooks, logger: logger)
    }

    /// Serves until it is cancelled or shut down gracefully.
    ///
    /// - Throws: ``GatewayError`` when it cannot listen or the TLS files cannot be used.
    public func run() async throws {
        self.raiseDescriptorLimit()
        guard let files = self.environment.options.tls else { return try await self.serve(self.environment) }
        let tls = try TLSContexts(files)
        let logger = self.environment.logger
        Self.logValidity(tls.validUntil, logger)
        let served = ServerEnvironment(
            hub: self.environment.hub, options: self.environment.options, hooks: self.environment.hooks, logger: logger,
            tls: tls)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await Self.watch(tls, logger) }
            defer { tasks.cancelAll() }
            try await self.serve(served)
        }
    }

    /// Every connection takes a descriptor, and many systems give a process 1024 unless it asks for what it may have.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        }
        // Files, the database and requests over HTTP need some, too.
        let needed = self.environment.options.connectionsMax + 200
        guard limit.rlim_cur < UInt64(needed) else { return }
        self.environment.logger.notice(
            "Fewer files may be open than gateway.connections needs: connections will wait to be accepted",
            metadata: ["files.limit": "\(limit.rlim_cur)", "files.needed": "\(needed)"])
    }

    private func serve(_ environment: ServerEnvironment) async throws {
        let (host, port) = (self.host, self.port)
        let api = APIResponder(hub: environment.hub, limits: environment.options.publish, now: Self.secondsSince1970)
        let builder = HTTPServerBuilder { responder in
            GatewayChannel(responder: responder, environment: environment, api: api)
        }
        var serverLogger = environment.logger
        // Hummingbird's own start message would double ours.
        serverLogger.logLevel = max(serverLogger.logLevel, .notice)
        let server = try builder.buildServer(
            // After a restart all clients come back in the same second; the kernel cuts this to net.core.somaxconn.
            configuration: ServerConfiguration(address: .hostname(host, port: port), backlog: 4096),
            eventLoopGroup: environment.hub.eventLoopGroup,
            logger: serverLogger,
            responder: GatewayRoutes(environment: environment).responder()
        ) { channel in
            if let address = channel.localAddress { environment.hooks.onListening(address) }
        }
        do {
            try await server.run()
        } catch {
            throw Self.gatewayError(error, host: host, port: port) ?? error
        }
        // A graceful end has told each connection to close at a moment of its own; a cancelled one closes them now.
        if Task.isCancelled { environment.hub.closeAll(.reconnect) }
        environment.fallback.endWaiting()
        await environment.hub.waitUntilEmpty()
    }

    /// Takes over new TLS files until it is cancelled.
    private static func watch(_ tls: TLSContexts, _ logger: Logger) async {
        while !Task.isCancelled {
            // Throws only when cancelled, and then the loop ends.
            try? await Task.sleep(for: tls.files.checkInterval)
            switch tls.check() {
            case .unchanged: break
            case .reloaded(let validUntil):
                logger.info("TLS certificate reloaded", metadata: ["tls.certificate": "\(tls.files.certificate)"])
                Self.logValidity(validUntil, logger)
            case .refused(let error):
                logger.warning("New TLS files refused, the old certificate stays", metadata: ["error": "\(error)"])
            }
        }
    }

    private static func logValidity(_ validUntil: Int, _ logger: Logger) {
        let days = (Int64(validUntil) - Self.secondsSince1970()) / 86_400
        guard days < 14 else { return }
        logger.warning("TLS certificate ends soon or has ended", metadata: ["tls.days": "\(days)"])
    }

    private static func gatewayError(_ error: any Error, host: String, port: Int) -> (any Error)? {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: GatewayError.addressInUse(host: host, port: port)
        case let error as IOError where error.errnoCode == EACCES: GatewayError.notPermitted(host: host, port: port)
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
            GatewayError.addressNotAvailable(host: host, port: port, reason: "the address is not available here")
        case is SocketAddressError:
            GatewayError.addressNotAvailable(host: host, port: port, reason: "the host name is unknown")
        default: nil
        }
    }

    static func secondsSince1970() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }
}
