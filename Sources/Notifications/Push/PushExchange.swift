/// A request to a push service, complete but for the connection.
public struct PushRequest: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// `POST`, `PATCH`, `GET` or `DELETE`.
    public var method: String
    /// The absolute URL.
    ///
    /// Secret where the service puts a token into it.
    public var url: String
    /// The headers, without `host` and `content-length`.
    public var headers: [NotificationHeader]
    /// The body; empty for none.
    public var body: [UInt8]
    /// How much of the content is in it.
    public var extent: PushExtent

    /// Makes a request.
    public init(
        method: String = "POST", url: String, headers: [NotificationHeader] = [], body: [UInt8] = [],
        extent: PushExtent = .full
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.extent = extent
    }

    /// The method and the size, because URL and headers can hold secrets.
    public var description: String { "\(self.method) (\(self.body.count) bytes)" }
    /// The method and the size.
    public var customMirror: Mirror {
        Mirror(self, children: ["method": self.method, "bytes": String(self.body.count)])
    }
}

/// How much of a content goes into a request: each step is one rung of the ladder for requests that are too large.
public enum PushExtent: Int, Hashable, Sendable, CaseIterable, Comparable {
    /// All of it.
    case full
    /// Without the sparkline.
    case withoutSparkline
    /// Also without picture, buttons and all custom pairs but those that name the event.
    case withoutExtras
    /// Also with a body of at most 256 bytes, a title and a subtitle of at most 128.
    case short
    /// Also without link, subtitle and localisation; a body of at most 96 bytes, a title of at most 64.
    case minimal

    /// Larger before smaller.
    public static func < (left: PushExtent, right: PushExtent) -> Bool { left.rawValue < right.rawValue }

    /// The next smaller one; `nil` after the smallest.
    public var next: PushExtent? { PushExtent(rawValue: self.rawValue + 1) }
}

/// A push service's answer.
public struct PushResponse: Hashable, Sendable {
    /// The HTTP status.
    public var status: Int
    /// The headers.
    public var headers: [NotificationHeader]
    /// The body.
    public var body: [UInt8]

    /// Makes an answer.
    public init(status: Int, headers: [NotificationHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The value of the first header `name`, in any case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        return self.headers.first { $0.name.lowercased() == wanted }?.value
    }
}

/// Why there is no answer.
public enum PushTransportFailure: Hashable, Sendable {
    /// No connection came about (name, address, TLS), so the service saw nothing.
    case unreachable
    /// The connection ended or reset the stream before the answer; the service may have acted.
    case lost
    /// The deadline passed; the service may have acted.
    case timedOut
    /// The server refused the stream with GOAWAY or REFUSED_STREAM; it did not act.
    case refusedStream
    /// The address is one that requests may not go to, such as a private one.
    case forbiddenAddress
}

/// What came of a request.
public enum PushOutcome: Hashable, Sendable {
    /// The service answered.
    case answered(PushResponse)
    /// It did not.
    case failed(PushTransportFailure)
}
