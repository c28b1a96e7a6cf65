import FoundationEssentials

/// Reading what push services answer.
enum PushReply {
    /// Bytes of a body that are looked at.
    static let bodyBytesMax = 65_536

    /// The body as a value; `nil` when it is none.
    static func decode<Value: Decodable>(_ type: Value.Type, _ response: PushResponse) -> Value? {
        // An answer that is not what the service documents is judged by its status alone.
        try? JSONDecoder().decode(type, from: Data(response.body.prefix(self.bodyBytesMax)))
    }

    /// A word or sentence of the service's, fit for a log line.
    static func reason(_ status: Int, _ text: String?) -> String {
        let shown = PushText.line(text ?? "", 200)
        return shown.isEmpty ? "HTTP \(status)" : "HTTP \(status) \(shown)"
    }

    /// The beginning of a body as text.
    static func text(_ response: PushResponse) -> String {
        String(decoding: response.body.prefix(200), as: UTF8.self)
    }
}

extension PushTransportFailure {
    /// What no answer means, the same for all services.
    ///
    /// A transport failure never drops a target: one outage would empty the table.
    var verdict: PushVerdict {
        switch self {
        case .refusedStream: .retryOnNewConnection
        case .unreachable, .lost, .timedOut: .retry(after: nil)
        case .forbiddenAddress: .abandon(reason: "the address is not one that requests may go to")
        }
    }
}

extension PushAttempt {
    /// The next rung of the ladder, or the end of it.
    func tooLarge(_ reason: String) -> PushVerdict {
        self.extent.next == nil ? .abandon(reason: reason) : .shrink
    }
}
