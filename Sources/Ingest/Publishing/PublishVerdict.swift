/// What a status of the HTTP API means for the events of a request (protocol section 9).
enum PublishVerdict: Equatable {
    /// The events are published.
    case accepted
    /// Something is wrong with the events: trying them again is of no use.
    case refused
    /// Something is wrong with the app, its key or the clock: nothing will be accepted before a person has acted.
    case blocked
    /// The server has trouble: the same request may succeed later.
    case failed

    /// What `status` means.
    init(status: Int) {
        switch status {
        case 200, 202: self = .accepted
        case 400, 413: self = .refused
        case 401, 403, 404: self = .blocked
        default: self = .failed
        }
    }
}
