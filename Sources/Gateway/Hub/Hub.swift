import Backplane
public import Channels
import Atomics
public import NIOCore

/// Takes events to the WebSocket subscribers of this process.
///
/// Every event loop has a shard with its own connections, channels and snapshots; an event is encoded once and handed to
/// the shards in batches. What one caller publishes arrives in that order on every connection.
public final class Hub: EventPublisher, Sendable {
    /// Bounds of what the hub keeps.
    public struct Options: Sendable {
        /// Bytes waiting for a connection beyond which its ticks collapse to the newest of each channel.
        ///
        /// Default 256 KiB.
        public var pendingBytesSoftLimit: Int
        /// Bytes waiting for a connection beyond which it is closed with 4100.
        ///
        /// Default 4 MiB.
        public var pendingBytesHardLimit: Int
        /// Channels that may have a retained event, for each event loop and all apps together.
        ///
        /// Default 100 000.
        public var snapshotsMax: Int
        /// Bytes of one event loop's tick after which it sends without waiting for the tick's end.
        ///
        /// Default 4 MiB.
        public var arenaBytesMax: Int
        /// How long a cache channel keeps its last event.
        ///
        /// Default 30 min, as hosted. Channels that keep one are counted against ``snapshotsMax``.
        public var cacheLifetime: TimeAmount
        /// Users on one presence channel; who comes beyond is refused.
        ///
        /// Default 100, as hosted.
        public var presenceUsersMax: Int
        /// Bytes a second that are sent to one connection, beyond which its ticks collapse to the newest of each channel.
        ///
        /// At least 256. Default `nil`: no limit. A client may ask for less.
        public var connectionBytesPerSecondMax: Int?
        /// Ticks of one ticker channel that are kept for clients that missed some; 0 keeps none.
        ///
        /// Default 1000.
        public var recentTicksMax: Int
        /// How long such ticks are kept.
        ///
        /// Default 60 s.
        public var recentTicksAge: Duration
        /// Bytes of such ticks over all channels.
        ///
        /// Default 64 MiB.
        public var recentTicksBytesMax: Int

        /// Bounds with their defaults.
        public init(
            pendingBytesSoftLimit: Int = 256 * 1024,
            pendingBytesHardLimit: Int = 4 * 1024 * 1024,
            snapshotsMax: Int = 100_000,
            arenaBytesMax: Int = 4 * 1024 * 1024,
            cacheLifetime: TimeAmount = .minutes(30),
            presenceUsersMax: Int = 100,
            connectionBytesPerSecondMax: Int? = nil,
            recentTicksMax: Int = 1000,
            recentTicksAge: Duration = .seconds(60),
            recentTicksBytesMax: Int = 64 * 1024 * 1024
        ) {
            self.pendingBytesSoftLimit = pendingBytesSoftLimit
            self.pendingBytesHardLimit = pendingBytesHardLimit
            self.snapshotsMax = snapshotsMax
            self.arenaBytesMax = arenaBytesMax
            self.cacheLifetime = cacheLifetime
            self.presenceUsersMax = presenceUsersMax
            self.connectionBytesPerSecondMax = connectionBytesPerSecondMax
            self.recentTicksMax = recentTicksMax
            self.recentTicksAge = recentTicksAge
            self.recentTicksBytesMax = recentTicksBytesMax
        }
    }

    /// The applications whose clients may connect.
    public let apps: [App]
    /// The loops whose connections the hub serves.
    public let eventLoopGroup: any EventLoopGroup
    let shards: [HubShard]
    let directory: Directory
    let clock: @Sendable () -> NIODeadline
    /// How many connections each app has.
    private let appConnections: [ManagedAtomic<Int>]
    let recentTicks: RecentTicks
    /// The other nodes; `nil` without any.
    let cluster: Cluster?

