package import Market

/// What an answer means for whoever asked.
package enum AnswerVerdict: Equatable, Sendable {
    /// It has been read.
    case content
    /// Nothing has changed since the last answer: 304.
    case unchanged
    /// This request is wrong, others may be right: an unknown symbol for example.
    case refused(reason: String, symbol: Symbol?)
    /// We are to wait before any other request.
    case busy(reason: String, retryAfter: Duration?)
    /// The provider has trouble.
    case failing(reason: String)
    /// The provider does not want us at all.
    case denied(reason: String, retryAfter: Duration?)

    /// Judges an answer by its status and, within the same status, by what its body says.
    ///
    /// - Parameters:
    ///   - answer: What came.
    ///   - hasTicks: Whether the body gave ticks, even if another part of it cannot be read.
    package init(_ answer: HTTPAnswer, hasTicks: Bool) {
        let said = Self.message(answer.outcome)
        let reason = "HTTP status \(answer.status)\(Self.name(answer.status))\(said.map { ": \($0)" } ?? "")"
        switch answer.status {
        case 200..<300: self.init(outcome: answer.outcome, hasTicks: hasTicks)
        case 304: self = .unchanged
        case 300..<400:
            let place = answer.header("Location").map { " to \($0)" } ?? ""
            self = .refused(
                reason: "\(reason): it has moved\(place), put the new address into the feed file", symbol: nil)
        case 401, 402, 403, 407, 451: self = .denied(reason: reason, retryAfter: answer.retryAfter)
        case 418, 429: self = .busy(reason: reason, retryAfter: answer.retryAfter)
        case 408, 425: self = .failing(reason: reason)
        case 400..<500:
            if case .fatal = answer.outcome {
                self = .denied(reason: reason, retryAfter: answer.retryAfter)
            } else if case .providerError(let error) = answer.outcome {
                // A rule that knows the error knows better than the status how long to wait.
                self =
                    error.retryAfter.map { .busy(reason: reason, retryAfter: $0) }
                    ?? .refused(reason: reason, symbol: error.symbol)
            } else {
                self = .refused(reason: reason, symbol: nil)
            }
        default:
            if let wait = answer.retryAfter {
                self = .busy(reason: reason, retryAfter: wait)
            } else {
                self = .failing(reason: reason)
            }
        }
    }

    /// Judges the body of an answer whose status is fine.
    private init(outcome: FrameOutcome?, hasTicks: Bool) {
        switch outcome {
        case nil, .ticks, .control, .ignored, .reconnect, .reply, .acknowledged, .registered: self = .content
        case .providerError(let error):
            let reason = "the provider reports an error: \(error.message)"
            self =
                error.retryAfter.map { .busy(reason: reason, retryAfter: $0) }
                ?? .refused(reason: reason, symbol: error.symbol)
        case .fatal(let message): self = .denied(reason: "the provider refuses: \(message)", retryAfter: nil)
        case .unmatched: self = .refused(reason: "no rule of the feed file takes the answer", symbol: nil)
        case .malformed(let problem):
            self =
                hasTicks ? .content : .refused(reason: "the answer cannot be read: \(problem)", symbol: nil)
        }
    }

    private static func message(_ outcome: FrameOutcome?) -> String? {
        switch outcome {
        case .providerError(let error): error.message.isEmpty ? nil : error.message
        case .fatal(let message): message.isEmpty ? nil : message
        case nil, .ticks, .control, .ignored, .reconnect, .reply, .acknowledged, .registered, .unmatched, .malformed:
            nil
        }
    }

    private static func name(_ status: Int) -> String {
        switch status {
        case 400: " (bad request)"
        case 401: " (unauthorised: check the key)"
        case 402: " (payment required)"
        case 403: " (forbidden: check the key and the plan)"
        case 404: " (not found)"
        case 418: " (banned for asking too often)"
        case 429: " (too many requests)"
        case 451: " (not served from this country)"
        case 500: " (internal server error)"
        case 502: " (bad gateway)"
        case 503: " (service unavailable)"
        case 504: " (gateway timeout)"
        default: ""
        }
    }
}
