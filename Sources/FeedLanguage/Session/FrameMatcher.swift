import Market

/// Tells which frames are what `onOpen.expect` of a feed file waits for.
///
/// Consulted only while a connection is being set up. One connection each, like a ``FrameDecoder``.
public struct FrameMatcher {
    private let decoders: [FrameDecoder]

    /// Makes a matcher for the expectations of a feed.
    public init(feed: Feed) { self.decoders = feed.expectations.map { FrameDecoder(feed: $0, symbols: []) } }

    /// Whether a frame, or a member of a frame that is a list, meets an expectation.
    ///
    /// - Parameters:
    ///   - number: Which, as ``FeedSession/expectation`` names it.
    ///   - frame: The frame's bytes.
    /// - Returns: `false` also for a number that the feed does not have.
    public func matches(_ number: Int, _ frame: UnsafeRawBufferPointer) -> Bool {
        guard self.decoders.indices.contains(number) else { return false }
        var decoder = self.decoders[number]
        if Self.takes(&decoder, frame) { return true }
        let members = JSONNodeReader.members(of: frame) ?? []
        return members.contains { Self.takes(&decoder, UnsafeRawBufferPointer(rebasing: frame[$0])) }
    }

    private static func takes(_ decoder: inout FrameDecoder, _ frame: UnsafeRawBufferPointer) -> Bool {
        var ticks: [Tick] = []
        // What a frame says about time does not matter here.
        return decoder.decode(frame, receivedTime: Timestamp(nanoseconds: 0), into: &ticks) == .control
    }
}
