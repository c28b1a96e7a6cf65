import Channels

/// What an operator sees of one connection.
struct ConnectionReport: Sendable {
    /// One frame that was sent.
    struct Frame: Sendable {
        /// Milliseconds ago.
        var age: Int64
        var bytes: Int
        var head: String
    }

    var id: String
    var app: Int32?
    var transport: String
    /// Whole seconds since it was opened.
    var age: Int
    /// Sorted.
    var channels: [String] = []
    /// Bytes that wait for its socket, and of what is held back for it.
    var bytesWaiting: Int
    var bytesHeld: Int
    var channelsHeld: Int
    var isCongested: Bool
    var merges: UInt32
    var bytesPerSecondMax: Int?
    /// The frames sent since somebody asked for the first time, the oldest first; `nil` where nobody asked.
    var frames: [Frame]?

    /// Everything as a JSON object; without channels and frames in a list.
    func json(appID: String) -> String {
        var members = [
            "\"id\":\"\(self.id)\"", "\"app\":\(JSONText.quoted(appID))", "\"transport\":\"\(self.transport)\"",
            "\"age\":\(self.age)", "\"bytesWaiting\":\(self.bytesWaiting)", "\"bytesHeld\":\(self.bytesHeld)",
            "\"channelsHeld\":\(self.channelsHeld)", "\"congested\":\(self.isCongested)", "\"merges\":\(self.merges)",
            "\"bytesPerSecondMax\":\(self.bytesPerSecondMax.map(String.init) ?? "null")",
        ]
        if let frames {
            let names = self.channels.map { JSONText.quoted($0) }.joined(separator: ",")
            let texts = frames.map { "{\"age\":\($0.age),\"bytes\":\($0.bytes),\"head\":\(JSONText.quoted($0.head))}" }
            members.append("\"channels\":[\(names)]")
            members.append("\"frames\":[\(texts.joined(separator: ","))]")
        }
        return "{\(members.joined(separator: ","))}"
    }
}
