/// Where push subscriptions may point: their endpoints are URLs that clients choose.
public struct WebPushEndpointRules: Hashable, Sendable {
    /// Domains, themselves and everything below them; `*` is any.
    public var domains: [String]
    /// Whether plain http will do, as for a test server or a distributor in the own network.
    public var allowsHTTP: Bool

    /// The push services of the browsers.
    public static let browserDomains = [
        "googleapis.com", "google.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com",
    ]

    /// Makes rules; without arguments those for the browsers.
    public init(domains: [String] = Self.browserDomains, allowsHTTP: Bool = false) {
        self.domains = domains
        self.allowsHTTP = allowsHTTP
    }

    /// Checks an endpoint.
    ///
    /// Private addresses behind a permitted name are for the connection to refuse, which knows them.
    ///
    /// - Throws: ``PushError/badTarget(service:part:reason:)``.
    public func check(_ endpoint: String) throws(PushError) {
        guard let url = PushURL(endpoint) else {
            throw Self.bad(
                "is not an absolute URL of printable ASCII with at most 2048 bytes, without user or fragment")
        }
        guard url.scheme == "https" || self.allowsHTTP else { throw Self.bad("must begin with https://") }
        guard self.domains.contains(where: { $0 == "*" || url.isWithin($0) }) else {
            throw Self.bad(
                "has the host \(PushText.line(url.host, 100)), which is not allowed; add it to push.webPush.hosts if it is a"
                    + " push service of yours")
        }
    }

    private static func bad(_ reason: String) -> PushError {
        .badTarget(service: "Web Push", part: "endpoint", reason: reason)
    }
}
