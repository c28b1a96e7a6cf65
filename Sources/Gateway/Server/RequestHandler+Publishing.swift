import NIOCore

/// What ``PublishHandler`` has taken out of the bytes before the HTTP decoder.
extension RequestHandler {
    /// Whether a request may be answered now.
    var takesPublish: Bool {
        if case .idle = self.state { self.context != nil } else { false }
    }

    /// The head of a publish is here and its body is not: the client has as long for it as for any other.
    func publishBegins() {
        guard let context = self.context else { return }
        self.setDeadline(self.environment.options.requestTimeout, context)
    }

    /// Answers a publish; `request` is the whole of it.
    func answer(_ head: PublishHead, _ request: UnsafeRawBufferPointer) {
        guard let context = self.context else { return }
        self.isReading = true
        self.answer(self.responder.respond(to: head, request), isLast: false, context)
    }
}
