import Backplane
import Channels
import NIOCore
import Synchronization

/// What this node's clients have joined, and what the others are asked about it.
extension Cluster {
    /// Channels asked for in one message.
    private static let questionsMax = 2000

    // MARK: Any thread

    /// An event loop has its first subscriber.
    ///
    /// - Returns: Whether it must wait for ``HubShard/settle(_:_:)`` before it says what the channel holds.
    func begin(_ interest: InterestTable.Interest) -> Bool {
        // Subscribed under the lock: the end of one interest must not overtake the beginning of the next.
        let beginning = self.interests.withLock { interests in
            let beginning = interests.begin(interest)
            if beginning.isNew { self.bus.subscribe(self.subject(interest)) }
            return beginning
        }
        if beginning.mustAsk { self.loop.execute { self.ask(interest) } }
        return beginning.isAwaiting
    }

    /// An event loop has lost its last subscriber.
    func end(_ interest: InterestTable.Interest) {
        self.interests.withLock { $0.end(interest, now: self.clock()) }
    }

    /// The newest value that another node has of a cache channel; `nil` when what this node has is current.
    func lookUp(_ key: ChannelKey) -> EventLoopFuture<NodeMessage.Value?> {
        let isCurrent = self.interests.withLock { !$0.isConnected || $0.isLive(.channel(key)) }
        guard !isCurrent else { return self.loop.makeSucceededFuture(nil) }
        let promise = self.loop.makePromise(of: NodeMessage.Value?.self)
        self.loop.execute {
            let question = NodeMessage.Question(app: self.appIDs[Int(key.app)], channel: key.name)
            self.ask(question) { promise.succeed($0) }
        }
        return promise.futureResult
    }

    // MARK: On the loop

    /// Ends what nobody has wanted for a moment.
    func endInterests(_ now: NIODeadline) {
        let ended = self.interests.withLock { interests in
            let ended = interests.expire(now: now)
            for interest in ended { self.bus.unsubscribe(self.subject(interest)) }
            return ended
        }
        guard !ended.isEmpty else { return }
        let isTickers = ended.contains { if case .tickers = $0 { true } else { false } }
        for shard in self.shards {
            shard.eventLoop.execute {
                // From now on nobody keeps up to date what came from others.
                for case .channel(let key) in ended { shard.forgetRemote(key) }
                if isTickers { shard.forgetRemoteTickers { self.isHeld($0) } }
            }
        }
    }

    private func isHeld(_ key: ChannelKey) -> Bool {
        self.interests.withLock { $0.isHeld(.channel(key)) || $0.isHeld(.tickers(key.app)) }
    }

    /// Asks again for the last values of everything that clients are on.
    func refresh(marketOnly: Bool) {
        let interests = self.interests.withLock { $0.all }.filter { interest in
            guard interest.hasLastValue else { return false }
            guard marketOnly, case .channel(let key) = interest else { return true }
            return !ChannelName.Kind(of: key.name).isCache
        }
        for shard in self.shards {
            shard.eventLoop.execute { shard.expectRefresh(interests) }
        }
        for interest in interests { self.ask(interest) }
    }

    private func ask(_ interest: InterestTable.Interest) {
        switch interest {
        case .channel(let key):
            let question = NodeMessage.Question(app: self.appIDs[Int(key.app)], channel: key.name)
            self.ask(question) { value in
                self.settle(interest) { $0.settle(key, value) }
            }
        case .tickers(let app):
            // The values go another way: there are many.
            self.ask(NodeMessage.Question(app: self.appIDs[Int(app)], channel: "")) { _ in }
        }
    }

    private func ask(
        _ question: NodeMessage.Question, _ then: @escaping @Sendable (NodeMessage.Value?) -> Void
    ) {
        self.waiting[question, default: []].append(then)
        if self.waiting[question]?.count == 1 { self.questions.append(question) }
        if self.questions.count == 1 { self.loop.execute { self.askNext(self.clock()) } }
    }

    /// Asks what waits in one message, once it is known whom.
    func askNext(_ now: NIODeadline) {
        guard !self.questions.isEmpty else { return }
        guard self.connectedAt != nil else { return self.disconnectedAsks() }
        guard self.hasJoined(now) else { return }
        let questions = self.questions
        self.questions = []
        for start in stride(from: 0, to: questions.count, by: Self.questionsMax) {
            let piece = Array(questions[start..<min(start + Self.questionsMax, questions.count)])
            let number = self.asks.begin(piece, of: self.peers.nodes, now: now)
            self.bus.publish(Subject.ask, NodeMessage.ask(number: number, piece).bytes(from: self.bus.node))
            self.finish(self.asks.finishIfComplete(number))
        }
    }

    private func disconnectedAsks() {
        let questions = self.questions
        self.questions = []
        self.finish(questions.map { AskTable.Outcome(question: $0, values: []) })
    }

    /// Gives answers to those who asked.
    func finish(_ outcomes: [AskTable.Outcome]) {
        for outcome in outcomes {
            let waiting = self.waiting.removeValue(forKey: outcome.question) ?? []
            if outcome.question.channel.isEmpty, let app = self.appIDs.firstIndex(of: outcome.question.app) {
                let values = outcome.values.filter { QuoteChannel.source($0.channel) == .primary }
                self.settle(.tickers(Int32(app))) { $0.settleTickers(Int32(app), values) }
            }
            for then in waiting { then(outcome.values.first) }
        }
    }

    /// Has every event loop take in what the others know, then rely on it, then look once more for who came in between.
    private func settle(_ interest: InterestTable.Interest, _ step: @escaping @Sendable (HubShard) -> Void) {
        let steps = self.shards.map { shard in shard.eventLoop.submit { step(shard) } }
        EventLoopFuture.andAllComplete(steps, on: self.loop).whenComplete { _ in
            self.interests.withLock { $0.settled(interest) }
            for shard in self.shards {
                shard.eventLoop.execute {
                    switch interest {
                    case .channel(let key): shard.settle(key, nil)
                    case .tickers(let app): shard.settleTickers(app, [])
                    }
                }
            }
        }
    }

    // MARK: Others ask

    /// Answers with what this node has, the newest over its loops.
    func answer(_ questions: [NodeMessage.Question], _ number: UInt64, to node: UInt64) {
        let apps = self.appIDs
        let parts = self.shards.map { shard in shard.eventLoop.submit { shard.answers(questions, apps) } }
        let all = EventLoopFuture.reduce([NodeMessage.Question: NodeMessage.Value](), parts, on: self.loop) {
            $0.merging($1) { $0.time >= $1.time ? $0 : $1 }
        }
        all.whenSuccess { values in
            for answer in NodeMessage.answers(number: number, Array(values.values)) { self.send(answer, to: node) }
        }
    }

    /// Prices that come from other nodes may be out of date: says so once, until the connection is back.
    func tellStale() {
        guard !self.isStaleTold else { return }
        self.isStaleTold = true
        for shard in self.shards { shard.eventLoop.execute { shard.tellRemoteStale() } }
    }

    private func subject(_ interest: InterestTable.Interest) -> String {
        switch interest {
        case .channel(let key): Subject.events(app: self.appIDs[Int(key.app)], channel: key.name)
        case .tickers(let app): Subject.tickers(app: self.appIDs[Int(app)])
        }
    }
}
