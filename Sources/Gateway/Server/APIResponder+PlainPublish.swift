import Channels

extension APIResponder {
    /// Checks and answers one plain publish; `request` is the whole of it.
    ///
    /// What is right is recognised on its bytes; what may be wrong is checked again as any other request, so that there is one
    /// text for each mistake.
    func respond(to head: PublishHead, _ request: UnsafeRawBufferPointer) -> Answer {
        let path = UnsafeRawBufferPointer(rebasing: request[head.path])
        let query = UnsafeRawBufferPointer(rebasing: request[head.query])
        let body = UnsafeRawBufferPointer(rebasing: request[head.headBytes...])
        if let number = self.appNumber(UnsafeRawBufferPointer(rebasing: request[head.app])),
            self.hub.apps[number].options.isEnabled,
            RequestSigning(app: self.hub.apps[number])
                .isPlainlySigned(path: path, query: query, body: body, now: self.now())
        {
            // The query has nothing but the signature.
            return self.publish(
                body.bindMemory(to: UInt8.self), Query(parsing: ""), app: Int32(number), isBatch: head.isBatch)
        }
        let checked = Request(
            method: "POST", path: Substring(decoding: path, as: UTF8.self),
            query: Substring(decoding: query, as: UTF8.self), body: body.bindMemory(to: UInt8.self))
        switch self.authorise(checked, app: String(decoding: request[head.app], as: UTF8.self)[...]) {
        case .success((let number, let query)):
            return self.publish(checked.body, query, app: Int32(number), isBatch: head.isBatch)
        case .failure(let refusal): return refusal.answer
        }
    }

    private func appNumber(_ id: UnsafeRawBufferPointer) -> Int? {
        self.hub.apps.firstIndex { app in app.idBytes.withUnsafeBytes { id.equals($0) } }
    }
}
