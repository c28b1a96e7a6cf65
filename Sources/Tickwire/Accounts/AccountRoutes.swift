import Beams
import Channels
import Foundation
import HTTPTypes
import Hummingbird
import Ingest
import Logging
import Market
import NIOCore
import Notifications
import Store

/// `GET /v1/me`, `/v1/devices` and `/pusher/beams-auth`: who a token speaks for, and where that user is notified.
///
/// Devices, those of a Beams SDK too, take the scope that alerts take: what they are told is alerts.
final class AccountRoutes: Sendable {
    private static let bodyBytesMax = 16 * 1024
    /// How long a Beams token is valid: as long as those of the SDKs for servers.
    private static let beamsTokenSeconds: Int64 = 24 * 3_600

    private static let channelPath: RouterPath = "/v1/live-activities/channel"
    /// How long a client waits for a channel that has to be made.
    private static let channelPatience = Duration.seconds(4)

    private let devices: DeviceStore
    private let beams: ServedInstance?
    private let live: LiveStore
    private let liveSettings: LivePriceSettings
    private let topic: String
    private let environment: APNsEnvironment
    private let problem: @Sendable (Symbol) -> String?
    private let gate: TokenGate
    private let origins: AllowedOrigins
    private let rules: WebPushEndpointRules
    private let logger: Logger

