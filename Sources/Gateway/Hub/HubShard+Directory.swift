import Channels
import NIOCore

extension HubShard {
    /// Does what a change in the directory asks for, the loop's own notices first.
    func follow<Value>(_ outcome: Directory.Outcome<Value>) {
        for loop in outcome.wakes {
            let shard = self.shards[loop]
            shard.eventLoop.execute { shard.readInbox() }
        }
        if outcome.mustFlush { self.cluster?.scheduleFlush() }
        if let timer = outcome.timer {
            let delay = max(.nanoseconds(0), timer - self.clock())
            self.eventLoop.scheduleTask(in: delay) {
                self.follow(self.directory.perform(on: self.index) { $0.timerFired(now: self.clock()) })
            }
        }
        self.act(on: outcome.notices)
    }

    /// Acts on what waits in the loop's inbox.
    func readInbox() {
        self.follow(self.directory.perform(on: self.index) { _ in })
    }

    private func act(on notices: [Notice]) {
        guard !notices.isEmpty else { return }
        self.notices.append(contentsOf: notices)
        // Closing a connection makes it leave its channels, which ends up here again: the order is kept by one queue.
        guard !self.isActing else { return }
        self.isActing = true
        var next = 0
        while next < self.notices.count {
            self.act(on: self.notices[next])
            next += 1
        }
        self.notices.removeAll(keepingCapacity: true)
        self.isActing = false
        if !self.listed.isEmpty { self.scheduleDrain() }
    }

    private func act(on notice: Notice) {
        switch notice {
        case .frame(let key, let frame): self.broadcast(frame, key)
        case .userStates(let app, let states):
            for (slot, states) in self.users.watchers(of: states, app: app) { self.tell(slot, states) }
        case .terminate(let user):
            for slot in self.users.slots(of: user) { self.subscribers[Int(slot)]?.close(.unauthorised) }
        case .activity(let app, let activity, let isOurs):
            self.directory.tell(activity, app: app, isOurs: isOurs)
        case .lateActivity(let app, let activity):
            self.directory.tell(activity, app: app, isOurs: true, isLate: true)
        }
    }

    /// Sends a frame to everybody on a channel of this loop.
    func broadcast(_ frame: ArraySlice<UInt8>, _ key: ChannelKey) {
        guard let channel = self.channels.find(key) else { return }
        frame.withUnsafeBytes { self.fanOut(channel, $0, data: 0..<0, .none) }
    }

    private func tell(_ slot: Int32, _ states: [Notice.UserState]) {
        self.send(
            slot,
            .watchlist(online: states.filter(\.isOnline).map(\.id), offline: states.filter { !$0.isOnline }.map(\.id))
        )
    }

    // MARK: Users

    /// A connection signed in: confirms, and tells it about the users it watches.
    func signIn(_ slot: Int32, app: Int32, _ user: SignedInUser) {
        let key = UserKey(app: app, id: user.id)
        let previous = self.users.find(slot)
        let outcome = self.directory.perform(on: self.index) {
            $0.signIn(
                key, isNew: previous == nil, watching: user.watchlist, unwatching: previous?.watchlist ?? [],
                now: self.clock()
            )
        }
        let signedIn = ShardUsers.SignedIn(user: key, watchlist: user.watchlist)
        if previous == nil {
            // Before the connection is noted: what happened until now is in the states it gets.
            self.follow(outcome)
            self.users.add(slot, signedIn)
        } else {
            self.users.add(slot, signedIn)
            self.follow(outcome)
            // Its user may have been ended in this very moment.
            guard !self.table.slots[Int(slot)].isClosing else { return }
        }
        self.send(slot, .signInSucceeded(userData: user.userData))
        if user.watchlistCount > user.watchlist.count {
            let message =
                "The watchlist has \(user.watchlistCount) users, only the first \(user.watchlist.count) are watched"
            self.send(slot, .error(code: 4302, message: message))
        }
        if !outcome.value.isEmpty { self.tell(slot, outcome.value) }
    }

    /// Hands a client's event to everybody else on the channel, on all loops and nodes.
    func publish(_ event: ClientEvent, app: Int32, from socketID: SocketID) {
        var builder = EventBatch.Builder(count: 1, dataBytes: event.data.utf8.count, clock: self.clock)
        builder.append(event, app: app, from: socketID)
        self.cluster?.publish(event, app: app, from: socketID)
        self.publish(builder.finish())
        let activity = ChannelActivity.clientEvent(
            channel: event.channel.text, event: event.name, data: event.data, socketID: socketID.description,
            userID: event.userID
        )
        self.follow(self.directory.perform(on: self.index) { $0.report(activity, app: app) })
    }
}
