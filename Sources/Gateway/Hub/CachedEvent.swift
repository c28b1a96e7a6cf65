import NIOCore

/// What a cache channel holds besides the data.
struct CachedEvent: Equatable {
    /// The event's name.
    var name: String
    /// When it was published.
    var time: NIODeadline
}
