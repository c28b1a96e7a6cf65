import Channels
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Store
import Synchronization

/// `POST /pusher/auth` and `/pusher/user-auth` for holders of API tokens: what a page with a Pusher client asks before it
/// joins a private channel or signs in.
///
/// Client libraries look at nothing but the status: 200 lets in, everything else is 403 with the reason in the body.
final class AuthRoutes: Sendable {
    /// What a client asks for.
    struct Question: Equatable, Sendable {
        /// The connection.
        var socketID = ""
        /// The channel; `nil` when it signs in.
        var channel: String?
        /// The public key of the app; `nil` is the first app.
        var appKey: String?
    }

    /// Why a client is not let in.
    struct Refusal: Error, Equatable {
        let reason: String
    }

    private static let bodyBytesMax = 16 * 1024
    private static let bodyTimeout = Duration.seconds(10)
    /// Requests a token may make: a page joins all its channels at once.
    private static let burst = 500
    private static let perSecond = 50
    private static let limitsMax = 10_000

    private let apps: [AppSettings]
    private let tokens: TokenCache
    private let origins: [String]
    private let limits = Mutex<[Int64: TokenBucket]>([:])

    /// Routes that answer for `apps`.
    ///
    /// - Parameters:
    ///   - apps: At least one.
    ///   - tokens: Who tokens speak for.
    ///   - origins: Origins of pages that may ask; `*` is any.
    init(apps: [AppSettings], tokens: TokenCache, origins: [String]) {
        self.apps = apps
        self.tokens = tokens
        self.origins = origins
    }

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        for (path, isUser) in [("/pusher/auth", false), ("/pusher/user-auth", true)] {
            router.on(RouterPath(path), method: .options) { request, _ in self.preflight(request) }
            router.on(RouterPath(path), method: .post) { request, _ in await self.respond(request, isUser: isUser) }
        }
    }

    private func respond(_ request: Request, isUser: Bool) async -> Response {
        let origin = request.headers[.origin]
        do {
            let body = try await Self.body(of: request)
            let question = try Self.question(
                body, contentType: request.headers[.contentType] ?? "", query: request.uri.query ?? "")
            let answer = try await self.answer(
                question, authorization: request.headers[.authorization] ?? "", isUser: isUser)
            return self.response(.ok, answer, origin: origin)
        } catch let refusal as Refusal {
            return self.response(.forbidden, #"{"error":\#(JSONText.quoted(refusal.reason))}"#, origin: origin)
        } catch {
            return self.response(.forbidden, #"{"error":"The request could not be read"}"#, origin: origin)
        }
    }

    // MARK: Questions

    /// Reads a body that is form-encoded, as client libraries send it, or a JSON object.
    ///
    /// - Parameters:
    ///   - body: The body.
    ///   - contentType: What the header says it is.
    ///   - query: The query: a page that cannot add to the body may name the app there.
    /// - Returns: The question.
    /// - Throws: ``Refusal``.
    static func question(_ body: [UInt8], contentType: String, query: String) throws(Refusal) -> Question {
        var fields: [String: String] = [:]
        if contentType.lowercased().hasPrefix("application/json") {
            struct Fields: Decodable {
                let socket_id: String?  // swift-format-ignore: AlwaysUseLowerCamelCase
                let channel_name: String?  // swift-format-ignore: AlwaysUseLowerCamelCase
                let app_key: String?  // swift-format-ignore: AlwaysUseLowerCamelCase
            }
            guard let decoded = try? JSONDecoder().decode(Fields.self, from: Data(body)) else {
                throw Refusal(reason: "The body is not a JSON object with socket_id and channel_name, both texts")
            }
            fields["socket_id"] = decoded.socket_id
            fields["channel_name"] = decoded.channel_name
            fields["app_key"] = decoded.app_key
        } else {
            let form = Query(parsing: String(decoding: body, as: UTF8.self)[...])
            for name in ["socket_id", "channel_name", "app_key"] { fields[name] = form[name] }
        }
        guard let socketID = fields["socket_id"], !socketID.isEmpty else {
            throw Refusal(reason: "socket_id is missing: send it form-encoded, as Pusher clients do, or as JSON")
        }
        let appKey = fields["app_key"] ?? Query(parsing: query[...])["app_key"]
        return Question(socketID: socketID, channel: fields["channel_name"], appKey: appKey)
    }

    /// Answers a question.
    ///
    /// - Parameters:
    ///   - question: What is asked.
    ///   - authorization: The header `Authorization`.
    ///   - isUser: Whether a user signs in.
    /// - Returns: JSON.
    /// - Throws: ``Refusal``.
    func answer(_ question: Question, authorization: String, isUser: Bool) async throws(Refusal) -> String {
        let socketID: SocketID
        do { socketID = try SocketID(question.socketID) } catch { throw Refusal(reason: error.description) }
        let holder = try await self.holder(authorization)
        let app = try self.app(question.appKey)
        let answer = AuthAnswer(app: app.app, encryption: app.encryption)
        if isUser { return answer.user(socketID: socketID, userID: holder.userID, userName: holder.userName) }
        guard let name = question.channel, !name.isEmpty else {
            throw Refusal(reason: "channel_name is missing: to sign a user in ask /pusher/user-auth")
        }
        let channel: ChannelName
        do { channel = try ChannelName(name) } catch { throw Refusal(reason: error.description) }
        if let reason = ChannelAccess.refusal(channel, holder: holder, hasEncryption: app.encryption != nil) {
            throw Refusal(reason: reason)
        }
        return answer.channel(channel, socketID: socketID, userID: holder.userID, userName: holder.userName)
    }

    private func holder(_ authorization: String) async throws(Refusal) -> TokenHolder {
        let parts = authorization.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw Refusal(reason: "The header 'Authorization: Bearer TOKEN' is missing")
        }
        guard let secret = TokenSecret(String(parts[1])) else {
            throw Refusal(reason: "The token is not one of Tickwire's: they begin with tw_ ('tickwire tokens create')")
        }
        switch await self.tokens.answer(for: secret) {
        case .holder(let holder):
            guard self.mayAsk(holder.tokenID) else {
                throw Refusal(reason: "Too many requests with this token: \(Self.perSecond) a second are allowed")
            }
            return holder
        case .unknown: throw Refusal(reason: "The token is unknown, revoked or expired")
        case .unavailable: throw Refusal(reason: "Tokens cannot be checked now, try again later")
        case .overloaded: throw Refusal(reason: "Too many unknown tokens are being tried, try again later")
        }
    }

    private func app(_ key: String?) throws(Refusal) -> AppSettings {
        let found = key.map { key in self.apps.first { $0.app.credentials(for: key) != nil } } ?? self.apps.first
        guard let found else { throw Refusal(reason: "There is no app with the key '\((key ?? "").prefix(100))'") }
        return found
    }

    private func mayAsk(_ token: Int64) -> Bool {
        let now = ContinuousClock.now
        return self.limits.withLock { limits in
            if limits.count >= Self.limitsMax {
                limits = limits.filter { !$0.value.isFull(now: now) }
                if limits.count >= Self.limitsMax { limits = [:] }
            }
            let full = TokenBucket(perSecond: Self.perSecond, burst: Self.burst, now: now)
            return limits[token, default: full].take(now: now)
        }
    }

    // MARK: HTTP

    /// The body, read in time: a client that dawdles holds nothing for long.
    private static func body(of request: Request) async throws -> [UInt8] {
        let body = request.body
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                do {
                    return Array(try await body.collect(upTo: Self.bodyBytesMax).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw Refusal(reason: "The body is longer than \(Self.bodyBytesMax) bytes")
                }
            }
            group.addTask {
                try await Task.sleep(for: Self.bodyTimeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() ?? nil else {
                throw Refusal(reason: "The body did not come within \(Self.bodyTimeout)")
            }
            return bytes
        }
    }

    private func preflight(_ request: Request) -> Response {
        var headers = self.headers(origin: request.headers[.origin])
        headers[.accessControlAllowMethods] = "POST, OPTIONS"
        // Whatever a page's client is told to send: only Authorization and the body are read.
        headers[.accessControlAllowHeaders] =
            request.headers[.accessControlRequestHeaders] ?? "Authorization, Content-Type, X-Requested-With"
        headers[.accessControlMaxAge] = "7200"
        return Response(status: .noContent, headers: headers)
    }

    private func response(_ status: HTTPResponse.Status, _ json: String, origin: String?) -> Response {
        var headers = self.headers(origin: origin)
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }

    /// Tokens come in a header and never in cookies, so any origin may be allowed.
    private func headers(origin: String?) -> HTTPFields {
        if self.origins.contains("*") { return [.accessControlAllowOrigin: "*"] }
        guard let origin, self.origins.contains(origin) else { return [.vary: "Origin"] }
        return [.accessControlAllowOrigin: origin, .vary: "Origin"]
    }
}
