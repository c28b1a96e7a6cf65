import Atomics
import Backplane
import Channels
import NIOCore

/// Why a channel's last value is asked for.
enum Awaited {
    /// Somebody joined: it has been told nothing yet.
    case joining
    /// Events may have been missed: those who are there know an older value.
    case refreshing
}

/// What an event loop does about channels that other nodes have events for.
extension HubShard {
    // MARK: Subscribers

    /// Somebody joined: when nobody was there, events begin to come from other nodes.
    func beginInterest(_ number: Int32, app: Int32, _ channel: ChannelName) {
        guard let cluster = self.cluster, self.channels.channels[Int(number)].members.count == 1 else { return }
        let interest = InterestTable.Interest(app: app, name: channel.text)
        guard cluster.begin(interest) else { return }
        switch interest {
        case .channel(let key):
            // What this node's own feeds have said is the last word.
            if !self.isOwnWord(key) { self.awaited[key] = self.awaited[key] ?? .joining }
        case .tickers(let app): self.awaitedTickers[app] = self.awaitedTickers[app] ?? .joining
        }
    }

    /// Somebody left: when nobody is there any more, events need not come much longer.
    func endInterest(_ number: Int32, _ key: ChannelKey) {
        guard let cluster = self.cluster, self.channels.channels[Int(number)].members.isEmpty else { return }
        cluster.end(InterestTable.Interest(app: key.app, name: key.name))
    }

    /// Whether what a newcomer gets first comes later.
    func isAwaited(app: Int32, _ name: String) -> Bool {
        if self.awaited.isEmpty, self.awaitedTickers.isEmpty { return false }
        switch InterestTable.Interest(app: app, name: name) {
        case .channel(let key): return self.awaited[key] == .joining
        case .tickers(let app): return self.awaitedTickers[app] == .joining
        }
    }

    private func isOwnWord(_ key: ChannelKey) -> Bool {
        guard let number = self.channels.find(key), !ChannelName.Kind(of: key.name).isCache else { return false }
        let channel = self.channels.channels[Int(number)]
        return channel.holdsEvent && !channel.isRemote
    }

    // MARK: Values

    /// Events may have been missed: the last values that are asked for now are told to everybody.
    func expectRefresh(_ interests: [InterestTable.Interest]) {
        for interest in interests {
            switch interest {
            case .channel(let key):
                if self.awaited[key] == nil, !self.isOwnWord(key) { self.awaited[key] = .refreshing }
            case .tickers(let app): if self.awaitedTickers[app] == nil { self.awaitedTickers[app] = .refreshing }
            }
        }
    }

    /// Delivers an event that came before the last value did: nothing older may follow it.
    ///
    /// - Returns: Whether it is done: to those who wait for a snapshot, a tick is one.
    func deliverAwaited(_ entry: EventBatch.Entry, _ bytes: UnsafeRawBufferPointer, _ key: ChannelKey) -> Bool {
        guard entry.retention == .deliverAndKeepAsSnapshot, self.awaited.removeValue(forKey: key) != nil else {
            return false
        }
        guard entry.conflation == .tick else { return false }
        self.deliverSnapshot(Array(bytes[entry.data]), key, isRemote: entry.isRemote)
        return true
    }

    /// Takes in what another node holds, `nil` when none holds anything, and tells those who wait.
    func settle(_ key: ChannelKey, _ value: NodeMessage.Value?) {
        let awaited = self.awaited.removeValue(forKey: key)
        if ChannelName.Kind(of: key.name).isCache {
            self.settleCache(key, value, awaited)
        } else {
            self.settleMarket(key, value, awaited)
        }
        if !self.listed.isEmpty { self.scheduleDrain() }
    }