    /// A hub for `apps` on all loops of `eventLoopGroup`.
    ///
    /// - Parameters:
    ///   - apps: The applications whose clients may connect.
    ///   - eventLoopGroup: The loops.
    ///   - options: Bounds of what is kept.
    ///   - backplane: How other nodes are reached; `nil`: there are none.
    public convenience init(
        apps: [App], eventLoopGroup: any EventLoopGroup, options: Options = Options(), backplane: Backplane? = nil
    ) {
        self.init(apps: apps, eventLoopGroup: eventLoopGroup, options: options, backplane: backplane, clock: { .now() })
    }

    /// A hub whose time is `clock`'s.
    init(
        apps: [App],
        eventLoopGroup: any EventLoopGroup,
        options: Options = Options(),
        backplane: Backplane? = nil,
        clock: @escaping @Sendable () -> NIODeadline
    ) {
        self.apps = apps
        self.eventLoopGroup = eventLoopGroup
        self.recentTicks = RecentTicks(
            ticksMax: options.recentTicksMax, age: TimeAmount(options.recentTicksAge),
            bytesMax: options.recentTicksBytesMax)
        self.clock = clock
        self.appConnections = apps.map { _ in ManagedAtomic(0) }
        let loops = Array(eventLoopGroup.makeIterator())
        var directoryOptions = DirectoryOptions()
        directoryOptions.presenceUsersMax = options.presenceUsersMax
        for (number, app) in apps.enumerated() where app.options.hasSubscriptionCounts {
            directoryOptions.appsWithCounts.insert(Int32(number))
        }
        let ids = apps.map(\.id)
        let directory = Directory(
            loopCount: loops.count, options: directoryOptions,
            ledger: backplane.map { NodeLedger(node: $0.bus.node, appIDs: ids) })
        self.directory = directory
        let cluster = backplane.map { backplane in
            Cluster(
                bus: backplane.bus, loop: loops[0], appIDs: ids, directory: directory, isFeeding: backplane.isFeeding,
                times: backplane.times, limits: backplane.limits, logger: backplane.logger, clock: clock)
        }
        self.cluster = cluster
        self.shards = loops.enumerated().map { index, loop in
            HubShard(
                eventLoop: loop, index: index, directory: directory, appCount: apps.count, options: options,
                cluster: cluster, clock: clock
            )
        }
        for shard in self.shards { shard.setSiblings(self.shards) }
        cluster?.attach(self, self.shards)
    }

    /// Publishes to the subscribers of every app; never blocks, any thread.
    public func publish(_ events: [Channels.ChannelEvent]) {
        self.publish(events, appNumber: nil)
    }

    /// Publishes to the subscribers of the app with this id; an unknown id has none.
    public func publish(_ events: [Channels.ChannelEvent], app id: String) {
        guard let number = self.apps.firstIndex(where: { $0.id == id }) else { return }
        self.publish(events, appNumber: Int32(number))
    }

    /// What the hub has done so far, summed over its loops.
    public var statistics: HubStatistics {
        var statistics = HubStatistics()
        for shard in self.shards { shard.counters.add(to: &statistics) }
        return statistics
    }

    /// The number of connections that are open now.
    var connectionCount: Int {
        self.shards.reduce(0) { $0 + $1.counters.connections.load(ordering: .relaxed) }
    }

    /// The shard of a loop; `nil` when the loop is none of the hub's.
    func shard(of eventLoop: any EventLoop) -> HubShard? {
        self.shards.first { $0.eventLoop === eventLoop }
    }

    /// Delivers a batch of other nodes; on every loop at once, so that it keeps its place among what they answer.
    func deliverRemote(_ batch: EventBatch) {
        self.recentTicks.record(batch)
        self.shards.first?.counters.eventsPublished.wrappingIncrement(by: batch.entries.count, ordering: .relaxed)
        for shard in self.shards {
            if shard.eventLoop.inEventLoop {
                shard.deliver(batch)
            } else {
                shard.eventLoop.execute { shard.deliver(batch) }
            }
        }
    }

