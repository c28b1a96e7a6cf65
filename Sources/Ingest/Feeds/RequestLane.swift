import FeedLanguage
import HTTPClient
import Market

/// Asks one provider one thing after another, within its limits: for repairs and lists, which nobody waits for long.
///
/// Requests start in the order they were asked for, a fifth of a second apart unless the file's budget says how many a second. What fails for a passing reason is
/// tried again; what would have to wait longer than ``waitMax`` is given up at once, so the queue is bounded.
actor RequestLane {
    /// Between the starts of two requests to a provider whose file tells nothing about single seconds.
    static let spacing = Duration.milliseconds(200)
    /// The longest wait for a turn.
    static let waitMax = Duration.seconds(300)
    /// How often one request is tried.
    static let triesMax = 4
    static let timeout = Duration.seconds(20)

    private let venue: Venue
    private let client: HTTPClient
    private let clock = ContinuousClock()
    private var budget: RequestBudget
    private var pause = FeedPause()
    private let spacing: Duration
    private var nextTurn: ContinuousClock.Instant

    init(venue: Venue, budget: BudgetRules, client: HTTPClient) {
        self.venue = venue
        self.client = client
        self.budget = RequestBudget(rules: budget)
        self.spacing = budget.windows.contains { $0.length <= .seconds(1) } ? .zero : Self.spacing
        self.nextTurn = self.clock.now
    }

    /// Sends a request until it has an answer that counts.
    ///
    /// - Parameters:
    ///   - exchange: What to send.
    ///   - bodyMax: How many bytes the answer may have.
    ///   - read: Decodes the answer's body and says what became of it; called for errors too.
    /// - Returns: What `read` made of the good answer, and the answer.
    /// - Throws: ``FeedRequestError``.
    func ask<Value: Sendable>(
        _ exchange: HTTPExchange, bodyMax: Int, read: @Sendable (inout HTTPAnswer, [UInt8]) -> Value
    ) async throws(FeedRequestError) -> (value: Value, answer: HTTPAnswer) {
        var tries = 0
        while true {
            tries += 1
            let epoch = try await self.takeTurn()
            var reason: String
            do {
                let response = try await self.client.execute(
                    HTTPRequest(
                        method: exchange.method, url: exchange.url,
                        headers: exchange.headers.map { HTTPHeader($0.name, $0.value) },
                        body: exchange.body.map { Array($0.utf8) }, timeout: Self.timeout, maxBodyBytes: bodyMax
                    )
                )
                var answer = HTTPAnswer(
                    status: response.status, headers: response.headers.map { Header(name: $0.name, value: $0.value) },
                    receivedTime: .now
                )
                let value = read(&answer, response.body)
                guard let problem = try self.judge(answer, epoch: epoch) else { return (value, answer) }
                reason = problem
            } catch let error as FeedRequestError {
                throw error
            } catch {
                if Task.isCancelled { throw .cancelled }
                reason = "\(error)"
                self.fail(.failing, reason: reason, retryAfter: nil, epoch: epoch)
            }
            guard tries < Self.triesMax else { throw .unavailable(venue: self.venue, reason: reason) }
        }
    }

    /// Notes what an answer means.
    ///
    /// - Returns: Why it must be tried again; `nil` when it counts.
    private func judge(_ answer: HTTPAnswer, epoch: Int) throws(FeedRequestError) -> String? {
        if let weight = self.budget.rules.weight, let used = answer.header(weight.header).flatMap({ Int($0) }) {
            self.budget.told(used: used, now: self.clock.now)
        }
        switch AnswerVerdict(answer, hasTicks: false) {
        case .content, .unchanged:
            self.pause.succeed(sentIn: epoch)
            return nil
        case .refused(let reason, _):
            self.pause.succeed(sentIn: epoch)
            throw .refused(venue: self.venue, reason: reason)
        case .busy(let reason, let retryAfter):
            self.fail(.busy, reason: reason, retryAfter: retryAfter, epoch: epoch)
            return reason
        case .failing(let reason):
            self.fail(.failing, reason: reason, retryAfter: nil, epoch: epoch)
            return reason
        case .denied(let reason, let retryAfter):
            self.fail(.denied, reason: reason, retryAfter: retryAfter, epoch: epoch)
            throw .denied(venue: self.venue, reason: reason)
        }
    }

    private func fail(_ kind: FeedPause.Kind, reason: String, retryAfter: Duration?, epoch: Int) {
        self.pause.fail(
            kind, reason: reason, retryAfter: retryAfter, sentIn: epoch, base: .seconds(1), now: self.clock.now,
            random: .random(in: 0 ... .max)
        )
    }

    /// Waits for a turn within the budget.
    ///
    /// - Returns: The pause's epoch at the turn.
    private func takeTurn() async throws(FeedRequestError) -> Int {
        while true {
            let now = self.clock.now
            let until = self.pause.until ?? now
            if self.pause.kind == .denied, until > now {
                throw .denied(venue: self.venue, reason: self.pause.reason)
            }
            let turn = self.budget.nextPermit(now: max(now, self.nextTurn, until))
            guard turn - now <= Self.waitMax else {
                let reason = until == turn ? self.pause.reason : "its budget for now is used up"
                throw .busy(venue: self.venue, reason: reason, wait: turn - now)
            }
            // Taken before the wait: whoever comes next gets a later turn.
            self.budget.take(now: turn)
            self.nextTurn = turn + self.spacing
            do { try await self.clock.sleep(until: turn) } catch { throw .cancelled }
            // A pause may have begun meanwhile.
            if self.pause.until ?? turn <= self.clock.now { return self.pause.epoch }
        }
    }
}
