import Beams
import Channels
import Foundation
import Gateway
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
    /// Registrations a second over all clients, and of one address: they come without any credential.
    ///
    /// Many devices may share an address.
    private static let registrationsPerSecond = 50
    private static let registrationsBurst = 1_000
    private static let addressRegistrationsPerSecond = 1
    private static let addressRegistrationsBurst = 100
    /// Publications a second, the limit that the hosted service documents.
    static let publishesPerSecond = 100

    let instance: ServedInstance
    let webhooks: [String]
    let store: BeamsStore
    let endpoints: WebPushEndpointRules
    let apnsEnvironment: APNsEnvironment
    let logger: Logger
    let now: @Sendable () -> Timestamp
    let registrations: Mutex<TokenBucket>
    let addressRegistrations: Mutex<TokenBuckets<ClientAddress>>
    let publishes: Mutex<TokenBucket>
    private let webKey: String?

    /// Routes that answer for `instance`.
    ///
    /// - Parameters:
    ///   - instance: Its id and secret key.
    ///   - webhooks: Who is told of publications to users and of what devices report.
    ///   - store: Where devices are kept.
    ///   - webKey: The VAPID public key, base64url; `nil` while Web Push is not set up.
    ///   - endpoints: Where browsers' push services may be.
    ///   - apnsEnvironment: Which of Apple's services devices register with.
    ///   - logger: Where failures are told.
    ///   - now: The time of day.
    init(
        instance: ServedInstance, webhooks: [String], store: BeamsStore, webKey: String?,
        endpoints: WebPushEndpointRules, apnsEnvironment: APNsEnvironment, logger: Logger,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.instance = instance
        self.webhooks = webhooks
        self.store = store
        self.webKey = webKey
        self.endpoints = endpoints
        self.apnsEnvironment = apnsEnvironment
        self.logger = logger
        self.now = now
        let start = ContinuousClock.now
        self.registrations = Mutex(
            TokenBucket(perSecond: Self.registrationsPerSecond, burst: Self.registrationsBurst, now: start))
        self.addressRegistrations = Mutex(
            TokenBuckets(perSecond: Self.addressRegistrationsPerSecond, burst: Self.addressRegistrationsBurst))
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
            try await self.report(
                try DeviceReport(parsing: try await self.body(request, max: DeviceReport.bodyBytesMax)))
        case .publishToInterests:
            try self.checkPublisher(request)
            let body = try await self.body(request, max: Publication.interestsBodyBytesMax)
            return try await self.publish(try Publication(toInterests: body), body)
        case .publishToUsers:
            try self.checkPublisher(request)
            let body = try await self.body(request, max: Publication.usersBodyBytesMax)
            return try await self.publish(try Publication(toUsers: body), body)
        case .removeUser(let user):
            try self.instance.checkServer(authorization: authorization)
            try await self.store.removeUser(user.text)
        }
        return .object([:])
    }

    // MARK: HTTP

    /// The body, read in time and within `max` bytes.
    func body(_ request: Request, max: Int) async throws -> [UInt8] {
        do {
            return try await RequestBody.read(request, bytesMax: max)
        } catch RequestBody.Problem.tooLong(let bytesMax) {
            throw BeamsError.tooLarge(limit: bytesMax)
        } catch let problem as RequestBody.Problem {
            throw BeamsError(status: 408, error: "Request Timeout", description: "\(problem.reason).")
        }
    }

    var seconds: Int64 { self.now().microseconds / 1_000_000 }

    static func json(_ metadata: [String: String]) -> String {
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
        if status == 429 { headers[.retryAfter] = "1" }
        return Response(
            status: HTTPResponse.Status(code: status), headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}
