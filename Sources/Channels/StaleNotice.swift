/// The data of a `stale` event that a gateway says by itself: the way to the venue's prices is cut.
package enum StaleNotice {
    /// Says what a `tick` was about, and since when it holds.
    ///
    /// - Parameter tick: The newest tick's JSON text.
    /// - Returns: `{"symbol":…,"venue":…,"since":…,"reason":"disconnected"}`; `nil` when the tick is none.
    package static func disconnected(since tick: [UInt8]) -> [UInt8]? {
        var members: [(key: String, value: Range<Int>)] = []
        let isRead = tick.withUnsafeBufferPointer { bytes in
            var reader = JSONReader(bytes)
            do throws(ChannelsError) {
                try reader.readObject { (reader, key) throws(ChannelsError) in
                    let value = try reader.skipValue()
                    if reader.matches(key, "symbol") { members.append(("symbol", value)) }
                    if reader.matches(key, "venue") { members.append(("venue", value)) }
                    if reader.matches(key, "receivedTime") { members.append(("since", value)) }
                }
                try reader.finish()
                return true
            } catch { return false }  // An application's own event: it says nothing about a venue.
        }
        guard isRead, members.contains(where: { $0.key == "symbol" }) else { return nil }
        var output = Array("{".utf8)
        for (key, value) in members {
            output.append(contentsOf: "\"\(key)\":".utf8)
            output.append(contentsOf: tick[value])
            output.append(UInt8(ascii: ","))
        }
        output.append(contentsOf: #""reason":"disconnected"}"#.utf8)
        return output
    }
}
