import Channels

/// What a request for an event stream asks for, checked: `?channels=ticker-BTC-USD,trades-ETH-USD&key=KEY`.
struct EventStreamRequest {
    /// Why a request is refused.
    struct Refusal: Error, Equatable {
        var status: Answer.Status
        var message: String
    }

    /// The app's number in the hub.
    let app: Int32
    /// The channels, none twice.
    let channels: [ChannelName]

    /// Checks a request.
    ///
    /// - Parameters:
    ///   - path: The path as received, which a signature covers.
    ///   - query: What follows the `?`, as received.
    ///   - environment: The apps, limits and rules of channels.
    ///   - now: Seconds since 1970.
    /// - Throws: ``Refusal`` with the status and a line that names the offending value.
    init(
        path: Substring,
        query: Substring,
        environment: ServerEnvironment,
        now: Int64
    ) throws(Refusal) {
        let items = Query(parsing: query)
        let app = try Self.app(items["key"] ?? items["auth_key"], environment.hub.apps)
        let channels = try Self.channels(items, max: environment.options.fallback.streamChannelsMax)
        for channel in channels where channel.kind.isPresence || channel.kind == .serverToUser {
            let reason = "it needs a user. Join it with a Pusher client"
            throw Refusal(status: .badRequest, message: "Channel '\(channel)' is not for event streams: \(reason)")
        }
        if let channel = channels.first(where: { $0.kind.needsSignature }) {
            guard items["auth_signature"] != nil else {
                let fix =
                    "Sign the request as one of the HTTP API: auth_key, auth_timestamp, auth_version, auth_signature"
                throw Refusal(status: .unauthorised, message: "Channel '\(channel)' needs a signature. \(fix)")
            }
            do throws(RequestSignatureError) {
                let signing = RequestSigning(app: environment.hub.apps[Int(app)])
                let empty = UnsafeRawBufferPointer(start: nil, count: 0)
                _ = try signing.verify(method: "GET", path: path, query: query, body: empty, now: now)
            } catch {
                throw Refusal(status: .unauthorised, message: error.description)
            }
        }
        for channel in channels {
            guard let reason = environment.hooks.validateChannel(channel) else { continue }
            throw Refusal(status: .notFound, message: reason)
        }
        self.app = app
        self.channels = channels
    }

    private static func app(_ key: String?, _ apps: [App]) throws(Refusal) -> Int32 {
        guard let key else {
            guard apps.count == 1 else {
                let message = "Missing key: this server has \(apps.count) apps. Choose one with ?key=KEY"
                throw Refusal(status: .badRequest, message: message)
            }
            return 0
        }
        guard let number = apps.firstIndex(where: { $0.credentials(for: key) != nil }) else {
            throw Refusal(status: .unauthorised, message: "No app has the key '\(Self.shortened(key))'. Check the key")
        }
        return Int32(number)
    }

    private static func channels(_ items: Query, max: Int) throws(Refusal) -> [ChannelName] {
        // A name may contain a comma; such a one is given by `channel`.
        let names = items.items.flatMap { item -> [String] in
            switch item.name {
            case "channels": item.value.split(separator: ",").map(String.init)
            case "channel": [item.value]
            default: []
            }
        }
        guard !names.isEmpty else {
            let example = "?channels=ticker-BTC-USD,trades-ETH-USD"
            throw Refusal(status: .badRequest, message: "Missing channels: name at least one, as in \(example)")
        }
        var channels: [ChannelName] = []
        var seen: Set<ChannelName> = []
        do throws(ChannelsError) {
            for name in names {
                let channel = try ChannelName(name)
                if seen.insert(channel).inserted { channels.append(channel) }
            }
        } catch {
            throw Refusal(status: .badRequest, message: error.description)
        }
        guard channels.count <= max else {
            let message = "\(channels.count) channels: an event stream may have \(max). Open another one for the rest"
            throw Refusal(status: .badRequest, message: message)
        }
        return channels
    }

    private static func shortened(_ text: String) -> String {
        text.count <= 100 ? text : text.prefix(100) + "…"
    }
}
