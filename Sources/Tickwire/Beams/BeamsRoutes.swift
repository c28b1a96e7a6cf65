import Beams
import Channels
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Ingest
import Logging
import Market
import NIOCore
import Notifications
import Store
import Synchronization

/// The Beams API: what the web and mobile SDKs and the server SDKs of Pusher Beams call, by the override of their endpoint.
final class BeamsRoutes: Sendable {
    /// Registrations a second over all clients: they come without any credential.
    private static let registrationsPerSecond = 50
    private static let registrationsBurst = 1_000
    /// Publications a second, the limit that the hosted service documents.
    private static let publishesPerSecond = 100

    private let instance: ServedInstance
    private let store: BeamsStore
    private let webKey: String?
    private let endpoints: WebPushEndpointRules
    private let apnsEnvironment: APNsEnvironment
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let registrations: Mutex<TokenBucket>
    private let publishes: Mutex<TokenBucket>

    /// Routes that answer for `instance`.
    ///
    /// - Parameters:
    ///   - instance: Its id and secret key.
    ///   - store: Where devices are kept.
    ///   - webKey: The VAPID public key, base64url; `nil` while Web Push is not set up.
    ///   - endpoints: Where browsers' push services may be.
    ///   - apnsEnvironment: Which of Apple's services devices register with.
    ///   - logger: Where failures are told.
    ///   - now: The time of day.
    init(
        instance: ServedInstance, store: BeamsStore, webKey: String?, endpoints: WebPushEndpointRules,
        apnsEnvironment: APNsEnvironment, logger: Logger, now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.instance = instance
        self.store = store
        self.webKey = webKey
        self.endpoints = endpoints
        self.apnsEnvironment = apnsEnvironment
        self.logger = logger
        self.now = now
        let start = ContinuousClock.now
        self.registrations = Mutex(
            TokenBucket(perSecond: Self.registrationsPerSecond, burst: Self.registrationsBurst, now: start))
        self.publishes = Mutex(
            TokenBucket(perSecond: Self.publishesPerSecond, burst: 2 * Self.publishesPerSecond, now: start))
    }

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        for root in ["device_api", "publish_api", "customer_api", "user_api", "reporting_api"] {
            for method in [HTTPRequest.Method.get, .post, .put, .delete, .options] {
                router.on(RouterPath("/\(root)/**"), method: method) { request, _ in await self.respond(request) }
            }
        }
    }

    private func respond(_ request: Request) async -> Response {
        let isOpen = BeamsRoute.isDeviceAPI(path: request.uri.path)
        if request.method == .options {
            return isOpen ? Self.preflight(request) : Response(status: .noContent)
        }
        do {
            let answer = try await self.answer(request)
            return Self.response(200, answer.bytes, isOpen: isOpen)
        } catch let error as BeamsError {
            return Self.response(error.status, error.json, isOpen: isOpen)
        } catch {
            self.logger.warning("Beams request failed", metadata: ["error": "\(error)"])
            return Self.response(503, BeamsError.unavailable.json, isOpen: isOpen)
        }
    }

    private func answer(_ request: Request) async throws -> JSONValue {
        var query: [String: String] = [:]
        for (name, value) in request.uri.queryParameters { query[String(name)] = Query.decoded(value) }
        guard
            let route = try BeamsRoute(
                method: request.method.rawValue, path: request.uri.path, query: query, instance: self.instance.id)
        else {
            throw BeamsError(status: 404, error: "Not Found", description: "There is nothing at this path.")
        }
        let authorization = request.headers[.authorization]
        switch route {
        case .webKey:
            guard let key = self.webKey else {
                throw BeamsError(
                    status: 404, error: "Not Found",
                    description: "Web Push is not set up on this server. Run 'tickwire push vapid'.")
            }
            return .object(["vapidPublicKey": .string(key)])
        case .register(let platform): return try await self.register(platform, request)
        case .device(let device):
            let known = try await self.known(device)
            return .object([
                "id": .string(known.id), "userId": known.user.map(JSONValue.string) ?? .null,
                "metadata": try JSONValue(parsing: Array(known.metadata.utf8)),
            ])
        case .removeDevice(let device):
            try await self.store.remove(id: device.id, platform: device.platform.rawValue)
        case .interests(let device, let limit, let cursor): return try await self.interests(device, limit, cursor)
        case .setInterests(let device):
            let set = try InterestSet(parsing: try await self.body(request, max: InterestSet.bodyBytesMax))
            try await self.subscribe(device, set.names, authorization) { names in
                try await self.store.setInterests(set.names.map(\.text), of: device.id)
            }
        case .subscribe(let device, let interest):
            try await self.subscribe(device, [interest], authorization) { names in
                guard try await self.store.subscribe(interest.text, id: device.id) else {
                    throw BeamsError(
                        status: 422, error: "Unprocessable Entity",
                        description: "The device has \(InterestSet.countMax) interests, which is the most allowed.")
                }
            }
        case .unsubscribe(let device, let interest):
            _ = try await self.known(device)
            try await self.store.unsubscribe(interest.text, id: device.id)
        case .setUser(let device): try await self.setUser(device, authorization)
        case .setMetadata(let device):
            let body = try await self.body(request, max: DeviceRegistration.bodyBytesMax)
            let metadata = try DeviceRegistration.metadata(parsing: body)
            _ = try await self.known(device)
            try await self.store.setMetadata(Self.json(metadata), id: device.id)
        case .setToken(let device):
            let body = try await self.body(request, max: DeviceRegistration.bodyBytesMax)
            let target = self.target(try DeviceRegistration.newToken(parsing: body))
            let known = try await self.known(device)
            try await self.store.setTarget(target, id: device.id, user: known.user)
        case .report:
            let report = try DeviceReport(parsing: try await self.body(request, max: DeviceReport.bodyBytesMax))
            _ = try await self.store.report(
                report.event.rawValue, publishID: report.publishID, device: report.deviceID, user: report.userID)
        case .publishToInterests:
            try self.checkPublisher(authorization)
            return try await self.publish(
                try Publication(
                    toInterests: try await self.body(request, max: Publication.interestsBodyBytesMax)))
        case .publishToUsers:
            try self.checkPublisher(authorization)
            return try await self.publish(
                try Publication(toUsers: try await self.body(request, max: Publication.usersBodyBytesMax)))
        case .removeUser(let user):
            try self.instance.checkServer(authorization: authorization)
            try await self.store.removeUser(user.text)
        }
        return .object([:])
    }

    // MARK: Devices

    private func register(_ platform: BeamsPlatform, _ request: Request) async throws -> JSONValue {
        guard self.registrations.withLock({ $0.take(now: .now) }) else {
            throw BeamsError.tooManyRequests("Too many devices register at once. Try again in a moment.")
        }
        let body = try await self.body(request, max: DeviceRegistration.bodyBytesMax)
        let registration = try DeviceRegistration(parsing: body, platform: platform, rules: self.endpoints)
        let id = "\(platform.rawValue)-\(UUID().uuidString.lowercased())"
        let interests = try await self.store.register(
            id: id, platform: platform.rawValue, target: self.target(registration.address),
            metadata: Self.json(registration.metadata), previousIDs: registration.previousIDs)
        return .object(["id": .string(id), "initialInterestSet": .array(interests.map(JSONValue.string))])
    }

    private func target(_ address: DeviceRegistration.Address) -> PushTarget {
        switch address {
        case .web(var subscription):
            subscription.beamsInstance = self.instance.id
            return .webPush(subscription)
        case .apns(let token, let bundleID):
            return .apns(APNsDevice(token: token, topic: bundleID, environment: self.apnsEnvironment))
        case .fcm(let token): return .fcm(FCMRecipient(token))
        }
    }

    private func known(_ device: BeamsDevice) async throws -> BeamsDeviceRecord {
        guard let known = try await self.store.device(id: device.id, platform: device.platform.rawValue) else {
            throw BeamsError.unknownDevice(device.id)
        }
        return known
    }

    private func interests(_ device: BeamsDevice, _ limit: Int, _ cursor: String?) async throws -> JSONValue {
        _ = try await self.known(device)
        let names = try await self.store.interests(of: device.id, after: cursor ?? "", limit: limit + 1)
        var metadata: [String: JSONValue] = [:]
        if names.count > limit { metadata["cursor"] = .string(names[limit - 1]) }
        return .object([
            "interests": .array(names.prefix(limit).map(JSONValue.string)), "responseMetadata": .object(metadata),
        ])
    }

    /// Subscribes a device, after what is private among the new interests has been allowed.
    private func subscribe(
        _ device: BeamsDevice, _ names: [InterestName], _ authorization: String?,
        _ store: ([InterestName]) async throws -> Void
    ) async throws {
        let known = try await self.known(device)
        let closed = names.filter(\.isPrivate)
        if !closed.isEmpty {
            let missing = Set(try await self.store.missing(closed.map(\.text), of: device.id))
            try InterestSet.check(
                closed.filter { missing.contains($0.text) }, instance: self.instance, authorization: authorization,
                user: known.user, now: self.seconds)
        }
        try await store(names)
    }

    private func setUser(_ device: BeamsDevice, _ authorization: String?) async throws {
        let text = try ServedInstance.bearer(authorization)
        let token = try BeamsToken(checking: text, instance: self.instance, now: self.seconds)
        _ = try await self.known(device)
        let user = token.userID.text
        switch try await self.store.setUser(user, id: device.id, platform: device.platform.rawValue) {
        case .bound: return
        case .otherUser: throw BeamsError.otherUser(device: device.id)
        case .tooMany: throw BeamsError.tooManyDevices(user: user, limit: BeamsStore.devicesPerUserMax)
        }
    }

    // MARK: Publishing

    private func checkPublisher(_ authorization: String?) throws {
        try self.instance.checkServer(authorization: authorization)
        guard self.publishes.withLock({ $0.take(now: .now) }) else {
            throw BeamsError.tooManyRequests(
                "More than \(Self.publishesPerSecond) publications a second. Try again in a moment.")
        }
    }

    private func publish(_ publication: Publication) async throws -> JSONValue {
        let id = "pubid-\(UUID().uuidString.lowercased())"
        let contents = BeamsContents(publication, publishID: id, instance: self.instance.id, now: self.now()).byPlatform
        let audience: BeamsStore.Audience =
            switch publication.audience {
            case .interests(let names): .interests(names.map(\.text))
            case .users(let users): .users(users.map(\.text))
            }
        let count = try await self.store.publish(id: id, to: audience, contents: contents)
        self.logger.debug("Published", metadata: ["publish.id": "\(id)", "publish.devices": "\(count)"])
        return .object(["publishId": .string(id)])
    }

    // MARK: HTTP

    /// The body, read in time and within `max` bytes.
    private func body(_ request: Request, max: Int) async throws -> [UInt8] {
        do {
            return try await RequestBody.read(request, bytesMax: max)
        } catch RequestBody.Problem.tooLong(let bytesMax) {
            throw BeamsError.tooLarge(limit: bytesMax)
        } catch let problem as RequestBody.Problem {
            throw BeamsError(status: 408, error: "Request Timeout", description: "\(problem.reason).")
        }
    }

    private var seconds: Int64 { self.now().microseconds / 1_000_000 }

    private static func json(_ metadata: [String: String]) -> String {
        String(decoding: JSONValue.object(metadata.mapValues(JSONValue.string)).bytes, as: UTF8.self)
            .replacing("\\u0000", with: "\\ufffd")
    }

    private static func preflight(_ request: Request) -> Response {
        Response(
            status: .noContent,
            headers: [
                .accessControlAllowOrigin: "*", .accessControlAllowMethods: "GET, POST, PUT, DELETE",
                .accessControlAllowHeaders: request.headers[.accessControlRequestHeaders]
                    ?? "authorization, content-type, x-pusher-library",
                .accessControlMaxAge: "7200",
            ])
    }

    /// Devices come from pages of any origin, and nothing is known of them by cookies.
    private static func response(_ status: Int, _ json: [UInt8], isOpen: Bool) -> Response {
        var headers: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
        if isOpen { headers[.accessControlAllowOrigin] = "*" }
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