    /// Takes in the primary tickers of an app, and tells those who wait on its `market` channels.
    func settleTickers(_ app: Int32, _ values: [NodeMessage.Value]) {
        let awaited = self.awaitedTickers.removeValue(forKey: app)
        for value in values {
            let key = ChannelKey(app: app, name: value.channel)
            guard self.isNewer(value, than: key) else { continue }
            if awaited == .joining {
                self.keep(value, key)
            } else {
                self.deliverSnapshot(value.escapedData, key, isRemote: true)
            }
        }
        if awaited == .joining { self.sendMarketSnapshots(app) }
        if !self.listed.isEmpty { self.scheduleDrain() }
    }

    private func settleCache(_ key: ChannelKey, _ value: NodeMessage.Value?, _ awaited: Awaited?) {
        let (now, wall) = (self.clock(), WallTime.microseconds())
        if let value {
            let time = Cluster.deadline(value.time, now: now, wall: wall)
            let own = self.channels.find(key).flatMap { self.channels.cached($0) }
            let other = CachedEvent(name: value.name, time: time, wall: value.time, isRemote: true)
            if now < time + self.options.cacheLifetime, own.map({ $0.isOlder(than: other) }) ?? true {
                var entry = EventMessage.Entry(name: value.name, escapedData: value.escapedData[...])
                entry.isKept = true
                entry.time = value.time
                var builder = EventBatch.Builder(count: 1, dataBytes: value.escapedData.count, clock: self.clock)
                builder.append(entry, channel: key.name, app: key.app, time: time)
                // To those who wait, it is what the channel holds; to those who have missed it, an event.
                return self.deliver(builder.finish())
            }
        }
        guard awaited == .joining, let number = self.channels.find(key) else { return }
        guard let channel = try? ChannelName(key.name) else { return }  // It was one when it was joined.
        for slot in self.channels.channels[Int(number)].members {
            self.replayCache(slot, app: key.app, channel: channel, number: number)
        }
    }

    private func settleMarket(_ key: ChannelKey, _ value: NodeMessage.Value?, _ awaited: Awaited?) {
        if let value {
            if awaited != nil {
                // Whoever was told that a price is stale is told that it is not.
                if self.isNewer(value, than: key, orSame: true) {
                    return self.deliverSnapshot(value.escapedData, key, name: value.name, isRemote: true)
                }
            } else if self.isNewer(value, than: key) {
                return self.keep(value, key)
            }
        }
        guard awaited == .joining, let number = self.channels.find(key) else { return }
        let kept = self.channels.channels[Int(number)]
        guard !kept.snapshot.isEmpty else { return }
        if kept.isRemote, value == nil {
            // Nobody stands for it any more.
            self.channels.forget(number)
        } else {
            self.deliverSnapshot(kept.snapshot, key, isRemote: kept.isRemote)
        }
    }

    private func isNewer(_ value: NodeMessage.Value, than key: ChannelKey, orSame: Bool = false) -> Bool {
        guard let number = self.channels.find(key) else { return true }
        let kept = self.channels.channels[Int(number)].snapshot
        guard !kept.isEmpty else { return true }
        let (own, other) = (
            kept.withUnsafeBytes { TickText.escaped.sequence($0) },
            value.escapedData.withUnsafeBytes { TickText.escaped.sequence($0) }
        )
        // Candles have no sequence: what other nodes follow is newer than what this one has kept.
        guard let own, let other else { return orSame }
        return other > own || orSame && other == own
    }

    private func keep(_ value: NodeMessage.Value, _ key: ChannelKey) {
        let isKept = value.escapedData.withUnsafeBytes {
            self.channels.retain($0, key, cached: nil, isRemote: true)
        }
        if !isKept { self.counters.snapshotsRefused.wrappingIncrement(ordering: .relaxed) }
        if let number = self.channels.find(key) {
            self.channels.channels[Int(number)].source?.newest = value.escapedData
        }
    }

