extension Feed {
    /// Whether a connection of the one feed may go on under the other: same address, same messages from us, same names.
    ///
    /// What frames mean may differ: that is the decoder's business.
    public func connects(like other: Feed) -> Bool {
        let mine = self.document.connection
        let theirs = other.document.connection
        return Self.isSame(mine.transport, theirs.transport) && mine.limits == theirs.limits
            && mine.idleTimeout == theirs.idleTimeout && mine.dataTimeout == theirs.dataTimeout
            && mine.connectTimeout == theirs.connectTimeout && mine.maximumAge == theirs.maximumAge
            && mine.keepAlive == theirs.keepAlive && mine.bootstrap == theirs.bootstrap
            && mine.opening == theirs.opening && self.environment == other.environment
            && Self.isSame(mine.expectations, theirs.expectations)
            && self.document.subscribe == other.document.subscribe
            && self.document.unsubscribe == other.document.unsubscribe && self.symbolRules == other.symbolRules
    }

    /// Whether two files wait for the same: their text is gone, their conditions are not.
    private static func isSame(_ left: [MessageRule], _ right: [MessageRule]) -> Bool {
        left.map(\.conditions) == right.map(\.conditions)
    }

    private static func isSame(_ left: Transport, _ right: Transport) -> Bool {
        switch (left, right) {
        case (.webSocket(let left), .webSocket(let right)):
            left.url == right.url && left.headers == right.headers
        case (.poll, .poll): true
        case (.webSocket, .poll), (.poll, .webSocket): false
        }
    }
}
