public import Market

/// The life of a polled feed: what to ask, when, and what an answer means.
///
/// Does no I/O and reads no clock: events go in with the moment they happened, the returned actions are the caller's to
/// perform in order. All requests of a feed share one budget and one pace; those that are due take turns, the one that has
/// waited longest first, so that each symbol gets its turn when the budget does not suffice for all. At most one timer is
/// armed: each `armTimer` replaces the one before. Answers to requests that are no longer wanted are harmless.
public struct PollSession: Sendable {
    /// What the caller has to do.
    public enum Action: Equatable, Sendable {
        /// Send it; report ``PollSession/answered(_:hint:to:ticks:now:random:)`` or
        /// ``PollSession/failed(_:reason:now:random:)``.
        case request(PollRequest)
        /// Call ``PollSession/timerFired(now:random:)`` at that instant.
        case armTimer(at: ContinuousClock.Instant)
        /// Tell whoever watches the feed.
        case report(PollStatus)
    }

    enum State {
        case idle, running, stopped
    }

    var plan: PollPlan
    var state = State.idle
    var wanted: [Symbol]
    var targets: [PollTarget] = []
    var budget: RequestBudget
    var pause = FeedPause()
    var repeats = RepeatFilter()
    /// Requests are spread over the interval: a round that is not new starts no sooner.
    var nextRound: ContinuousClock.Instant?
    var lastAsked: ContinuousClock.Instant?
    var lastTargetID = 0
    var lastRequestID = 0
    var lastError: String?
    var hasAnswer = false
    private var reported = PollStatus.idle

    /// The most requests on their way at once.
    static let inFlightMax = 4
    /// How often a closed market is looked at.
    static let closedCheck = Duration.seconds(600)
    /// The longest pause of one request that is refused again and again.
    static let refusalMax = Duration.seconds(3600)

    /// Between the parts of a refused request.
    static let fragmentSpacing = Duration.seconds(1)
    /// A wait for the budget that is not worth telling.
    static let unremarkable = Duration.seconds(5)

    /// Makes a session that has not started.
    ///
    /// - Parameters:
    ///   - plan: What the feed file says.
    ///   - symbols: What to ask for; those that the venue cannot spell are left out.
    public init(plan: PollPlan, symbols: [Symbol]) {
        self.plan = plan
        self.wanted = symbols
        self.budget = RequestBudget(rules: plan.budget)
    }

    // MARK: Events

    /// The feed is wanted.
    public mutating func start(now: Moment, random: UInt64) -> [Action] {
        switch self.state {
        case .running: return []
        case .idle, .stopped:
            self.state = .running
            self.makeTargets(now: now)
            return self.proceed(now: now, random: random)
        }
    }

    /// The armed instant has come.
    public mutating func timerFired(now: Moment, random: UInt64) -> [Action] {
        self.proceed(now: now, random: random)
    }

    /// An answer came and was decoded.
    ///
    /// - Parameters:
    ///   - answer: Its status and headers, and what became of its body.
    ///   - hint: What ``PollPlan/hint(in:)`` found in its body.
    ///   - request: The request's number.
    ///   - ticks: What the body gave; afterwards, what of it is to be passed on.
    ///   - now: When it came.
    ///   - random: Any number; spreads the requests of many clients.
    /// - Returns: What to do, in order.
    public mutating func answered(
        _ answer: HTTPAnswer, hint: PageHint, to request: Int, ticks: inout [Tick], now: Moment, random: UInt64
    ) -> [Action] {
        guard let (index, page, epoch) = self.asked(request) else {
            ticks = []
            return self.proceed(now: now, random: random)
        }
        if let weight = self.budget.rules.weight, let used = answer.header(weight.header).flatMap({ Int($0) }) {
            self.budget.told(used: used, now: now.instant)
        }
        let verdict = AnswerVerdict(answer, hasTicks: !ticks.isEmpty)
        if verdict != .content { ticks = [] }
        switch verdict {
        case .content:
            self.pause.succeed(sentIn: epoch)
            self.read(answer, hint: hint, page: page, index: index, ticks: &ticks)
        case .unchanged:
            self.pause.succeed(sentIn: epoch)
            self.succeeded(index, pages: page.number)
        case .refused(let reason, let symbol):
            // The provider works: it is this request that it does not like.
            self.pause.succeed(sentIn: epoch)
            self.refuse(index, reason: reason, symbol: symbol, now: now)
        case .busy(let reason, let retryAfter):
            self.hold(index, .busy, reason: reason, retryAfter: retryAfter, epoch: epoch, now: now, random: random)
        case .failing(let reason):
            self.hold(index, .failing, reason: reason, retryAfter: nil, epoch: epoch, now: now, random: random)
        case .denied(let reason, let retryAfter):
            self.hold(index, .denied, reason: reason, retryAfter: retryAfter, epoch: epoch, now: now, random: random)
        }
        return self.proceed(now: now, random: random)
    }

