/// The members of one event in a publish body, as found.
struct PublishItem {
    private var name: String?
    private var data: [UInt8]?
    private var channel: String?
    private var channels: [String]?
    private var socketID: String?
    private var info: String?

    /// An item without members.
    init() {}

    /// An event for one channel whose data is a raw body.
    init(channel: String, body: UnsafeBufferPointer<UInt8>, query: Query) {
        var escaped: [UInt8] = []
        JSONText.appendEscaped(body, to: &escaped)
        self.name = query["name"]
        self.data = escaped
        self.channel = channel
        self.socketID = query["socket_id"]
        self.info = nil
    }

    /// Reads one object.
    mutating func read(_ reader: inout JSONReader) throws(ChannelsError) {
        var item = PublishItem()
        try reader.readObject { (reader, key) throws(ChannelsError) in
            if reader.matches(key, "data") {
                item.data = try Self.data(&reader)
            } else if reader.matches(key, "name") {
                item.name = try Self.string(&reader)
            } else if reader.matches(key, "channel") {
                item.channel = try Self.string(&reader)
            } else if reader.matches(key, "channels") {
                var list: [String] = []
                try reader.readArray { (reader) throws(ChannelsError) in
                    list.append(reader.decode(try reader.readString()))
                }
                item.channels = list
            } else if reader.matches(key, "socket_id") {
                item.socketID = try Self.string(&reader)
            } else if reader.matches(key, "info") {
                item.info = try Self.string(&reader)
            } else {
                _ = try reader.skipValue()
            }
        }
        self = item
    }

    /// Takes what the body did not have from the query.
    mutating func complete(from query: Query) {
        self.name = self.name ?? query["name"]
        self.channel = self.channel ?? query["channel"]
        self.socketID = self.socketID ?? query["socket_id"]
        self.info = self.info ?? query["info"]
        if self.channels == nil, self.channel == nil {
            let list = query.items.filter { $0.name == "channels[]" }.map(\.value)
            if !list.isEmpty { self.channels = list }
        }
        if self.data == nil, let text = query["data"] {
            var escaped: [UInt8] = []
            Array(text.utf8).withUnsafeBufferPointer { JSONText.appendEscaped($0, to: &escaped) }
            self.data = escaped
        }
    }

    /// The event, when everything needed is there and keeps to the rules.
    func checked(limits: PublishRequest.Limits, isBatch: Bool) throws(PublishRequest.Failure) -> PublishRequest.Event {
        guard let name = self.name, !name.isEmpty else { throw .invalid("Missing parameter 'name', the event's name") }
        try Self.checkName(name)
        guard let data = self.data else { throw .invalid("Missing parameter 'data', a string") }
        if data.count > limits.dataBytesMax {
            // Escapes make the text longer than the data, so only here the exact size matters.
            let bytes = data.withUnsafeBufferPointer { JSONText.unescaped($0).count }
            guard bytes <= limits.dataBytesMax else { throw .dataTooLarge(bytes: bytes, limit: limits.dataBytesMax) }
        }
        var socketID: SocketID?
        do throws(ChannelsError) {
            if let text = self.socketID { socketID = try SocketID(text) }
        } catch { throw .invalid(error.description) }
        return PublishRequest.Event(
            name: name,
            channels: try self.checkedChannels(limits: limits, isBatch: isBatch),
            escapedData: data,
            excludedSocketID: socketID,
            info: self.info.map { PublishRequest.Info(parsing: $0) }
        )
    }

    private func checkedChannels(
        limits: PublishRequest.Limits,
        isBatch: Bool
    ) throws(PublishRequest.Failure) -> [ChannelName] {
        let names: [String]
        if let channels, !isBatch {
            names = channels
        } else if let channel {
            names = [channel]
        } else {
            throw .invalid(
                isBatch
                    ? "Missing parameter 'channel'"
                    : "Missing parameter 'channels', a list of 1 to \(limits.channelsMax)")
        }
        guard (1...limits.channelsMax).contains(names.count) else {
            throw .invalid("The event has \(names.count) channels, 1 to \(limits.channelsMax) are allowed")
        }
        var checked: [ChannelName] = []
        checked.reserveCapacity(names.count)
        do throws(ChannelsError) {
            for name in names {
                let channel = try ChannelName(name)
                if names.count == 1 || !checked.contains(channel) { checked.append(channel) }
            }
        } catch { throw .invalid(error.description) }
        if checked.count > 1, let encrypted = checked.first(where: \.kind.isEncrypted) {
            throw .invalid("Cannot publish to several channels when one is encrypted: '\(encrypted)'")
        }
        return checked
    }

    private static func checkName(_ name: String) throws(PublishRequest.Failure) {
        guard name.utf8.count <= PublishRequest.eventNameLengthMax || name.count <= PublishRequest.eventNameLengthMax
        else {
            throw .invalid(
                """
                The event name '\(ChannelsError.shortened(name))' is longer than \(PublishRequest.eventNameLengthMax) \
                characters
                """
            )
        }
        guard !name.hasPrefix("pusher:"), !name.hasPrefix("pusher_internal:") else {
            throw .invalid(
                "The event name '\(name)' is reserved: names must not begin with pusher: or pusher_internal:")
        }
    }

    /// A string's content as it stands, or any other value's JSON text escaped into a string.
    private static func data(_ reader: inout JSONReader) throws(ChannelsError) -> [UInt8]? {
        switch try reader.peek() {
        case .string:
            return Array(reader.bytes[try reader.readString().range])
        case .null:
            _ = try reader.skipValue()
            return nil
        case .object, .array, .number, .boolean:
            let range = try reader.skipValue()
            var escaped: [UInt8] = []
            JSONText.appendEscaped(UnsafeBufferPointer(rebasing: reader.bytes[range]), to: &escaped)
            return escaped
        }
    }

    private static func string(_ reader: inout JSONReader) throws(ChannelsError) -> String? {
        if try reader.peek() == .null {
            _ = try reader.skipValue()
            return nil
        }
        return reader.decode(try reader.readString())
    }
}
