import CCurl

/// A URL that was checked, and the part of it that may be shown.
struct HTTPTarget {
    let url: String
    /// Host and port as written, without user information.
    let host: String
    let isTLS: Bool

    /// Checks that `text` is an absolute http or https URL with a host.
    init(_ text: String) throws(HTTPClientError) {
        guard let handle = curl_url() else { throw .invalidRequest("no memory for the URL") }
        defer { curl_url_cleanup(handle) }
        let schemePart = text.prefix { $0 != ":" }.lowercased()
        guard schemePart == "http" || schemePart == "https" else {
            throw .invalidRequest("the URL must begin with http:// or https://")
        }
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }),
            curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
            let host = Self.part(CURLUPART_HOST, of: handle), !host.isEmpty
        else { throw .invalidRequest("the URL is malformed; write it as https://host/path without blanks") }
        self.url = text
        self.isTLS = schemePart == "https"
        self.host = Self.part(CURLUPART_PORT, of: handle).map { "\(host):\($0)" } ?? host
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