    /// Tells everybody on a market channel, and those derived from it, the state it has.
    private func deliverSnapshot(_ data: [UInt8], _ key: ChannelKey, name: String = "tick", isRemote: Bool) {
        // A candle is whole each time; a tick is told as what it is to a newcomer.
        var entry = EventMessage.Entry(name: name == "tick" ? "snapshot" : name, escapedData: data[...])
        entry.isKept = true
        var builder = EventBatch.Builder(count: 1, dataBytes: data.count, clock: self.clock)
        builder.append(entry, channel: key.name, app: key.app, time: self.clock(), isRemote: isRemote)
        self.deliver(builder.finish())
    }

    // MARK: The end of interest, and of the connection

    /// Forgets what a channel holds from other nodes: nobody keeps it up to date any more.
    ///
    /// What cache channels hold has a time, which says what it is worth.
    func forgetRemote(_ key: ChannelKey) {
        guard !ChannelName.Kind(of: key.name).isCache, let number = self.channels.find(key),
            self.channels.channels[Int(number)].isRemote, self.channels.channels[Int(number)].members.isEmpty
        else { return }
        self.channels.forget(number)
    }

    /// Forgets primary tickers from other nodes that nobody wants for themselves.
    func forgetRemoteTickers(unless isHeld: (ChannelKey) -> Bool) {
        let keys = self.channels.index.keys.filter { QuoteChannel.source($0.name) == .primary && !isHeld($0) }
        for key in keys { self.forgetRemote(key) }
    }

    /// Says on every market channel that is fed by other nodes that its price may be out of date.
    func tellRemoteStale() {
        var notices: [(ChannelKey, [UInt8])] = []
        for (key, number) in self.channels.index {
            let channel = self.channels.channels[Int(number)]
            guard channel.isRemote, QuoteChannel.source(key.name) != .none, !channel.snapshot.isEmpty,
                !channel.members.isEmpty || channel.source != nil
            else { continue }
            let data = channel.snapshot.withUnsafeBufferPointer { JSONText.unescaped($0) }
            if let notice = StaleNotice.disconnected(since: data) { notices.append((key, notice)) }
        }
        guard !notices.isEmpty else { return }
        var builder = EventBatch.Builder(count: notices.count, dataBytes: notices.count * 160, clock: self.clock)
        for (key, data) in notices {
            builder.append(ChannelEvent(channel: key.name, name: "stale", data: data), app: key.app)
        }
        self.deliver(builder.finish())
    }

    // MARK: Others ask

    /// What this loop has of the channels asked for.
    func answers(
        _ questions: [NodeMessage.Question], _ apps: [String]
    ) -> [NodeMessage.Question: NodeMessage.Value] {
        var values: [NodeMessage.Question: NodeMessage.Value] = [:]
        let now = self.clock()
        for question in questions {
            guard let app = apps.firstIndex(of: question.app) else { continue }
            if question.channel.isEmpty {
                for (key, number) in self.channels.index
                where key.app == Int32(app) && QuoteChannel.source(key.name) == .primary {
                    let name = NodeMessage.Question(app: question.app, channel: key.name)
                    values[name] = self.value(number, name, now)
                }
            } else if let number = self.channels.find(ChannelKey(app: Int32(app), name: question.channel)) {
                values[question] = self.value(number, question, now)
            }
        }
        return values
    }

    private func value(
        _ number: Int32, _ place: NodeMessage.Question, _ now: NIODeadline
    ) -> NodeMessage.Value? {
        let channel = self.channels.channels[Int(number)]
        // What is awaited itself is no answer; on a cache channel the time says what it is worth.
        if let cached = channel.cached {
            guard now < cached.time + self.options.cacheLifetime else { return nil }
            return NodeMessage.Value(
                app: place.app, channel: place.channel, name: cached.name, escapedData: channel.snapshot,
                time: cached.wall)
        }
        guard !channel.snapshot.isEmpty, self.awaited[channel.key] == nil else { return nil }
        return NodeMessage.Value(
            app: place.app, channel: place.channel, name: place.channel.contains("candles-") ? "candle" : "tick",
            escapedData: channel.snapshot, time: channel.isRemote ? 0 : 1)
    }
}
