import Channels
import NIOCore

/// What an operator asks about connections: signed like everything in the HTTP API, about the app that signs.
extension APIResponder {
    /// Connections listed at most.
    private static let slowMax = 20

    /// `GET /v1/connections` and `GET /v1/connections/ID`: the app is the one whose key signs.
    func connections(_ request: Request, on eventLoop: any EventLoop) -> Reply {
        let key = Query(parsing: request.query)["auth_key"]
        guard let key, let number = self.hub.apps.firstIndex(where: { $0.credentials(for: key) != nil }) else {
            let line =
                key.map { "No app with key '\($0.prefix(40))'. Check auth_key." }
                ?? "Missing parameter 'auth_key'. Sign the request as those of the HTTP API under /apps."
            return .now(.text(.unauthorised, line))
        }
        if let refusal = self.refusal(request, app: self.hub.apps[number]) { return .now(refusal) }
        let route = request.path.split(separator: "/").dropFirst(2)
        return self.connections(route, request, app: Int32(number), on: eventLoop)
    }

    /// The same behind `/apps/ID/connections`.
    func connections(
        _ route: ArraySlice<Substring>, _ request: Request, app: Int32, on eventLoop: any EventLoop
    ) -> Reply {
        guard request.method == "GET", route.count <= 1 else {
            return .now(.text(.notFound, "No such route: \(request.method) \(request.path)"))
        }
        let appID = self.hub.apps[Int(app)].id
        guard let text = route.first else {
            return .later(
                self.hub.slowestConnections(Self.slowMax, app: app, on: eventLoop).map { count, slow in
                    let items = slow.map { $0.json(appID: appID) }.joined(separator: ",")
                    return .json(Array("{\"connections\":\(count),\"slow\":[\(items)]}".utf8))
                }
            )
        }
        guard let id = try? SocketID(Query.decoded(text)) else {
            return .now(.text(.badRequest, "'\(text.prefix(40))' is no socket id. Write it like 1234.5678."))
        }
        return .later(
            self.hub.connection(id, app: app, on: eventLoop).map { report in
                report.map { .json(Array($0.json(appID: appID).utf8)) }
                    ?? .text(.notFound, "No connection \(id) of this app. It has left, or another node has it.")
            }
        )
    }

    /// Why a request is not answered: its signature does not hold.
    private func refusal(_ request: Request, app: App) -> Answer? {
        do throws(RequestSignatureError) {
            _ = try RequestSigning(app: app).verify(
                method: request.method, path: request.path, query: request.query,
                body: UnsafeRawBufferPointer(request.body), now: self.now())
            return nil
        } catch {
            return .text(.unauthorised, error.description)
        }
    }
}
