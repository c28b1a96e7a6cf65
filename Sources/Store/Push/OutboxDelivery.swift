public import Market
public import Notifications

/// One notification on its way, leased to who claimed it.
public struct OutboxDelivery: Sendable, Hashable, Identifiable {
    /// What is sent.
    public enum Message: Sendable, Hashable {
        /// These bytes.
        case body([UInt8])
        /// The request that the service's builder makes of it.
        case content(PushContent)
    }

    /// The delivery's id: the same on every attempt.
    public let id: Int64
    /// The receiver's id of the message: a UUID in small letters, the same on every attempt.
    public let messageID: String
    /// The row of `alert_events`, if an alert is what it is about.
    public let eventID: Int64?
    /// Who takes it there.
    public let service: DeliveryService
    /// Which credential it takes.
    public let lane: String
    /// Where a body goes: a URL.
    public let target: String
    /// Where a content goes; `nil` when the device was removed.
    public let device: Device?
    /// What is sent; `nil` when the stored bytes are no content.
    public let message: Message?
    /// The number of this attempt, from 1.
    public let attempt: Int
    /// The attempts since it was put in or replayed, from 1: what the back-off counts.
    public let tries: Int
    /// When the alert fired, or it was put in.
    public let firedAt: Timestamp
    /// After which it is not sent; `nil` leaves that to the service's own rule.
    public let expiresAt: Timestamp?

    /// The exact bytes of a body; empty for a content.
    public var payload: [UInt8] {
        if case .body(let bytes) = self.message { bytes } else { [] }
    }

    /// Makes a delivery of its parts.
    public init(
        id: Int64, messageID: String, eventID: Int64? = nil, service: DeliveryService, lane: String, target: String,
        device: Device? = nil, message: Message?, attempt: Int, tries: Int, firedAt: Timestamp,
        expiresAt: Timestamp? = nil
    ) {
        self.id = id
        self.messageID = messageID
        self.eventID = eventID
        self.service = service
        self.lane = lane
        self.target = target
        self.device = device
        self.message = message
        self.attempt = attempt
        self.tries = tries
        self.firedAt = firedAt
        self.expiresAt = expiresAt
    }
}

/// What became of an attempt.
public struct OutboxResult: Sendable, Hashable {
    /// Where a delivery is from now on.
    public enum State: Sendable, Hashable {
        /// Its service took it.
        case done
        /// It is due again after this time.
        case ready(after: Duration)
        /// It can never work.
        case dead
        /// It is worthless by now.
        case expired
    }

    /// Which delivery.
    public let delivery: OutboxDelivery
    /// Where it is from now on.
    public let state: State
    /// The HTTP status, if there was an answer.
    public let status: Int?
    /// What went wrong.
    public let error: String?
    /// The beginning of the service's answer.
    public let answer: String?
    /// The service's own id of what it took.
    public let serviceID: String?

    /// Makes a result.
    public init(
        _ delivery: OutboxDelivery, _ state: State, status: Int? = nil, error: String? = nil, answer: String? = nil,
        serviceID: String? = nil
    ) {
        self.delivery = delivery
        self.state = state
        self.status = status
        self.error = error
        self.answer = answer
        self.serviceID = serviceID
    }
}
