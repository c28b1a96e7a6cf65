import Channels
import NIOCore
import Synchronization

/// Publishes market events to the encrypted variants of their channels too, while somebody is subscribed to these.
///
/// Sealing an event costs far more than sending it on, so nothing is sealed for nobody. Who comes first gets the newest
/// tick as `snapshot`.
final class EncryptedRelay: EventPublisher {
    private struct Target: Sendable {
        let app: String
        let encryption: ChannelEncryption
    }

    private struct State {
        /// The occupied encrypted channels of each target.
        var occupied: [Set<String>]
        /// The newest tick of each plain channel.
        var newest: [String: [UInt8]] = [:]
    }

    /// Channels whose newest tick is kept.
    private static let newestMax = 100_000

    private let base: any EventPublisher
    private let targets: [Target]
    /// One loop, so that what the hub says in order is done in order.
    private let eventLoop: any EventLoop
    private let publishTo: @Sendable ([Channels.ChannelEvent], String) -> Void
    private let state: Mutex<State>

    /// A relay.
    ///
    /// - Parameters:
    ///   - base: Gets every event as it is.
    ///   - apps: Those with a master key get encrypted ones.
    ///   - eventLoopGroup: Where snapshots are sealed.
    ///   - publishTo: Publishes to the app with this id only.
    init(
        base: any EventPublisher, apps: [AppSettings], eventLoopGroup: any EventLoopGroup,
        publishTo: @escaping @Sendable ([Channels.ChannelEvent], String) -> Void
    ) {
        self.base = base
        self.targets = apps.compactMap { app in app.encryption.map { Target(app: app.app.id, encryption: $0) } }
        self.eventLoop = eventLoopGroup.next()
        self.publishTo = publishTo
        self.state = Mutex(State(occupied: self.targets.map { _ in [] }))
    }

    func publish(_ events: [Channels.ChannelEvent]) {
        self.base.publish(events)
        guard !self.targets.isEmpty else { return }
        let market = events.filter { EncryptedChannels.isMarket($0.channel) }
        guard !market.isEmpty else { return }
        // Under the lock to its end, so that a snapshot cannot come after a newer tick.
        self.state.withLock { state in
            for event in market where event.name == "tick" {
                guard state.newest.count < Self.newestMax || state.newest[event.channel] != nil else { continue }
                state.newest[event.channel] = event.data
            }
            for (index, target) in self.targets.enumerated() where !state.occupied[index].isEmpty {
                let sealed: [Channels.ChannelEvent] = market.compactMap { event in
                    let channel = EncryptedChannels.prefix + event.channel
                    guard state.occupied[index].contains(channel) else { return nil }
                    return Self.sealed(event, channel, target)
                }
                self.publishTo(sealed, target.app)
            }
        }
    }

    /// Takes what happened on the channels of the app with this id; from any thread, never blocks.
    func take(_ activity: ChannelActivity, app: String) {
        guard let index = self.targets.firstIndex(where: { $0.app == app }) else { return }
        switch activity {
        case .occupied(let channel):
            guard let plain = EncryptedChannels.plain(channel) else { return }
            // Not from within the hub, which is about to confirm the subscription.
            self.eventLoop.execute { self.begin(channel, plain, index) }
        case .vacated(let channel):
            guard EncryptedChannels.plain(channel) != nil else { return }
            self.eventLoop.execute { self.state.withLock { _ = $0.occupied[index].remove(channel) } }
        case .memberAdded, .memberRemoved, .clientEvent, .cacheMiss, .subscriptionCount: break
        }
    }

    private func begin(_ channel: String, _ plain: String, _ index: Int) {
        let target = self.targets[index]
        self.state.withLock { state in
            state.occupied[index].insert(channel)
            guard let data = state.newest[plain] else { return }
            let snapshot = Channels.ChannelEvent(
                channel: plain, name: "snapshot", data: data, retention: .deliverAndKeepAsSnapshot)
            self.publishTo([Self.sealed(snapshot, channel, target)], target.app)
        }
    }

    private static func sealed(
        _ event: Channels.ChannelEvent, _ channel: String, _ target: Target
    ) -> Channels.ChannelEvent {
        var event = event
        event.channel = channel
        event.data = target.encryption.sealed(event.data, for: channel)
        return event
    }
}
