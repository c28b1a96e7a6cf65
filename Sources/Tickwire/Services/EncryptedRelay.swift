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
        /// What is to be sealed, the oldest first.
        var pending: [Job] = []
        /// Whether somebody is on the way to seal it.
        var isScheduled = false
    }

    /// One event for one target, not yet sealed.
    private struct Job: Sendable {
        let event: Channels.ChannelEvent
        /// The encrypted channel.
        let channel: String
        /// The number of the target.
        let target: Int
    }

    /// Channels whose newest tick is kept.
    private static let newestMax = 100_000
    /// Events that wait to be sealed; when there are more, the older half is dropped.
    private static let pendingMax = 65_536

    private let base: any EventPublisher
    private let targets: [Target]
    /// One loop, so that what the hub says in order is done in order, and sealed events go out as they came in.
    private let eventLoop: any EventLoop
    private let publishTo: @Sendable ([Channels.ChannelEvent], String) -> Void
    private let state: Mutex<State>

    /// A relay.
    ///
    /// - Parameters:
    ///   - base: Gets every event as it is.
    ///   - apps: Those with a master key get encrypted ones.
    ///   - eventLoopGroup: Where events are sealed, on one of its loops.
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
        // Queued under the same lock as snapshots, so that none of these comes after a newer tick.
        let mustSchedule = self.state.withLock { state -> Bool in
            for event in market where event.name == "tick" {
                guard state.newest.count < Self.newestMax || state.newest[event.channel] != nil else { continue }
                state.newest[event.channel] = event.data
            }
            for index in self.targets.indices where !state.occupied[index].isEmpty {
                for event in market {
                    let channel = EncryptedChannels.prefix + event.channel
                    guard state.occupied[index].contains(channel) else { continue }
                    Self.append(Job(event: event, channel: channel, target: index), to: &state)
                }
            }
            guard !state.pending.isEmpty, !state.isScheduled else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { self.eventLoop.execute { self.sealPending() } }
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
            self.eventLoop.execute { self.end(channel, index) }
        case .memberAdded, .memberRemoved, .clientEvent, .cacheMiss, .subscriptionCount: break
        }
    }

    /// On the loop.
    private func begin(_ channel: String, _ plain: String, _ index: Int) {
        self.state.withLock { state in
            state.occupied[index].insert(channel)
            guard let data = state.newest[plain] else { return }
            let snapshot = Channels.ChannelEvent(
                channel: plain, name: "snapshot", data: data, retention: .deliverAndKeepAsSnapshot)
            Self.append(Job(event: snapshot, channel: channel, target: index), to: &state)
        }
        self.sealPending()
    }

    /// Nobody is left: what the channel keeps for the next one would grow old, since nothing is sealed meanwhile; on the loop.
    ///
    /// What waits to be sealed goes too, or it would be kept again.
    private func end(_ channel: String, _ index: Int) {
        self.state.withLock { state in
            state.occupied[index].remove(channel)
            state.pending.removeAll { $0.target == index && $0.channel == channel }
        }
        let nothing = Channels.ChannelEvent(channel: channel, name: "snapshot", data: [], retention: .keepOnly)
        self.publishTo([nothing], self.targets[index].app)
    }

    /// Seals and publishes what waits, in order; on the loop, without the lock.
    private func sealPending() {
        let jobs = self.state.withLock { state -> [Job] in
            let jobs = state.pending
            state.pending = []
            state.isScheduled = false
            return jobs
        }
        var batch: [Channels.ChannelEvent] = []
        for (position, job) in jobs.enumerated() {
            batch.append(self.targets[job.target].encryption.sealed(job.event, for: job.channel))
            let isLast = position + 1 == jobs.count || jobs[position + 1].target != job.target
            guard isLast else { continue }
            self.publishTo(batch, self.targets[job.target].app)
            batch = []
        }
    }

    private static func append(_ job: Job, to state: inout State) {
        if state.pending.count >= Self.pendingMax { state.pending.removeFirst(Self.pendingMax / 2) }
        state.pending.append(job)
    }
}
