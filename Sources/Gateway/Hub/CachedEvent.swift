import NIOCore

/// What a cache channel holds besides the data.
struct CachedEvent: Equatable {
    /// The event's name.
    var name: String
    /// When it was published.
    var time: NIODeadline
    /// The same as microseconds since 1970, by the publishing node's clock; 0 when nobody needs it.
    var wall: Int64 = 0
    /// Whether another node published it.
    var isRemote = false

    /// Whether it was published before another one.
    ///
    /// Within a node the clock that never goes back decides; between nodes only the time of day can, which is the same
    /// whichever way an event has come.
    func isOlder(than other: CachedEvent) -> Bool {
        self.isRemote || other.isRemote ? self.wall < other.wall : self.time < other.time
    }
}
