/// What became of one webhook request.
public enum WebhookAnswer: Sendable, Equatable {
    /// The endpoint answered with this status.
    case status(Int)
    /// The endpoint did not answer, or may not be asked.
    case noAnswer(reason: String)
    /// The request was interrupted from our side.
    case interrupted
}
