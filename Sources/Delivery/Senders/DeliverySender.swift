public import Notifications
public import Store

/// What came of one request.
public struct SendingResult: Hashable, Sendable {
    /// What it means; `nil` when the request was interrupted from our side.
    public var verdict: PushVerdict?
    /// The HTTP status, if there was an answer.
    public var status: Int?
    /// What happened, for people.
    public var reason: String
    /// The beginning of the answer's body.
    public var answer: String?

    /// Makes a result.
    public init(_ verdict: PushVerdict?, status: Int? = nil, reason: String = "", answer: String? = nil) {
        self.verdict = verdict
        self.status = status
        self.reason = reason
        self.answer = answer
    }
}

/// Sends deliveries of some services, one request at a time for each.
public protocol DeliverySender: Sendable {
    /// Makes the request of a delivery, sends it once, and judges the answer.
    func send(_ delivery: OutboxDelivery, _ options: SendingOptions) async -> SendingResult
}