    /// Publishes an encoded batch, on this node and the others.
    func publish(_ batch: EventBatch) {
        self.cluster?.publish(batch)
        self.recentTicks.record(batch)
        if let shard = self.shards.first(where: { $0.eventLoop.inEventLoop }) { return shard.publish(batch) }
        self.shards.first?.counters.eventsPublished.wrappingIncrement(by: batch.entries.count, ordering: .relaxed)
        for shard in self.shards {
            shard.eventLoop.execute { shard.deliver(batch) }
        }
    }

    /// How many subscribers the app's channels have over all loops and nodes; `matching` chooses the channels.
    func subscriberCounts(
        app: Int32,
        on eventLoop: any EventLoop,
        matching: @escaping @Sendable (String) -> Bool
    ) -> EventLoopFuture<[String: Int]> {
        if self.cluster != nil {
            let counts = self.directory.read { state in
                var counts: [String: Int] = [:]
                for (key, channel) in state.channels where key.app == app && matching(key.name) {
                    counts[key.name] = channel.count
                }
                return counts
            }
            return eventLoop.makeSucceededFuture(counts)
        }
        let parts = self.shards.map { shard in
            shard.eventLoop.submit {
                var counts: [String: Int] = [:]
                for (key, number) in shard.channels.index
                where key.app == app && key.name.utf8.first != UInt8(ascii: "#") && matching(key.name) {
                    let count = shard.channels.channels[Int(number)].members.count
                    if count > 0 { counts[key.name] = count }
                }
                return counts
            }
        }
        return EventLoopFuture.reduce([:], parts, on: eventLoop) { total, part in
            total.merging(part, uniquingKeysWith: +)
        }
    }

