import Channels
import NIOCore

extension APIResponder {
    /// How many subscribers and users channels have over all loops.
    struct Counts: Sendable {
        var subscribers: [String: Int]
        var users: [String: Int]

        /// The attributes asked for as far as they apply to the channel.
        func attributes(_ info: PublishRequest.Info, _ channel: ChannelName) -> [String] {
            var attributes: [String] = []
            if info.contains(.userCount), channel.kind.isPresence {
                attributes.append("\"user_count\":\(self.users[channel.text] ?? 0)")
            }
            if info.contains(.subscriptionCount), !channel.kind.isPresence {
                attributes.append("\"subscription_count\":\(self.subscribers[channel.text] ?? 0)")
            }
            return attributes
        }
    }

    /// Counts of the channels named.
    func counts(of channels: some Sequence<ChannelName>, app: Int32) -> Counts {
        let counts = self.hub.counts(app: app, channels: channels.map(\.text))
        return Counts(subscribers: counts.subscribers, users: counts.users)
    }

    func channels(_ query: Query, app: Int32, on eventLoop: any EventLoop) -> Reply {
        let prefix = query["filter_by_prefix"] ?? ""
        let info = PublishRequest.Info(parsing: query["info"] ?? "")
        guard !info.contains(.userCount) || prefix.hasPrefix("presence-") else {
            return .now(.text(.badRequest, "info=user_count needs filter_by_prefix beginning with presence-"))
        }
        let hub = self.hub
        let counts = hub.subscriberCounts(app: app, on: eventLoop) { $0.hasPrefix(prefix) }
        return .later(
            counts.map { subscribers in
                let users = info.contains(.userCount) ? hub.counts(app: app, channels: subscribers.keys).users : [:]
                let counts = Counts(subscribers: subscribers, users: users)
                let items = subscribers.keys.sorted().map { name in
                    // What is subscribed passed the grammar when it was.
                    let attributes = (try? ChannelName(name)).map { counts.attributes(info, $0) } ?? []
                    return "\(JSONText.quoted(name)):{\(attributes.joined(separator: ","))}"
                }
                return .json(Array("{\"channels\":{\(items.joined(separator: ","))}}".utf8))
            }
        )
    }

    func channel(_ text: Substring, _ query: Query, app: Int32, on eventLoop: any EventLoop) -> Reply {
        let channel: ChannelName
        do throws(ChannelsError) {
            channel = try ChannelName(Query.decoded(text))
        } catch {
            return .now(.text(.badRequest, error.description))
        }
        let info = PublishRequest.Info(parsing: query["info"] ?? "")
        guard !info.contains(.userCount) || channel.kind.isPresence else {
            return .now(.text(.badRequest, "user_count exists for presence channels only, '\(channel)' is none"))
        }
        guard !info.contains(.cache) || channel.kind.isCache else {
            return .now(.text(.badRequest, "cache exists for cache channels only, '\(channel)' is none"))
        }
        let counts = self.counts(of: [channel], app: app)
        let isOccupied = (counts.subscribers[channel.text] ?? 0) > 0
        let members = ["\"occupied\":\(isOccupied)"] + counts.attributes(info, channel)
        @Sendable func answer(_ members: [String]) -> Answer {
            .json(Array("{\(members.joined(separator: ","))}".utf8))
        }
        guard info.contains(.cache) else { return .now(answer(members)) }
        return .later(
            self.cache(channel, app: app, on: eventLoop).map { answer(members + ["\"cache\":\($0)"]) }
        )
    }

    func users(_ text: Substring, app: Int32) -> Reply {
        let channel: ChannelName
        do throws(ChannelsError) {
            channel = try ChannelName(Query.decoded(text))
        } catch {
            return .now(.text(.badRequest, error.description))
        }
        guard channel.kind.isPresence else {
            return .now(.text(.badRequest, "Users exist on presence channels only, '\(channel)' is none"))
        }
        let ids = self.hub.userIDs(app: app, channel: channel.text)
        let items = ids.map { "{\"id\":\(JSONText.quoted($0))}" }
        return .now(.json(Array("{\"users\":[\(items.joined(separator: ","))]}".utf8)))
    }

    /// What a cache channel holds as JSON, `null` when it holds nothing.
    private func cache(_ channel: ChannelName, app: Int32, on eventLoop: any EventLoop) -> EventLoopFuture<String> {
        self.hub.cachedEvent(app: app, channel: channel.text, on: eventLoop).map { event in
            guard let event else { return "null" }
            let seconds = max(0, event.remaining.nanoseconds / 1_000_000_000)
            return "{\"data\":\"\(String(decoding: event.data, as: UTF8.self))\",\"ttl\":\(seconds)}"
        }
    }
}
