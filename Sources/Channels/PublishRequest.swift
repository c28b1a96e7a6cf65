/// The body of `POST /events` or `POST /batch_events`, checked.
public struct PublishRequest: Sendable, Equatable {
    /// What a publisher may ask to be told about a channel in the answer.
    public struct Info: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: UInt8
        /// Wraps bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// How many users are on a presence channel.
        public static let userCount = Info(rawValue: 1)
        /// How many connections are on a channel of any other kind.
        public static let subscriptionCount = Info(rawValue: 2)
        /// The event a cache channel holds.
        public static let cache = Info(rawValue: 4)

        /// Reads a comma-separated list; unknown words are ignored.
        public init(parsing text: String) {
            var info: Info = []
            for word in text.split(separator: ",") {
                switch word {
                case "user_count": info.insert(.userCount)
                case "subscription_count": info.insert(.subscriptionCount)
                case "cache": info.insert(.cache)
                default: continue
                }
            }
            self = info
        }
    }

    /// The longest name of an event, in characters.
    static let eventNameLengthMax = 200

    /// One event for one or several channels.
    public struct Event: Sendable, Equatable {
        /// The event's name.
        public var name: String
        /// The channels, each once.
        public var channels: [ChannelName]
        /// The data string's content, still escaped for the inside of a JSON string, as it goes into the frame.
        public var escapedData: [UInt8]
        /// The connection that does not get the event.
        public var excludedSocketID: SocketID?
        /// What the answer shall tell; `nil` when nothing was asked.
        public var info: Info?
    }

    /// Sizes a request must keep to.
    public struct Limits: Sendable {
        /// Bytes of one event's data.
        ///
        /// Default 100 KiB; the hosted service has 10 240.
        public var dataBytesMax: Int
        /// Events in one batch.
        ///
        /// Default 10, as hosted.
        public var batchMax: Int
        /// Channels of one event.
        ///
        /// Default 100, as hosted.
        public var channelsMax: Int
        /// Bytes of a whole request body.
        ///
        /// Default 1 MiB.
        public var bodyBytesMax: Int

        /// Limits; the defaults are those of the hosted service except for the larger data.
        public init(
            dataBytesMax: Int = 100 * 1024,
            batchMax: Int = 10,
            channelsMax: Int = 100,
            bodyBytesMax: Int = 1024 * 1024
        ) {
            self.dataBytesMax = dataBytesMax
            self.batchMax = batchMax
            self.channelsMax = channelsMax
            self.bodyBytesMax = bodyBytesMax
        }
    }

    /// What can be wrong with a publish.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// Status 413.
        case dataTooLarge(bytes: Int, limit: Int)
        /// Status 400.
        case invalid(String)

        /// One line for the caller.
        public var description: String {
            switch self {
            case .dataTooLarge(let bytes, let limit):
                "The data content of this event is \(bytes) bytes and exceeds the allowed maximum (\(limit) bytes)"
            case .invalid(let reason): reason
            }
        }
    }

    /// The events in the order they were given.
    public var events: [Event]

    /// Reads the body of `POST /events`; members missing there may stand in the query.
    ///
    /// - Throws: What to answer with 400 or 413.
    public static func event(
        body: UnsafeBufferPointer<UInt8>,
        query: Query,
        limits: Limits
    ) throws(Failure) -> PublishRequest {
        var item = PublishItem()
        if !body.isEmpty {
            try Self.checkText(body)
            do throws(ChannelsError) {
                var reader = JSONReader(body)
                try item.read(&reader)
                try reader.finish()
            } catch { throw .invalid(error.description) }
        }
        item.complete(from: query)
        return PublishRequest(events: [try item.checked(limits: limits, isBatch: false)])
    }

    /// Reads the deprecated `POST /channels/NAME/events`: name and socket id in the query, the body is the data.
    ///
    /// - Throws: What to answer with 400 or 413.
    public static func event(
        channel: String,
        body: UnsafeBufferPointer<UInt8>,
        query: Query,
        limits: Limits
    ) throws(Failure) -> PublishRequest {
        try Self.checkText(body)
        let item = PublishItem(channel: channel, body: body, query: query)
        return PublishRequest(events: [try item.checked(limits: limits, isBatch: false)])
    }

    /// Reads the body of `POST /batch_events`.
    ///
    /// - Throws: What to answer with 400 or 413.
    public static func batch(body: UnsafeBufferPointer<UInt8>, limits: Limits) throws(Failure) -> PublishRequest {
        try Self.checkText(body)
        var items: [PublishItem] = []
        var isPresent = false
        do throws(ChannelsError) {
            var reader = JSONReader(body)
            try reader.readObject { (reader, key) throws(ChannelsError) in
                guard reader.matches(key, "batch") else {
                    _ = try reader.skipValue()
                    return
                }
                isPresent = true
                try reader.readArray { (reader) throws(ChannelsError) in
                    var item = PublishItem()
                    try item.read(&reader)
                    items.append(item)
                }
            }
            try reader.finish()
        } catch { throw .invalid(error.description) }
        guard isPresent else { throw .invalid("Missing parameter 'batch', an array of events") }
        guard items.count <= limits.batchMax else {
            throw .invalid("The batch has \(items.count) events, at most \(limits.batchMax) are allowed")
        }
        var events: [Event] = []
        events.reserveCapacity(items.count)
        for item in items { events.append(try item.checked(limits: limits, isBatch: true)) }
        return PublishRequest(events: events)
    }

    private static func checkText(_ body: UnsafeBufferPointer<UInt8>) throws(Failure) {
        guard body.isUTF8 else {
            throw .invalid("The body is not valid UTF-8")
        }
    }
}