    /// Takes one of the app's connections.
    ///
    /// - Returns: `false` when it has as many as it may; none is taken then.
    func reserveConnection(app: Int32) -> Bool {
        let count = self.appConnections[Int(app)]
        guard let most = self.apps[Int(app)].options.connectionsMax else {
            count.wrappingIncrement(ordering: .relaxed)
            return true
        }
        guard count.loadThenWrappingIncrement(ordering: .relaxed) < most else {
            count.wrappingDecrement(ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives one of the app's connections back.
    func releaseConnection(app: Int32) {
        self.appConnections[Int(app)].wrappingDecrement(ordering: .relaxed)
    }

    /// Has observers told what happens on channels, in order, on the first event loop; the app by its id.
    ///
    /// - Parameters:
    ///   - all: Hears of everything, on whichever node it happens.
    ///   - ours: Hears of what this node of several is to tell: each thing is told by one.
    func setObserver(
        all: @escaping @Sendable (String, ChannelActivity) -> Void,
        ours: @escaping @Sendable (String, ChannelActivity) -> Void = { _, _ in }
    ) {
        let ids = self.apps.map(\.id)
        self.directory.setObserver(
            Directory.Observer(all: { all(ids[Int($0)], $1) }, ours: { ours(ids[Int($0)], $1) }))
    }

    /// Closes every connection that is signed in as a user of the app, on this node and the others.
    func terminateConnections(of id: String, app: Int32) {
        let outcome = self.directory.perform(on: nil) { $0.terminate(UserKey(app: app, id: id)) }
        for loop in outcome.wakes {
            let shard = self.shards[loop]
            shard.eventLoop.execute { shard.readInbox() }
        }
        if outcome.mustFlush { self.cluster?.scheduleFlush() }
    }

    /// How many subscribers and users the channels named have over all loops; those without any are missing.
    func counts(
        app: Int32,
        channels: some Sequence<String>
    ) -> (subscribers: [String: Int], users: [String: Int]) {
        let names = Array(channels)
        return self.directory.read { state in
            var subscribers: [String: Int] = [:]
            var users: [String: Int] = [:]
            for name in names {
                guard let channel = state.channels[ChannelKey(app: app, name: name)] else { continue }
                subscribers[name] = channel.count
                users[name] = channel.members?.count
            }
            return (subscribers, users)
        }
    }

    /// The ids of the users on a presence channel, whoever came first first.
    func userIDs(app: Int32, channel: String) -> [String] {
        self.directory.read { $0.channels[ChannelKey(app: app, name: channel)]?.members }?.ids ?? []
    }

    /// What a cache channel holds: the escaped data and how long it will be kept; the newest of what any loop or node has.
    func cachedEvent(
        app: Int32,
        channel: String,
        on eventLoop: any EventLoop
    ) -> EventLoopFuture<(data: [UInt8], remaining: TimeAmount)?> {
        let key = ChannelKey(app: app, name: channel)
        let parts = self.shards.map { shard in shard.eventLoop.submit { shard.cachedEvent(key) } }
        let newest: EventLoopFuture<(data: [UInt8], time: NIODeadline)?> = EventLoopFuture.reduce(
            nil, parts, on: eventLoop
        ) { newest, part in
            guard let part else { return newest }
            return newest.map { $0.time > part.time } == true ? newest : part
        }
        let clock = self.clock
        let lifetime = self.shards.first?.options.cacheLifetime ?? .zero
        let other = self.cluster?.lookUp(key).hop(to: eventLoop) ?? eventLoop.makeSucceededFuture(nil)
        return newest.and(other).map { own, other in
            let (now, wall) = (clock(), WallTime.microseconds())
            let remote = other.map { (data: $0.escapedData, time: Cluster.deadline($0.time, now: now, wall: wall)) }
            let best = [own, remote].compactMap { $0 }.max { $0.time < $1.time }
            guard let best, now < best.time + lifetime else { return nil }
            return (best.data, best.time + lifetime - now)
        }
    }

    /// What is known of one connection; `nil` when it is none of the app's.
    func connection(
        _ id: SocketID, app: Int32, on eventLoop: any EventLoop
    ) -> EventLoopFuture<ConnectionReport?> {
        let parts = self.shards.map { shard in shard.eventLoop.submit { shard.report(of: id, app: app) } }
        return EventLoopFuture.reduce(nil, parts, on: eventLoop) { $0 ?? $1 }
    }

    /// How many connections the app has, and the slowest of them.
    func slowestConnections(
        _ count: Int, app: Int32, on eventLoop: any EventLoop
    ) -> EventLoopFuture<(Int, [ConnectionReport])> {
        let parts = self.shards.map { shard in shard.eventLoop.submit { shard.slowest(count, app: app) } }
        return EventLoopFuture.reduce((0, []), parts, on: eventLoop) { total, part in
            let slowest = (total.1 + part.slowest).sorted(by: HubShard.isSlower)
            return (total.0 + part.connections, Array(slowest.prefix(count)))
        }
    }

    private func publish(_ events: [Channels.ChannelEvent], appNumber: Int32?) {
        guard !events.isEmpty else { return }
        var builder = EventBatch.Builder(
            count: events.count, dataBytes: events.reduce(0) { $0 + $1.data.count }, clock: self.clock)
        for event in events { builder.append(event, app: appNumber) }
        self.publish(builder.finish())
    }
}

extension Hub {
    /// Asks every client to close.
    func closeAll(_ code: CloseCode) {
        for shard in self.shards {
            shard.eventLoop.execute { shard.closeAll(code) }
        }
    }

    /// Returns when no connection is open any more, and `grace` after being cancelled at the latest.
    func waitUntilEmpty(grace: TimeAmount = .seconds(2)) async {
        await withTaskCancellationHandler {
            for shard in self.shards {
                // Fails only when the loop has ended, and its connections with it.
                try? await shard.eventLoop.flatSubmit { shard.whenEmpty() }.get()
            }
        } onCancel: {
            for shard in self.shards {
                shard.eventLoop.scheduleTask(in: grace) { shard.stopWaiting() }
            }
        }
    }
}
