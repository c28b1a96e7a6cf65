/// An HTTP request that the caller has to make.
public struct HTTPExchange: Hashable, Sendable {
    /// `GET` or `POST`.
    public var method: String
    /// The full address.
    public var url: String
    /// Headers to send.
    public var headers: [Header]
    /// The body; `nil` for none.
    public var body: String?

    /// Makes a request.
    public init(method: String = "GET", url: String, headers: [Header] = [], body: String? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }

    /// The address without its query, which may carry a key.
    public var shownAddress: String { String(self.url.prefix { $0 != "?" }) }
}

/// An HTTP request with placeholders.
struct RequestTemplate: Hashable, Sendable {
    var method = "GET"
    var url: TextTemplate
    var headers: [HeaderTemplate] = []
    var body: MessageTemplate?

    /// The request, filled in; a JSON body is labelled as such unless the file does it.
    func render(_ context: RenderContext) -> HTTPExchange {
        var headers = self.headers.map { $0.render(context) }
        if let body, body.isJSON, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(Header(name: "Content-Type", value: "application/json"))
        }
        return HTTPExchange(
            method: self.method, url: self.url.render(context, encoding: .address), headers: headers,
            body: self.body?.render(context)
        )
    }
}
