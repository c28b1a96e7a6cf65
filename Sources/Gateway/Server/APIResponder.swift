import Channels
import NIOCore

/// The HTTP API under `/apps/ID` (protocol section 9), answered on the event loop that read the request.
struct APIResponder: Sendable {
    /// An answer, now or when the other loops have been asked.
    enum Reply {
        case now(Answer)
        case later(EventLoopFuture<Answer>)
    }

    /// One complete request.
    struct Request {
        var method: String
        /// As received, without the query.
        var path: Substring
        /// What follows the `?`, as received.
        var query: Substring
        var body: UnsafeBufferPointer<UInt8>
    }

    let hub: Hub
    private let limits: PublishRequest.Limits
    /// The current time in seconds since 1970.
    let now: @Sendable () -> Int64

    init(hub: Hub, limits: PublishRequest.Limits, now: @escaping @Sendable () -> Int64) {
        self.hub = hub
        self.limits = limits
        self.now = now
    }

    /// Checks and answers one request.
    func respond(to request: Request, on eventLoop: any EventLoop) -> Reply {
        if request.path.hasPrefix("/v1/") { return self.connections(request, on: eventLoop) }
        let parts = request.path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst(2)
        let segments = parts.map { Substring($0) }
        guard let id = segments.first, let number = self.hub.apps.firstIndex(where: { $0.id == id }) else {
            return .now(.text(.notFound, "No app with id '\(segments.first ?? "")'. Check the app id."))
        }
        let app = self.hub.apps[number]
        let query: Query
        do throws(RequestSignatureError) {
            query = try RequestSigning(app: app).verify(
                method: request.method,
                path: request.path,
                query: request.query,
                body: UnsafeRawBufferPointer(request.body),
                now: self.now()
            )
        } catch {
            return .now(.text(.unauthorised, error.description))
        }
        let route = segments.dropFirst()
        switch (request.method, route.first, route.count) {
        case ("POST", "events", 1), ("POST", "batch_events", 1):
            return self.publish(
                request, query, app: Int32(number), isBatch: route.first == "batch_events", on: eventLoop)
        case ("GET", "channels", 1):
            return self.channels(query, app: Int32(number), on: eventLoop)
        case ("GET", "channels", 2):
            return self.channel(route.last ?? "", query, app: Int32(number), on: eventLoop)
        case (_, "connections", _):
            return self.connections(route.dropFirst(), request, app: Int32(number), on: eventLoop)
        default:
            return .now(.text(.notFound, "No such route: \(request.method) \(request.path)"))
        }
    }

    // MARK: Publishing

    private func publish(
        _ request: Request,
        _ query: Query,
        app: Int32,
        isBatch: Bool,
        on eventLoop: any EventLoop
    ) -> Reply {
        let publish: PublishRequest
        do throws(PublishRequest.Failure) {
            publish =
                isBatch
                ? try .batch(body: request.body, limits: self.limits)
                : try .event(body: request.body, query: query, limits: self.limits)
        } catch {
            switch error {
            case .dataTooLarge: return .now(.text(.tooLarge, error.description))
            case .invalid: return .now(.text(.badRequest, error.description))
            }
        }
        let count = publish.events.reduce(0) { $0 + $1.channels.count }
        let dataBytes = publish.events.reduce(0) { $0 + $1.escapedData.count * $1.channels.count }
        var builder = EventBatch.Builder(count: count, dataBytes: dataBytes)
        for event in publish.events {
            for channel in event.channels { builder.append(event, channel: channel, app: app) }
        }
        if count > 0 { self.hub.publish(builder.finish()) }
        guard publish.events.contains(where: { $0.info != nil }) else { return .now(.empty) }
        return self.information(publish, app: app, isBatch: isBatch, on: eventLoop)
    }

    private func information(
        _ publish: PublishRequest,
        app: Int32,
        isBatch: Bool,
        on eventLoop: any EventLoop
    ) -> Reply {
        let names = Set(publish.events.lazy.filter { $0.info != nil }.flatMap(\.channels).map(\.text))
        let counts = self.hub.subscriberCounts(app: app, on: eventLoop) { names.contains($0) }
        return .later(
            counts.map { counts in
                func attributes(_ event: PublishRequest.Event, _ channel: ChannelName) -> String {
                    "{" + Self.attributes(event.info ?? [], channel, counts[channel.text] ?? 0).joined(separator: ",")
                        + "}"
                }
                let items: [String]
                if isBatch {
                    items = publish.events.map { event in event.channels.first.map { attributes(event, $0) } ?? "{}" }
                    return .json(Array("{\"batch\":[\(items.joined(separator: ","))]}".utf8))
                }
                items = publish.events.flatMap { event in
                    event.channels.map { "\(JSONText.quoted($0.text)):\(attributes(event, $0))" }
                }
                return .json(Array("{\"channels\":{\(items.joined(separator: ","))}}".utf8))
            }
        )
    }

    // MARK: Channels

    private func channels(_ query: Query, app: Int32, on eventLoop: any EventLoop) -> Reply {
        let prefix = query["filter_by_prefix"] ?? ""
        let info = PublishRequest.Info(parsing: query["info"] ?? "")
        guard !info.contains(.userCount) || prefix.hasPrefix("presence-") else {
            return .now(.text(.badRequest, "info=user_count needs filter_by_prefix beginning with presence-"))
        }
        let counts = self.hub.subscriberCounts(app: app, on: eventLoop) { $0.hasPrefix(prefix) }
        return .later(
            counts.map { counts in
                let items = counts.sorted { $0.key < $1.key }.map { name, count in
                    // What is subscribed passed the grammar when it was.
                    let attributes = (try? ChannelName(name)).map { Self.attributes(info, $0, count) } ?? []
                    return "\(JSONText.quoted(name)):{\(attributes.joined(separator: ","))}"
                }
                return .json(Array("{\"channels\":{\(items.joined(separator: ","))}}".utf8))
            }
        )
    }

    private func channel(_ text: Substring, _ query: Query, app: Int32, on eventLoop: any EventLoop) -> Reply {
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
        let counts = self.hub.subscriberCounts(app: app, on: eventLoop) { $0 == channel.text }
        return .later(
            counts.map { counts in
                let count = counts[channel.text] ?? 0
                let members = ["\"occupied\":\(count > 0)"] + Self.attributes(info, channel, count)
                return .json(Array("{\(members.joined(separator: ","))}".utf8))
            }
        )
    }

    /// The attributes asked for as far as they apply to the channel.
    private static func attributes(_ info: PublishRequest.Info, _ channel: ChannelName, _ count: Int) -> [String] {
        var attributes: [String] = []
        if info.contains(.userCount), channel.kind.isPresence { attributes.append("\"user_count\":\(count)") }
        if info.contains(.subscriptionCount), !channel.kind.isPresence {
            attributes.append("\"subscription_count\":\(count)")
        }
        return attributes
    }
}
