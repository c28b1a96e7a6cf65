/// What is asked before each connection, for a token or an address: `bootstrap` of a feed file.
struct BootstrapPlan: Hashable, Sendable {
    /// A value to keep from an answer.
    struct Capture: Hashable, Sendable {
        var name: String
        /// Where it stands in the JSON; `nil` is the whole body.
        var path: FieldPath?
    }

    /// One request.
    struct Step: Hashable, Sendable {
        var request: RequestTemplate
        var captures: [Capture]
        /// The statuses that count as an answer; empty is any from 200 to 299.
        var statuses: [Int] = []
    }

    /// In order.
    var steps: [Step]
    /// How long the captures serve; `nil` is one connection.
    var validFor: Duration?
}

/// A step between the open socket and the subscription: `onOpen` of a feed file.
enum OpeningStep: Hashable, Sendable {
    case send(MessageTemplate)
    /// A frame for which the file's expectation of that number holds, within a time.
    case expect(number: Int, within: Duration)
    case sleep(Duration)
}
