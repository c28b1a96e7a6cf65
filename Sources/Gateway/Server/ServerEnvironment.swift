import Channels
import Logging

/// What every connection of one server shares.
struct ServerEnvironment: Sendable {
    let hub: Hub
    let options: GatewayOptions
    let hooks: GatewayHooks
    let logger: Logger
}
