import Backplane
import Channels
import NIOCore
import Synchronization

/// What comes from the other nodes, read in its order on the cluster's loop.
extension Cluster {
    func takeItems() {
        self.loop.preconditionInEventLoop()
        var events: [EventMessage] = []
        var places: [(app: Int32, channel: String)] = []
        func deliver() {
            if !events.isEmpty { self.deliver(events, places) }
            events = []
            places = []
        }
        for item in self.bus.takeItems() {
            switch item {
            case .message(let subject, let bytes):
                do throws(BackplaneError) {
                    if let place = Subject.parseEvents(subject) {
                        let message = try EventMessage(parsing: bytes)
                        guard let app = self.appIDs.firstIndex(of: place.app) else { continue }
                        let key = ChannelKey(app: Int32(app), name: place.channel)
                        guard message.node != self.bus.node,
                            self.interests.withLock({
                                $0.accepts(key, node: message.node, number: message.number)
                            })
                        else { continue }
                        events.append(message)
                        places.append((key.app, key.name))
                    } else {
                        let (node, message) = try NodeMessage.parse(bytes)
                        guard node != self.bus.node else { continue }
                        // Events before an answer are delivered before it.
                        deliver()
                        self.take(message, from: node)
                    }
                } catch {
                    self.malformed(error)
                }
            case .connected:
                deliver()
                self.connected()
            case .disconnected:
                deliver()
                self.disconnected()
            case .lost:
                deliver()
                self.resynchronise()
            }
        }
        deliver()
    }

    private func deliver(_ messages: [EventMessage], _ places: [(app: Int32, channel: String)]) {
        let count = messages.reduce(0) { $0 + $1.entries.count }
        let dataBytes = messages.reduce(0) { $0 + $1.entries.reduce(0) { $0 + $1.escapedData.count } }
        var builder = EventBatch.Builder(count: count, dataBytes: dataBytes, clock: self.clock)
        let (now, wall) = (self.clock(), WallTime.microseconds())
        for (message, place) in zip(messages, places) {
            for entry in message.entries {
                let time = Self.deadline(entry.time, now: now, wall: wall)
                builder.append(entry, channel: place.channel, app: place.app, time: time)
            }
        }
        self.hub?.deliverRemote(builder.finish())
    }

    private func take(_ message: NodeMessage, from node: UInt64) {
        let now = self.clock()
        switch message {
        case .heartbeat(let pulse):
            self.perform(self.peers.heard(node, pulse, now: now))
            self.setTellers()
        case .changes(let epoch, let sequence, let records):
            self.perform(self.peers.changed(node, epoch: epoch, sequence: sequence, records, now: now))
        case .state(let epoch, let sequence, let part, let isLast, let records):
            self.perform(
                self.peers.stated(
                    node, epoch: epoch, sequence: sequence, part: part, isLast: isLast, records, now: now))
        case .stateRequest: self.tellState(to: node)
        case .bye: self.perform(self.peers.left(node))
        case .ask(let number, let questions): self.answer(questions, number, to: node)
        case .answer(let number, let isLast, let values):
            self.finish(self.asks.answered(node, number: number, isLast: isLast, values))
        }
    }

    private func tellState(to node: UInt64) {
        let (state, sequence) = self.directory.read { state in
            (state.ledger?.fullState ?? [], state.ledger?.sequence ?? 0)
        }
        let records = state.map { DirectoryRecord($0, apps: self.appIDs) }
        for message in NodeMessage.states(epoch: self.epoch, sequence: sequence, records) {
            self.send(message, to: node)
        }
    }

    // MARK: Our own connection

    private func connected() {
        let now = self.clock()
        self.connectedAt = now
        self.lostAt = nil
        self.isStaleTold = false
        self.interests.withLock { $0.isConnected = true }
        self.perform(self.peers.connected(now: now))
        self.beat(isGreeting: true)
        // Others have published meanwhile.
        self.refresh(marketOnly: false)
    }

    private func disconnected() {
        self.connectedAt = nil
        self.lostAt = self.clock()
        self.interests.withLock { $0.isConnected = false }
        self.peers.disconnected()
        self.finish(self.asks.giveUp())
        let questions = self.questions
        self.questions = []
        self.finish(questions.map { AskTable.Outcome(question: $0, values: []) })
    }

    /// Messages were lost: everything is asked for again, at most once a second.
    private func resynchronise() {
        let now = self.clock()
        guard now - self.resyncedAt >= .seconds(1) else { return }
        self.resyncedAt = now
        self.perform(self.peers.lost(now: now))
        self.refresh(marketOnly: false)
    }

    // MARK: Time of other nodes

    /// A time of day as this node's own clock has it; a clock that is ahead is believed for two seconds only.
    static func deadline(_ time: Int64, now: NIODeadline, wall: Int64) -> NIODeadline {
        let age = max(min(wall - time, 86_400_000_000), -2_000_000)
        return now - .microseconds(age)
    }
}
