/// An absolute URL in the strict form that leaves nothing for two readers to read differently.
///
/// Lower-case scheme, a host of letters, digits, hyphens and full stops or an IPv6 address in brackets, no user, no fragment, no
/// backslash, printable ASCII throughout, at most 2048 bytes.
struct PushURL: Hashable, Sendable {
    /// `https` or `http`.
    let scheme: String
    /// In lower case, without a final full stop; an IPv6 address with its brackets.
    let host: String
    /// The port that was written; `nil` is the scheme's own.
    let port: Int?
    /// The whole text.
    let text: String

    /// Reads `text`; `nil` if it is not of that form.
    init?(_ text: String) {
        guard text.utf8.count <= 2_048, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !text.contains(where: { $0 == "#" || $0 == "\\" })
        else { return nil }
        let scheme = text.hasPrefix("https://") ? "https" : text.hasPrefix("http://") ? "http" : ""
        guard !scheme.isEmpty else { return nil }
        let rest = text.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { return nil }
        let isIPv6 = authority.hasPrefix("[")
        let hostEnd: Substring.Index
        if isIPv6 {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        var host = authority[..<hostEnd].lowercased()
        let portText = authority[hostEnd...]
        if portText.isEmpty {
            self.port = nil
        } else {
            guard portText.first == ":", portText.count <= 6, portText.dropFirst().utf8.allSatisfy(Self.isDigit),
                let port = Int(portText.dropFirst()), (1...65_535).contains(port)
            else { return nil }
            self.port = port
        }
        if host.hasSuffix("."), !isIPv6 { host.removeLast() }
        guard isIPv6 ? Self.isIPv6(host) : Self.isName(host) else { return nil }
        self.scheme = scheme
        self.host = host
        self.text = text
    }

    /// Scheme, host and a port that is not the scheme's own: RFC 6454, section 6.2.
    var origin: String {
        let own = self.scheme == "https" ? 443 : 80
        guard let port = self.port, port != own else { return "\(self.scheme)://\(self.host)" }
        return "\(self.scheme)://\(self.host):\(port)"
    }

    /// Whether the host is `domain` or below it.
    func isWithin(_ domain: String) -> Bool {
        let domain = domain.lowercased()
        return self.host == domain || self.host.hasSuffix("." + domain)
    }

    private static func isName(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy {
                    $0 == UInt8(ascii: "-") || Self.isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                }
        }
    }

    private static func isIPv6(_ host: String) -> Bool {
        let inner = host.dropFirst().dropLast().utf8
        return (2...45).contains(inner.count)
            && inner.allSatisfy {
                $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || Self.isDigit($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
