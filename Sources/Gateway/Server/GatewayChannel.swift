import Channels
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOWebSocket

/// Sets up every accepted connection; serves those that turn out to be Hummingbird's.
struct GatewayChannel: HTTPChannelHandler {
    /// One accepted connection and what became of it.
    struct Connection: ServerChildChannelValue {
        let channel: any NIOCore.Channel
        /// Hummingbird's connection once a request is for Hummingbird; `nil` for a WebSocket or when it ended before.
        let outcome: EventLoopFuture<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>?>
    }

    let responder: HTTPChannelHandler.Responder
    let environment: ServerEnvironment
    let api: APIResponder
    /// Whether plain publishes are taken out before the HTTP decoder; tests compare.
    var takesPlainPublishes = true

    func setup(channel: any NIOCore.Channel, logger: Logger) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            guard let shard = self.environment.hub.shard(of: channel.eventLoop) else {
                preconditionFailure("the server runs on an event loop that the hub does not serve")
            }
            try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveAllocator())
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            let outcome = channel.eventLoop.makePromise(of: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>?.self)
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderListSize = self.environment.options.headerBytesMax
            limits.maxHeaderFieldSize = self.environment.options.headerBytesMax
            let decoder = ByteToMessageHandler(
                HTTPRequestDecoder(
                    leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop,
                    limitConfiguration: limits))
            let pipeline = channel.pipeline.syncOperations
            if let tls = self.environment.tls { try pipeline.addHandler(tls.makeHandler()) }
            let isAddressFull = !self.count(channel)
            let requests = RequestHandler(
                shard: shard,
                environment: self.environment,
                responder: self.api,
                decoder: decoder,
                isAddressFull: isAddressFull,
                outcome: outcome
            )
            if self.takesPlainPublishes, !isAddressFull {
                try pipeline.addHandler(PublishHandler(requests: requests, options: self.environment.options))
            }
            try pipeline.addHandlers(decoder, requests)
            return Connection(channel: channel, outcome: outcome.futureResult)
        }
    }

    /// Counts the connection until it is closed; `false` when its address has as many as it may.
    private func count(_ channel: any NIOCore.Channel) -> Bool {
        guard let addresses = self.environment.addresses, let key = AddressCounter.Key(channel.remoteAddress) else {
            return true
        }
        guard addresses.add(key) else { return false }
        channel.closeFuture.whenComplete { _ in addresses.remove(key) }
        return true
    }

    func handle(value: Connection, logger: Logger) async {
        do {
            let connection = try await withTaskCancellationHandler {
                try await value.outcome.get()
            } onCancel: {
                value.channel.close(promise: nil)
            }
            guard let connection else { return }
            await self.handleHTTP(asyncChannel: connection, logger: logger)
        } catch {
            logger.debug("Connection ended before its first request", metadata: ["error": "\(error)"])
        }
    }
}
