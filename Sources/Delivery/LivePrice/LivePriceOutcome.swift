public import Market

/// What became of a live price's push.
public enum LivePriceOutcome: Hashable, Sendable {
    /// APNs took it; `isAtOtherEnvironment` when it was the one that the token was not registered for.
    case taken(isAtOtherEnvironment: Bool)
    /// Nobody is there any more, unless it was registered again after the given time.
    case gone(unlessRegisteredAfter: Timestamp?, reason: String)
    /// It was not taken; by the next time the price is another one, so that it is not repeated.
    case missed(reason: String)
    /// It was not sent, because the credential is refused or the service is away.
    case held(reason: String)
    /// The request was interrupted from our side.
    case interrupted
}
