import Channels
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Store

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

    private let apps: [AppSettings]
    private let gate: TokenGate
    private let origins: AllowedOrigins

    /// Routes that answer for `apps`.
    ///
    /// - Parameters:
    ///   - apps: At least one.
    ///   - tokens: Who tokens speak for.
    ///   - origins: Origins of pages that may ask; `*` is any.
    init(apps: [AppSettings], tokens: TokenCache, origins: [String]) {
        self.apps = apps
        self.gate = TokenGate(tokens: tokens)
        self.origins = AllowedOrigins(origins)
    }

    /// Adds the routes.
    func add(to router: Router<BasicRequestContext>) {
        for (path, isUser) in [("/pusher/auth", false), ("/pusher/user-auth", true)] {
            router.on(RouterPath(path), method: .options) { request, _ in
                self.origins.preflight(request, methods: "POST, OPTIONS")
            }
            router.on(RouterPath(path), method: .post) { request, _ in await self.respond(request, isUser: isUser) }
        }
    }

    private func respond(_ request: Request, isUser: Bool) async -> Response {
        do {
            let body = try await RequestBody.read(request, bytesMax: Self.bodyBytesMax)
            let question = try Self.question(
                body, contentType: request.headers[.contentType] ?? "", query: request.uri.query ?? "")
            let answer = try await self.answer(
                question, authorization: request.headers[.authorization] ?? "", isUser: isUser)
            return self.response(.ok, answer, to: request)
        } catch let refusal as Refusal {
            return self.response(.forbidden, #"{"error":\#(JSONText.quoted(refusal.reason))}"#, to: request)
        } catch let problem as RequestBody.Problem {
            return self.response(.forbidden, #"{"error":\#(JSONText.quoted(problem.reason))}"#, to: request)
        } catch {
            return self.response(.forbidden, #"{"error":"The request could not be read"}"#, to: request)
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
        do throws(TokenRefusal) { return try await self.gate.holder(authorization) } catch {
            throw Refusal(reason: error.reason)
        }
    }

    private func app(_ key: String?) throws(Refusal) -> AppSettings {
        let found = key.map { key in self.apps.first { $0.app.credentials(for: key) != nil } } ?? self.apps.first
        guard let found else { throw Refusal(reason: "There is no app with the key '\((key ?? "").prefix(100))'") }
        return found
    }

    // MARK: HTTP

    private func response(_ status: HTTPResponse.Status, _ json: String, to request: Request) -> Response {
        var headers = self.origins.headers(for: request)
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json)))
    }
}
