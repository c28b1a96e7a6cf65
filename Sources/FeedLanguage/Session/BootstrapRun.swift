/// What came back for a bootstrap request.
public struct BootstrapAnswer: Equatable, Sendable {
    /// The status code.
    public var status: Int
    /// The headers.
    public var headers: [Header]
    /// The body, decompressed.
    public var body: [UInt8]

    /// Makes an answer.
    public init(status: Int, headers: [Header] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// One run through a feed's bootstrap: what to ask next, and what the answers gave.
///
/// Does no I/O. The caller performs ``request(_:)`` and brings the answer to ``answered(_:to:now:)`` until that says it is done.
struct BootstrapRun: Sendable {
    /// What an answer leads to.
    enum Step: Equatable, Sendable {
        /// Ask ``BootstrapRun/request(_:)`` for the next request.
        case next
        /// All captured.
        case done
        /// Give up for now; at the earliest after a time that the venue wants.
        case failed(reason: String, retryAfter: Duration?)
        /// The venue does not want us: asking again soon would only annoy it.
        case refused(reason: String)
    }

    private let plan: BootstrapPlan
    private var index = 0
    /// What has been captured.
    private(set) var captures: [String: String] = [:]
    /// Cookies that answers have set.
    private(set) var cookies = CookieJar()

    /// The longest captured text: an address or a token, not a page.
    private static let captureBytesMax = 16_384
    /// How much of a refusal's body is shown.
    private static let shownBytesMax = 160

    init(plan: BootstrapPlan) { self.plan = plan }

    /// The request that is due.
    func request(_ context: RenderContext) -> HTTPExchange {
        var context = context
        context.captures = self.captures
        var exchange = self.plan.steps[self.index].request.render(context)
        if let cookie = self.cookies.header(for: exchange.url) { exchange.headers.append(cookie) }
        return exchange
    }

    /// The answer to a request has come.
    mutating func answered(_ answer: BootstrapAnswer, to exchange: HTTPExchange) -> Step {
        let step = self.plan.steps[self.index]
        let place = "\(exchange.method) \(exchange.shownAddress)"
        let isFine =
            step.statuses.isEmpty ? (200..<300).contains(answer.status) : step.statuses.contains(answer.status)
        guard isFine else {
            let body = String(decoding: answer.body.prefix(Self.shownBytesMax), as: UTF8.self)
            let said = body.isEmpty ? "" : ": \(body)"
            let reason = "bootstrap: \(place) answered with HTTP status \(answer.status)\(said)"
            if HTTPRefusal.isFinal(answer.status) { return .refused(reason: reason) }
            return .failed(reason: reason, retryAfter: Self.retryAfter(answer.headers))
        }
        self.cookies.take(answer.headers, from: exchange.url)
        let root = answer.body.withUnsafeBytes(JSONNodeReader.read)
        for capture in step.captures {
            let text: String?
            if let path = capture.path {
                text = root?.value(at: path)?.text
            } else {
                text = String(decoding: answer.body, as: UTF8.self)
            }
            guard let text, !text.isEmpty, text.utf8.count <= Self.captureBytesMax else {
                let path = capture.path.map { "at '\($0)'" } ?? "in its body"
                return .failed(
                    reason:
                        "bootstrap: the answer of \(place) has no '\(capture.name)' \(path): compare the feed file with the venue's documentation",
                    retryAfter: nil
                )
            }
            self.captures[capture.name] = text
        }
        self.index += 1
        return self.index < self.plan.steps.count ? .next : .done
    }

    private static func retryAfter(_ headers: [Header]) -> Duration? {
        headers.first { $0.name.lowercased() == "retry-after" }.flatMap { Int($0.value) }
            .map { .seconds(min(max($0, 0), 86_400)) }
    }
}

/// What a refused request or handshake means.
enum HTTPRefusal {
    /// Whether the status says that the same request will not be served soon: no key, no right, not from here.
    static func isFinal(_ status: Int) -> Bool { [401, 402, 403, 407, 451].contains(status) }
}
