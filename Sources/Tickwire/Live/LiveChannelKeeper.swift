import Delivery
import Logging
import Market
import Notifications
import Store

/// Has the broadcast channels made that are asked for, and lets the oldest go when Apple allows no more.
actor LiveChannelKeeper {
    /// Channels that give way at once.
    private static let givenUpMax = 10

    private let store: LiveStore
    private let sender: LivePriceSender
    private let settings: LivePriceSettings
    private let topic: String
    private let environment: APNsEnvironment
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// Environments whose channels have been compared with Apple's.
    private var compared: Set<APNsEnvironment> = []

    init(
        store: LiveStore, sender: LivePriceSender, settings: LivePriceSettings, topic: String,
        environment: APNsEnvironment, now: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.store = store
        self.sender = sender
        self.settings = settings
        self.topic = topic
        self.environment = environment
        self.now = now
        self.logger = logger
    }

    /// The channels that are sent to, after those that lack were made.
    ///
    /// - Returns: All that there are, and whether something that was asked for could not be made.
    /// - Throws: `PostgresError`.
    func channels(wanted: [LiveActivity]) async throws -> (made: [LiveChannel], isComplete: Bool) {
        var channels = try await self.wantedChannels(wanted)
        var isComplete = await self.compare(channels)
        if !isComplete { self.logger.debug("Broadcast channels not compared with those at APNs") }
        channels = try await self.store.channels(topic: self.topic)
        for channel in channels where channel.id == nil && self.isUsed(channel) {
            do {
                if try await self.store.make(channel, { try await self.create(channel) }) != nil {
                    self.logger.info(
                        "Broadcast channel made",
                        metadata: [
                            "symbol": "\(channel.symbol)", "push.environment": "\(channel.environment.rawValue)",
                        ])
                }
            } catch let error where !Task.isCancelled {
                isComplete = false
                self.logger.warning(
                    "Broadcast channel not made", metadata: ["symbol": "\(channel.symbol)", "error": "\(error)"])
                // What hinders one hinders all: those that are there do not wait for it.
                break
            }
        }
        channels = try await self.store.channels(topic: self.topic)
        return (channels.filter { self.isUsed($0) }, isComplete)
    }

    /// Asks for what the settings list, and for what activities that begin by push will listen to.
    private func wantedChannels(_ wanted: [LiveActivity]) async throws -> [LiveChannel] {
        let channels = try await self.store.channels(topic: self.topic)
        var keys = Set(channels.map { $0.key })
        var missing: [LiveChannel.Key] = []
        if case .listed(let symbols)? = self.settings.symbols {
            missing += symbols.sorted().map { LiveChannel.Key(symbol: $0, environment: self.environment) }
        }
        missing += wanted.filter { $0.device.topic == self.topic }
            .map { LiveChannel.Key(symbol: $0.symbol, environment: $0.device.environment) }
        for key in missing where keys.insert(key).inserted {
            _ = try await self.store.want(key.symbol, topic: self.topic, environment: key.environment)
        }
        return channels
    }

    private func isUsed(_ channel: LiveChannel) -> Bool {
        guard self.settings.symbols?.contains(channel.symbol) == true else { return false }
        if case .listed? = self.settings.symbols { return true }
        return self.now().nanoseconds - channel.wantedAt.nanoseconds < LivePriceState.unusedNanoseconds
    }

    private func create(_ channel: LiveChannel) async throws -> String {
        do {
            return try await self.sender.createChannel(topic: channel.topic, environment: channel.environment)
        } catch LiveChannelError.quotaReached {
            guard try await self.makeRoom(channel.environment) > 0 else { throw LiveChannelError.quotaReached }
            return try await self.sender.createChannel(topic: channel.topic, environment: channel.environment)
        }
    }

    /// Lets the channels go that nobody has asked for in longest, half a day at least.
    private func makeRoom(_ environment: APNsEnvironment) async throws -> Int {
        let unused = try await self.store.channels(topic: self.topic)
            .filter { $0.environment == environment && $0.id != nil && !self.isNeeded($0) }
            .sorted { $0.wantedAt < $1.wantedAt }
        var count = 0
        for channel in unused.prefix(Self.givenUpMax) {
            // Out of the table first: who asks meanwhile is not given one that is about to go.
            guard let id = channel.id, try await self.store.give(up: channel) else { continue }
            try await self.sender.deleteChannel(id, topic: channel.topic, environment: environment)
            count += 1
            self.logger.info("Unused broadcast channel deleted", metadata: ["symbol": "\(channel.symbol)"])
        }
        return count
    }

    private func isNeeded(_ channel: LiveChannel) -> Bool {
        if case .listed(let symbols)? = self.settings.symbols, symbols.contains(channel.symbol) { return true }
        return self.now().nanoseconds - channel.wantedAt.nanoseconds < LivePriceState.unusedNanoseconds
    }

    /// Forgets what Apple does not know; what only Apple knows may be another installation's and stays.
    ///
    /// Once for each environment.
    private func compare(_ channels: [LiveChannel]) async -> Bool {
        var isComplete = true
        for environment in Set(channels.filter { $0.id != nil }.map(\.environment)).subtracting(self.compared) {
            let known = channels.filter { $0.environment == environment && $0.id != nil }
            do {
                let listed = try await self.sender.listChannels(topic: self.topic, environment: environment)
                for channel in known {
                    if let id = channel.id, !listed.contains(id) { try await self.store.forget(channel) }
                }
                self.compared.insert(environment)
                let others = listed.subtracting(known.compactMap(\.id)).count
                self.logger.info(
                    "Broadcast channels compared with those at APNs",
                    metadata: ["count": "\(known.count)", "others": "\(others)"])
            } catch let error where !Task.isCancelled {
                isComplete = false
                self.logger.warning("Broadcast channels not listed", metadata: ["error": "\(error)"])
            } catch {
                return false
            }
        }
        return isComplete
    }
}
