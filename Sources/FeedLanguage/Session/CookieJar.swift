/// Cookies between the requests of a bootstrap and the connection after them: as much of RFC 6265 as such chains need.
///
/// Names, values and domains count; paths and expiry do not, since a jar lives no longer than one bootstrap's captures.
struct CookieJar: Hashable, Sendable {
    private struct Cookie: Hashable, Sendable {
        var name: String
        var value: String
        var domain: String
        /// Only for the very host that set it.
        var isHostOnly: Bool
    }

    /// The most cookies that are kept.
    private static let countMax = 50
    private var cookies: [Cookie] = []

    /// Takes the cookies of an answer.
    mutating func take(_ headers: [Header], from url: String) {
        let host = Self.host(of: url)
        for header in headers where header.name.lowercased() == "set-cookie" {
            let parts = header.value.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
            guard let pair = parts.first, let equals = pair.firstIndex(of: "="), equals > pair.startIndex else {
                continue
            }
            var cookie = Cookie(
                name: String(pair[..<equals]), value: String(pair[pair.index(after: equals)...]), domain: host,
                isHostOnly: true
            )
            for part in parts.dropFirst() where part.lowercased().hasPrefix("domain=") {
                let domain = part.dropFirst(7).lowercased().drop { $0 == "." }
                // A cookie for somebody else's domain is not taken: RFC 6265 section 5.3, step 6.
                guard Self.matches(host: host, domain: String(domain)) else { continue }
                cookie.domain = String(domain)
                cookie.isHostOnly = false
            }
            self.cookies.removeAll { $0.name == cookie.name && $0.domain == cookie.domain }
            if !cookie.value.isEmpty, self.cookies.count < Self.countMax { self.cookies.append(cookie) }
        }
    }

    /// The header for a request; `nil` without cookies for its host.
    func header(for url: String) -> Header? {
        let host = Self.host(of: url)
        let fitting = self.cookies.filter { cookie in
            cookie.isHostOnly ? host == cookie.domain : Self.matches(host: host, domain: cookie.domain)
        }
        guard !fitting.isEmpty else { return nil }
        return Header(name: "Cookie", value: fitting.map { "\($0.name)=\($0.value)" }.joined(separator: "; "))
    }

    private static func matches(host: String, domain: String) -> Bool {
        host == domain || (domain.contains(".") && host.hasSuffix(".\(domain)"))
    }

    private static func host(of url: String) -> String {
        guard let mark = url.firstRange(of: "://") else { return "" }
        let authority = url[mark.upperBound...].prefix { $0 != "/" && $0 != "?" }
        if authority.hasPrefix("[") { return String(authority.prefix { $0 != "]" }) }
        return authority.prefix { $0 != ":" }.lowercased()
    }

    private static func trimmed(_ text: Substring) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" }
        let end = start.lastIndex { $0 != " " && $0 != "\t" }
        return end.map { String(start[...$0]) } ?? ""
    }
}
