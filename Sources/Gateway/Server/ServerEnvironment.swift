import Channels
import Logging

/// What every connection of one server shares; an object, because each connection would have a copy of the value.
final class ServerEnvironment: Sendable {
    let hub: Hub
    let options: GatewayOptions
    let hooks: GatewayHooks
    let logger: Logger
    /// Counts connections by address when that is limited.
    ///
    /// A WebSocket or an event stream is its connection and counts once, here.
    let addresses: AddressCounter?
    /// Counts sessions of the HTTP fallback by the address of their first request, up to the same limit.
    ///
    /// Apart from ``addresses``: a session outlives its connections, which count there while they are open, and one sum of
    /// both would halve the limit.
    let sessionAddresses: AddressCounter?
    /// For new connections; `nil` without TLS.
    let tls: TLSContexts?
    /// The clients without a WebSocket.
    let fallback = FallbackSessions()

    init(hub: Hub, options: GatewayOptions, hooks: GatewayHooks, logger: Logger, tls: TLSContexts? = nil) {
        self.hub = hub
        self.options = options
        self.hooks = hooks
        self.logger = logger
        self.tls = tls
        self.addresses = options.connectionsPerAddressMax.map { AddressCounter(connectionsMax: $0) }
        self.sessionAddresses = options.connectionsPerAddressMax.map { AddressCounter(connectionsMax: $0) }
    }
}
