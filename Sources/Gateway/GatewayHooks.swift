public import Channels
public import Hummingbird
public import NIOCore

/// Where the rest of the program joins in.
public struct GatewayHooks: Sendable {
    /// Says why a channel cannot be joined, or `nil` when it can.
    ///
    /// Called on event loops: must not block.
    public var validateChannel: @Sendable (ChannelName) -> String?
    /// Told what happens on the channels of the app with this id, on whichever node.
    ///
    /// Called on event loops: must not block. `nil`: nobody wants to know, and nothing is noted for it.
    public var channelActivity: (@Sendable (String, ChannelActivity) -> Void)?
    /// Told the same, but for each thing on one node of several only: what apps' servers are to be told.
    ///
    /// Needs ``channelActivity``, too.
    public var ownActivity: @Sendable (String, ChannelActivity) -> Void = { _, _ in }
    /// Says why the program cannot serve yet, or `nil` when it can: the answer of `/readyz`.
    public var notReadyReason: @Sendable () async -> String?
    /// What `/readyz` says when the program can serve.
    public var readyText: @Sendable () -> String = { "ready" }
    /// Further lines for `/metrics` in Prometheus' text format.
    public var metrics: @Sendable () async -> String
    /// Adds routes.
    public var routes: @Sendable (Router<BasicRequestContext>) -> Void
    /// Told the bound address once connections are accepted.
    public var onListening: @Sendable (SocketAddress) -> Void

    /// Hooks that do nothing unless given.
    public init(
        validateChannel: @escaping @Sendable (ChannelName) -> String? = { _ in nil },
        channelActivity: (@Sendable (String, ChannelActivity) -> Void)? = nil,
        notReadyReason: @escaping @Sendable () async -> String? = { nil },
        metrics: @escaping @Sendable () async -> String = { "" },
        routes: @escaping @Sendable (Router<BasicRequestContext>) -> Void = { _ in },
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) {
        self.validateChannel = validateChannel
        self.channelActivity = channelActivity
        self.notReadyReason = notReadyReason
        self.metrics = metrics
        self.routes = routes
        self.onListening = onListening
    }
}
