import Gateway
import Logging
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// The gateway's WebSocket pipeline with an echo in the protocol's place, for conformance suites.
///
/// Usage: `websocket-echo PORT`; serves `ws://127.0.0.1:PORT/app/echo` until SIGINT or SIGTERM.
@main
enum EchoCommand {
    static func main() async throws {
        var options = GatewayOptions()
        options.echoesMessages = true
        options.isCompressionEnabled = true
        // The suite's largest message has 16 MiB, and some cases send thousands as fast as they can.
        options.messageBytesMax = 16 << 20
        options.messagesPerSecondMax = 1_000_000
        let hub = Hub(
            apps: [], eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            options: .init(pendingBytesSoftLimit: 64 << 20, pendingBytesHardLimit: 128 << 20))
        let server = GatewayServer(
            hub: hub, host: "127.0.0.1", port: CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9001,
            options: options, logger: Logger(label: "websocket-echo"))
        try await ServiceGroup(
            services: [server], gracefulShutdownSignals: [.sigint, .sigterm], logger: Logger(label: "websocket-echo")
        ).run()
    }
}
