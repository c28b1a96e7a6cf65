import Channels
import Logging

/// What every connection of one server shares.
struct ServerEnvironment: Sendable {
    let hub: Hub
    let options: GatewayOptions
    let hooks: GatewayHooks
    let logger: Logger
    /// Counts connections by address when that is limited.
    let addresses: AddressCounter?
    /// For new connections; `nil` without TLS.
    var tls: TLSContexts?
    /// The clients without a WebSocket.
    let fallback = FallbackSessions()

    init(hub: Hub, options: GatewayOptions, hooks: GatewayHooks, logger: Logger) {
        self.hub = hub
        self.options = options
        self.hooks = hooks
        self.logger = logger
        self.addresses = options.connectionsPerAddressMax.map { AddressCounter(connectionsMax: $0) }
    }
}