    /// Routes over `devices`.
    ///
    /// - Parameters:
    ///   - devices: Where devices are kept.
    ///   - live: Where live activities and broadcast channels are kept.
    ///   - problem: Why a symbol has no price here; `nil` when it has one.
    ///   - tokens: Who tokens speak for.
    ///   - settings: Allowed origins, and where push services may be.
    ///   - logger: For trouble.
    init(
        devices: DeviceStore, live: LiveStore, problem: @escaping @Sendable (Symbol) -> String?, tokens: TokenCache,
        settings: Settings, logger: Logger
    ) {
        self.devices = devices
        self.beams = settings.beamsInstance
        self.live = live
        self.liveSettings = settings.push.live
        self.topic = settings.apnsTopic
        self.environment = settings.push.apnsEnvironment
        self.problem = problem
        self.gate = TokenGate(tokens: tokens)
        self.origins = AllowedOrigins(settings.authOrigins)
        self.rules = settings.webPushRules
        self.logger = logger
    }

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        self.on(router, "/v1/me", .get, needsAlerts: false) { _, holder, _ in
            let scopes = holder.scopes.map { JSONText.quoted($0.description) }.joined(separator: ",")
            return """
                {"user":\(JSONText.quoted(holder.userID)),"name":\(JSONText.quoted(holder.userName)),"scopes":[\(scopes)]}
                """
        }
        self.on(router, "/v1/devices", .get) { _, holder, _ in
            let devices = try await self.devices.list(user: holder.userID)
            return "{\"devices\":[\(devices.map(Self.json).joined(separator: ","))]}"
        }
        self.on(router, "/v1/devices", .post) { request, holder, _ in
            let body = try await RequestBody.read(request, bytesMax: Self.bodyBytesMax)
            let registration = try DeviceRequestBody(body, rules: self.rules, live: self.liveSettings)
            let device = try await self.devices.register(
                registration.target, user: holder.userID, locale: registration.locale)
            if let wish = registration.wish { try await self.live.register(wish, device: device.id) }
            return Self.json(device)
        }
        self.on(router, "/v1/devices/{id}", .delete) { _, holder, parameters in
            let text = parameters.get("id") ?? ""
            let missing = AlertAPIError(status: .notFound, reason: "There is no device '\(text.prefix(40))'")
            guard let id = Int64(text) else { throw missing }
            do {
                // Another user's device is answered as one that does not exist.
                guard try await self.devices.device(id: id).user == holder.userID else { throw missing }
                try await self.devices.remove(id: id)
            } catch StoreError.unknownDevice { throw missing }
            return "{}"
        }
        self.on(router, "/pusher/beams-auth", .get) { request, holder, _ in
            try Self.beamsToken(
                for: request.uri.queryParameters["user_id"].map { Query.decoded($0) }, holder, self.beams, now: .now)
        }
        self.on(router, Self.channelPath, .get) { request, _, _ in try await self.channel(request) }
        for path in ["/v1/me", "/v1/devices", "/v1/devices/{id}", "/pusher/beams-auth", Self.channelPath.description] {
            router.on(RouterPath(path), method: .options) { request, _ in
                self.origins.preflight(request, methods: "GET, POST, DELETE, OPTIONS")
            }
        }
    }

    /// What the `TokenProvider` of a Beams SDK asks for before it signs a user in.
    ///
    /// - Parameters:
    ///   - userID: Who wants to sign in on the device.
    ///   - holder: Who asks: nobody signs in as somebody else.
    ///   - instance: Whose key signs.
    ///   - now: The token ends a day later.
    /// - Returns: JSON.
    /// - Throws: ``AlertAPIError``.
    static func beamsToken(
        for userID: String?, _ holder: TokenHolder, _ instance: ServedInstance?, now: Timestamp
    ) throws(AlertAPIError) -> String {
        guard let instance else {
            throw AlertAPIError(
                status: .notFound, reason: "There is no Beams instance here: set beams.instance and beams.secretKey")
        }
        guard let userID, !userID.isEmpty else {
            throw AlertAPIError(
                status: .forbidden, reason: "user_id is missing: ask /pusher/beams-auth?user_id=\(holder.userID)")
        }
        guard userID == holder.userID else {
            throw AlertAPIError(
                status: .forbidden,
                reason: "The token is that of '\(holder.userID)' and cannot sign in '\(userID.prefix(60))'")
        }
        do {
            let token = BeamsToken.make(
                for: try BeamsUserID(userID), instance: instance,
                expiry: now.microseconds / 1_000_000 + Self.beamsTokenSeconds)
            return #"{"token":\#(JSONText.quoted(token))}"#
        } catch {
            throw AlertAPIError(status: .forbidden, reason: error.description)
        }
    }

    /// The broadcast channel of a symbol: made when it is first asked for, by the process that has the prices.
    private func channel(_ request: Request) async throws -> String {
        guard let allowed = self.liveSettings.symbols else {
            throw AlertAPIError(
                status: .notFound, reason: "Live prices are not set up here: push.live.symbols is not set")
        }
        let query = request.uri.queryParameters
        let symbol = try Symbol(query["symbol"].map(String.init) ?? "")
        let environment = query["environment"].map { APNsEnvironment(rawValue: String($0)) } ?? self.environment
        guard let environment else {
            throw AlertAPIError(
                status: .unprocessableContent, reason: "environment is production or sandbox", member: "environment")
        }
        guard allowed.contains(symbol) else {
            throw AlertAPIError(
                status: .notFound, reason: "Live prices of \(symbol) are not sent here", member: "symbol")
        }
        if let problem = self.problem(symbol) {
            throw AlertAPIError(status: .notFound, reason: problem, member: "symbol")
        }
        var channel = try await self.live.want(symbol, topic: self.topic, environment: environment)
        let end = ContinuousClock.now + Self.channelPatience
        while channel.id == nil, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(100))
            guard
                let found = try await self.live.channel(symbol, topic: self.topic, environment: environment)
            else { break }
            channel = found
        }
        guard let id = channel.id else {
            throw AlertAPIError(
                status: .serviceUnavailable, reason: "The channel of \(symbol) is not made yet, try again in a moment")
        }
        return """
            {"symbol":"\(symbol)","channel":\(JSONText.quoted(id)),"topic":"\(self.topic)",\
            "environment":"\(environment.rawValue)"}
            """
    }

    private func on(
        _ router: Router<BasicRequestContext>, _ path: RouterPath, _ method: HTTPRequest.Method,
        needsAlerts: Bool = true,
        _ answer: @escaping @Sendable (Request, TokenHolder, Parameters) async throws -> String
    ) {
        router.on(path, method: method) { request, context in
            var headers = self.origins.headers(for: request)
            headers[.contentType] = "application/json"
            headers[.cacheControl] = "no-store"
            do {
                let holder = try await self.gate.holder(request.headers[.authorization] ?? "")
                if needsAlerts, !holder.scopes.contains(where: \.allowsOwnAlerts) {
                    throw AlertAPIError(
                        status: .forbidden, reason: "The token's scopes do not cover devices: the scope 'alerts' does")
                }
                return Self.response(.ok, try await answer(request, holder, context.parameters), headers)
            } catch {
                guard let refusal = AlertAPIError(error) else {
                    self.logger.error("Account request failed", metadata: ["error": "\(error)"])
                    return Self.response(
                        .internalServerError, #"{"error":"The request failed, see the service's log"}"#, headers)
                }
                return Self.response(refusal.status, refusal.json, headers)
            }
        }
    }

    private static func json(_ device: Device) -> String {
        var members = [
            "\"id\":\(device.id)", "\"service\":\"\(device.service.rawValue)\"",
            "\"createdAt\":\"\(device.createdAt)\"",
            "\"lastRegisteredAt\":\"\(device.lastRegisteredAt)\"",
        ]
        if let reason = device.disabledReason { members.append("\"disabled\":\(JSONText.quoted(reason))") }
        return "{\(members.joined(separator: ","))}"
    }

    private static func response(_ status: HTTPResponse.Status, _ json: String, _ headers: HTTPFields) -> Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json + "\n")))
    }
}
