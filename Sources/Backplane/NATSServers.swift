/// Where NATS is and how to get in.
public struct NATSServers: Sendable, Hashable, CustomStringConvertible {
    /// The addresses as given, each with its scheme.
    ///
    /// Secret: they may carry a user and a password, or a token.
    public let urls: [String]
    /// A file with a user's JWT and key, as `nsc` writes it; `nil` when none is needed.
    public var credentialsFile: String?
    /// A file of certificates that the servers' ones must lead to; `nil` takes the system's.
    public var authorityFile: String?

    /// Whether the connection must be encrypted: one server that asks for it is enough.
    public var isSecure: Bool { self.urls.contains { $0.hasPrefix("tls://") } }

    /// Reads addresses separated by commas; without a scheme they are `nats://`.
    ///
    /// - Throws: ``BackplaneError/invalidServer(_:)`` for the first that is none.
    public init(_ text: String) throws(BackplaneError) {
        var urls: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: true) {
            urls.append(try Self.checked(Self.trimmed(part)))
        }
        guard !urls.isEmpty else { throw .invalidServer(text) }
        self.urls = urls
    }

    /// The servers without users, passwords and tokens.
    public var description: String { self.urls.map { Self.withoutSecret($0) }.joined(separator: ", ") }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    private static func checked(_ text: String) throws(BackplaneError) -> String {
        let url = text.contains("://") ? text : "nats://" + text
        let scheme = url.prefix { $0 != ":" }
        let rest = url.dropFirst(scheme.count + 3)
        let address = rest.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let host: Substring
        var port: Substring?
        if address.hasPrefix("["), let end = address.firstIndex(of: "]") {
            host = address[address.index(after: address.startIndex)..<end]
            let behind = address[address.index(after: end)...]
            port = behind.isEmpty ? nil : behind.hasPrefix(":") ? behind.dropFirst() : "?"
        } else {
            let parts = address.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts[0]
            port = parts.count > 1 ? parts[1] : nil
        }
        let isHost = !host.isEmpty && !host.contains { "/?# \t\n".contains($0) }
        guard scheme == "nats" || scheme == "tls", isHost, port.map({ (1...65535).contains(Int($0) ?? 0) }) ?? true
        else { throw .invalidServer(Self.withoutSecret(text)) }
        return port == nil ? url + ":4222" : url
    }

    private static func withoutSecret(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else { return url }
        let scheme = url.range(of: "://").map { String(url[..<$0.upperBound]) } ?? ""
        return scheme + String(url[url.index(after: at)...])
    }
}

extension String {
    /// Where `text` stands first.
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = self.startIndex
        while start < self.endIndex {
            if self[start...].hasPrefix(text) { return start..<self.index(start, offsetBy: text.count) }
            start = self.index(after: start)
        }
        return nil
    }
}
