import Atomics
import Channels
import NIOCore

extension HubShard {
    /// Adds the connection to a channel and sends what a new subscriber gets first, in order: the confirmation, what the
    /// channel holds, then what happens from here on.
    ///
    /// - Returns: Why it cannot be, or `nil` when it is done.
    func subscribe(_ slot: Int32, app: Int32, channel: ChannelName, member: PresenceMember? = nil) -> String? {
        let key = ChannelKey(app: app, name: channel.text)
        var members: PresenceMembers?
        var count: ArraySlice<UInt8>?
        // A user's own channel is nobody else's business.
        if channel.kind != .serverToUser {
            let outcome = self.directory.perform(on: self.index) {
                $0.join(key, channel.kind, member: member, loop: self.index, now: self.clock())
            }
            // Before the connection is on the channel: what happened until now is in the members it gets.
            self.follow(outcome)
            switch outcome.value {
            case .refused(let message): return message
            case .joined where self.table.slots[Int(slot)].isClosing:
                // Its user was ended in this very moment.
                let userID = member?.userID
                self.follow(
                    self.directory.perform(on: self.index) {
                        $0.leave(key, channel.kind, userID: userID, now: self.clock())
                    }
                )
                return nil
            case .joined(let joinedMembers, let joinedCount): (members, count) = (joinedMembers, joinedCount)
            }
        }
        let number = self.channels.join(slot, key)
        if let member { self.userIDs[SlotChannel(slot: slot, channel: number)] = member.userID }
        self.counters.subscriptions.wrappingIncrement(ordering: .relaxed)
        if self.cluster != nil { self.beginInterest(number, app: app, channel) }
        self.prepareQuotes(number, channel)
        self.confirm(slot, app: app, channel: channel, number: number, members: members)
        if let count { self.broadcast(count, key) }
        return nil
    }

    /// Sends `subscription_succeeded` and what the channel holds once more.
    func confirm(_ slot: Int32, app: Int32, channel: ChannelName) {
        let key = ChannelKey(app: app, name: channel.text)
        var members: PresenceMembers?
        if channel.kind.isPresence {
            let outcome = self.directory.perform(on: self.index) { $0.channels[key]?.members }
            self.follow(outcome)
            members = outcome.value
        }
        guard let number = self.channels.find(key) else { return }
        self.confirm(slot, app: app, channel: channel, number: number, members: members)
    }

    /// Takes the connection off a channel.
    func unsubscribe(_ slot: Int32, app: Int32, channel: ChannelName) {
        let key = ChannelKey(app: app, name: channel.text)
        guard let number = self.channels.leave(slot, key) else { return }
        if self.cluster != nil { self.endInterest(number, key) }
        self.held.forget(slot, channel: number)
        self.counters.subscriptions.wrappingDecrement(ordering: .relaxed)
        let userID = self.userIDs.removeValue(forKey: SlotChannel(slot: slot, channel: number))
        guard channel.kind != .serverToUser else { return }
        self.follow(
            self.directory.perform(on: self.index) {
                $0.leave(key, channel.kind, userID: userID, now: self.clock())
            }
        )
    }

    /// Takes the connection off all its channels, and its user off the list of who is there.
    func leaveAll(_ slot: Int32) {
        let left = self.channels.leaveAll(slot)
        let signedIn = self.users.remove(slot)
        if !left.isEmpty { self.counters.subscriptions.wrappingDecrement(by: left.count, ordering: .relaxed) }
        guard !left.isEmpty || signedIn != nil else { return }
        if self.cluster != nil { for (key, number) in left { self.endInterest(number, key) } }
        let leaving = left.map { key, number in
            (
                key: key, kind: ChannelName.Kind(of: key.name),
                userID: self.userIDs.removeValue(forKey: SlotChannel(slot: slot, channel: number))
            )
        }
        self.follow(
            self.directory.perform(on: self.index) { directory in
                let now = self.clock()
                for (key, kind, userID) in leaving where kind != .serverToUser {
                    directory.leave(key, kind, userID: userID, now: now)
                }
                if let signedIn { directory.signOut(signedIn.user, unwatching: signedIn.watchlist, now: now) }
            }
        )
    }

    private func confirm(
        _ slot: Int32,
        app: Int32,
        channel: ChannelName,
        number: Int32,
        members: PresenceMembers?
    ) {
        self.send(slot, .subscriptionSucceeded(channel: channel.text, presence: members?.json))
        // Another node may hold something newer: it follows.
        if self.isAwaited(app: app, channel.text) { return }
        if channel.kind.isCache {
            self.replayCache(slot, app: app, channel: channel, number: number)
        } else if !self.sendQuoteSnapshot(slot, number) {
            // A candle is whole each time: the newest one is like those that follow it.
            let name = channel.text.hasPrefix("candles-") ? "candle" : "snapshot"
            self.replay(slot, name, channel: channel, number: number)
        }
    }

    // MARK: What channels hold

    /// Sends the event a cache channel holds, or says that it holds none.
    ///
    /// Events are kept and delivered by this loop in one order, so nothing newer can have been delivered before.
    func replayCache(_ slot: Int32, app: Int32, channel: ChannelName, number: Int32) {
        let now = self.clock()
        if let cached = self.channels.cached(number), now < cached.time + self.options.cacheLifetime {
            return self.replay(slot, cached.name, channel: channel, number: number)
        }
        self.send(slot, .cacheMiss(channel: channel.text))
        let key = ChannelKey(app: app, name: channel.text)
        self.follow(self.directory.perform(on: self.index) { $0.missedCache(key, now: now) })
    }

    func replay(_ slot: Int32, _ name: String, channel: ChannelName, number: Int32) {
        let kept = self.channels.channels[Int(number)]
        if kept.holdsEvent { self.send(slot, name: name, channel.text, kept.snapshot) }
    }

    /// Keeps an event's data for those who come later.
    func retain(_ entry: EventBatch.Entry, _ data: UnsafeRawBufferPointer, _ key: ChannelKey) {
        if !self.channels.retain(data, key, cached: entry.cached, isRemote: entry.isRemote) {
            self.counters.snapshotsRefused.wrappingIncrement(ordering: .relaxed)
        }
        guard entry.cached != nil, self.expiry == nil else { return }
        // Memory only: what has expired is not replayed, whether or not it is still there.
        self.expiry = self.eventLoop.scheduleRepeatedTask(initialDelay: .minutes(1), delay: .minutes(1)) {
            [weak self] _ in
            self?.expire()
        }
    }

    /// Gives back what cache channels have held for too long.
    func expire() {
        self.channels.expire(before: self.clock() - self.options.cacheLifetime)
        guard self.channels.cachedCount == 0 else { return }
        self.expiry?.cancel()
        self.expiry = nil
    }

    /// What a cache channel holds now: the escaped data, and when it was published.
    func cachedEvent(_ key: ChannelKey) -> (data: [UInt8], time: NIODeadline)? {
        guard let number = self.channels.find(key), let cached = self.channels.cached(number),
            self.clock() < cached.time + self.options.cacheLifetime
        else { return nil }
        return (self.channels.channels[Int(number)].snapshot, cached.time)
    }

    /// Sends a frame to one connection behind everything that was sent to it before.
    func send(_ slot: Int32, _ frame: ServerFrame) {
        WebSocketHeader.textFrame { frame.write(to: &$0) }.withUnsafeBytes { self.send(slot, $0) }
    }
}

/// One subscription of one connection, as a key.
struct SlotChannel: Hashable {
    var slot: Int32
    var channel: Int32
}
