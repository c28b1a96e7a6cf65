/// The head of a `POST` to `/apps/ID/events` or `/apps/ID/batch_events`; ranges count from the request's first byte.
struct PublishHead: Equatable {
    /// The app's id in the path.
    var app: Range<Int>
    /// As received, without the query.
    var path: Range<Int>
    /// What follows the `?`, as received.
    var query: Range<Int>
    /// Whether it is for `batch_events`.
    var isBatch: Bool
    /// The length of the head, with the empty line.
    var headBytes: Int
    /// The length of the body.
    var bodyBytes: Int

    /// The length of the whole request.
    var bytes: Int { self.headBytes + self.bodyBytes }
}