    /// No answer came: no connection, a time-out, a broken transfer.
    public mutating func failed(_ request: Int, reason: String, now: Moment, random: UInt64) -> [Action] {
        if let (index, _, epoch) = self.asked(request) {
            self.hold(index, .failing, reason: reason, retryAfter: nil, epoch: epoch, now: now, random: random)
        }
        return self.proceed(now: now, random: random)
    }

    /// Other symbols are wanted.
    ///
    /// Requests whose symbols stay go on as they are; new symbols are asked for at once.
    public mutating func replaceSymbols(_ symbols: [Symbol], now: Moment, random: UInt64) -> [Action] {
        self.wanted = symbols
        switch self.state {
        case .idle, .stopped: return []
        case .running:
            self.changeTargets(now: now)
            return self.proceed(now: now, random: random)
        }
    }

    /// The feed file was replaced; what was sent stays counted in the budget.
    public mutating func replacePlan(_ plan: PollPlan, now: Moment, random: UInt64) -> [Action] {
        self.plan = plan
        self.budget.replaceRules(plan.budget)
        self.pause.forget()
        self.lastError = nil
        switch self.state {
        case .idle, .stopped: return []
        case .running:
            self.makeTargets(now: now)
            return self.proceed(now: now, random: random)
        }
    }

    /// The feed is no longer wanted.
    public mutating func stop() -> [Action] {
        switch self.state {
        case .stopped: return []
        case .idle, .running:
            self.state = .stopped
            self.targets = []
            self.reported = .stopped
            return [.report(.stopped)]
        }
    }

    // MARK: Steps

    private func asked(_ request: Int) -> (index: Int, page: PageMark, epoch: Int)? {
        for (index, target) in self.targets.enumerated() {
            if case .asking(request, let page, let epoch) = target.state { return (index, page, epoch) }
        }
        return nil
    }

    /// Sends what may be sent now and says when to look again.
    private mutating func proceed(now: Moment, random: UInt64) -> [Action] {
        switch self.state {
        case .idle, .stopped: return []
        case .running: break
        }
        var actions: [Action] = []
        while let index = self.nextTarget(now: now) {
            actions.append(.request(self.ask(index, now: now, random: random)))
        }
        let status = self.status(now: now)
        if status != self.reported {
            self.reported = status
            actions.append(.report(status))
        }
        if let wake = self.nextWake(now: now) { actions.append(.armTimer(at: wake)) }
        return actions
    }

    private mutating func ask(_ index: Int, now: Moment, random: UInt64) -> PollRequest {
        self.budget.take(now: now.instant)
        self.lastRequestID += 1
        self.lastAsked = now.instant
        var target = self.targets[index]
        let page: PageMark
        switch target.state {
        case .paging(let next): page = next
        case .idle, .asking:
            page = PageMark(value: target.mark)
            self.repeats.begin(target.id)
            let interval = self.interval
            if !target.isNew { self.nextRound = now.instant + interval / max(1, self.targets.count) }
            // Counted from request to request, so that slow answers do not add up; never sooner than the interval.
            let spread = Double((random &+ UInt64(self.lastRequestID) &* 0x9E37_79B9_7F4A_7C15) >> 32)
            target.due = now.instant + interval * (1 + 0.1 * spread / Double(UInt32.max))
        }
        target.state = .asking(request: self.lastRequestID, page: page, epoch: self.pause.epoch)
        self.targets[index] = target
        return PollRequest(
            id: self.lastRequestID, symbols: target.symbols, page: page,
            conditions: page.number == 1 && self.isConditional ? target.conditions : []
        )
    }

    /// A page that tells nothing new does not tell that the pages after it do not either.
    var isConditional: Bool { self.plan.isConditional && self.plan.paging == nil }

    private mutating func read(
        _ answer: HTTPAnswer, hint: PageHint, page: PageMark, index: Int, ticks: inout [Tick]
    ) {
        let target = self.targets[index]
        let last = ticks.last.map { tick -> (id: String?, time: Timestamp?) in
            if case .trade(let trade) = tick { return (trade.id, trade.eventTime) }
            return (nil, tick.eventTime)
        }
        let next = self.plan.paging?.page(
            after: page, answer: answer, hint: hint, isEmpty: ticks.isEmpty, last: last ?? (nil, nil)
        )
        if let last, let mark = self.plan.paging?.mark(last: last) { self.targets[index].mark = mark }
        if self.isConditional {
            self.targets[index].entityTag = answer.header("ETag")
            self.targets[index].lastModified = answer.header("Last-Modified")
        }
        if !self.plan.request.mentionsSymbols {
            // An address that names no symbol answers with all of the venue's.
            let symbols = Set(target.symbols)
            ticks.removeAll { !symbols.contains($0.symbol) }
        }
        if self.plan.dropsRepeats { self.repeats.keepNews(&ticks, of: target.id) }
        if let next {
            self.targets[index].state = .paging(next)
        } else {
            self.succeeded(index, pages: page.number)
        }
    }
}
