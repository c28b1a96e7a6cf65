import Market

/// One of a polled feed's requests that come again and again: its symbols and when they are due.
struct PollTarget: Sendable {
    enum State: Sendable {
        /// Waits until it is due.
        case idle
        /// Its next page waits for the budget.
        case paging(PageMark)
        /// A request is on its way, sent in that epoch of ``FeedPause``.
        case asking(request: Int, page: PageMark, epoch: Int)
    }

    let id: Int
    var symbols: [Symbol]
    var state = State.idle
    var due: ContinuousClock.Instant
    /// Asked for without regard to the spacing of requests: the first answer is wanted soon.
    var isNew = true
    /// Part of a request that the provider refused as a whole: the rest of it may be right.
    var isFragment = false
    var hasSucceeded = false
    /// Refusals in a row.
    var failures = 0
    /// Why the last request was refused.
    var problem: String?
    var entityTag: String?
    var lastModified: String?
    /// Where the next round goes on.
    var mark: String?
    /// Pages of the last round.
    var pages = 1

    init(id: Int, symbols: [Symbol], due: ContinuousClock.Instant) {
        self.id = id
        self.symbols = symbols
        self.due = due
    }

    var isIdle: Bool {
        switch self.state {
        case .idle: true
        case .paging, .asking: false
        }
    }

    var isAsking: Bool {
        switch self.state {
        case .asking: true
        case .idle, .paging: false
        }
    }

    var nextPage: PageMark? {
        switch self.state {
        case .paging(let page): page
        case .idle, .asking: nil
        }
    }

    /// What makes the next request conditional.
    var conditions: [Header] {
        var headers: [Header] = []
        if let tag = self.entityTag { headers.append(Header(name: "If-None-Match", value: tag)) }
        if let date = self.lastModified { headers.append(Header(name: "If-Modified-Since", value: date)) }
        return headers
    }

    mutating func forgetAnswers() {
        self.entityTag = nil
        self.lastModified = nil
        self.mark = nil
    }
}
