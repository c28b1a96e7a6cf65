/// One header of a request or a response.
public struct HTTPHeader: Hashable, Sendable {
    /// The name; compared without regard to letter case.
    public let name: String
    /// The value.
    public let value: String

    /// Makes a header.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Which addresses a request may connect to.
public enum AddressPolicy: Hashable, Sendable {
    /// Any address; the operator's proxy settings (`https_proxy`, `no_proxy`) are respected.
    case any
    /// Only addresses of the public internet, checked on the address that is connected to, so a name that resolves to
    /// another address the second time gains nothing. Connects directly: behind a proxy the address would be unknown.
    case publicOnly
}

/// A request to an http or https URL.
public struct HTTPRequest: Sendable {
    /// `GET`, `POST`, `HEAD`, `PUT`, `DELETE`, `PATCH` or another token.
    public var method: String
    /// An absolute http or https URL.
    public var url: String
    /// The headers; `Host`, `Content-Length` and `User-Agent` are added.
    public var headers: [HTTPHeader]
    /// The body; `nil` for none.
    public var body: [UInt8]?
    /// The limit for everything from the name lookup to the last byte of the answer.
    public var timeout: Duration
    /// How many bytes the answer's body may have after decompression.
    public var maxBodyBytes: Int
    /// Whether up to five redirects are followed, to http and https only.
    public var followRedirects: Bool
    /// Which addresses it may connect to.
    public var addressPolicy: AddressPolicy

    /// Makes a request.
    public init(
        method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8]? = nil,
        timeout: Duration = .seconds(30), maxBodyBytes: Int = 4 << 20, followRedirects: Bool = false,
        addressPolicy: AddressPolicy = .any
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maxBodyBytes = maxBodyBytes
        self.followRedirects = followRedirects
        self.addressPolicy = addressPolicy
    }
}

/// The answer to a request, whatever its status.
public struct HTTPResponse: Hashable, Sendable {
    /// The status code.
    public let status: Int
    /// The headers of the last answer, in their order.
    public let headers: [HTTPHeader]
    /// The body, decompressed.
    public let body: [UInt8]
    /// Whether it came over HTTP/2.
    public let isHTTP2: Bool

    /// Makes an answer, for tests of what reads one.
    public init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = [], isHTTP2: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isHTTP2 = isHTTP2
    }

    /// The value of the first header with this name, in any letter case.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return self.headers.first { $0.name.lowercased() == name }?.value
    }
}
