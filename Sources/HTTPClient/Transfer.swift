import CCurl
import Glibc

/// One request on its way, used by the curl thread only; libcurl's callbacks get a pointer to it.
final class Transfer {
    let id: UInt64
    let request: HTTPRequest
    let target: HTTPTarget
    let continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>
    /// Freed by ``end()``.
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>

    private var headers: [HTTPHeader] = []
    private var body: [UInt8] = []
    private var isBodyTooLarge = false
    private var refusedAddress: String?
    private var gate: SocketGate?

    init(
        id: UInt64, request: HTTPRequest, target: HTTPTarget,
        continuation: CheckedContinuation<Result<HTTPResponse, HTTPClientError>, Never>
    ) {
        self.id = id
        self.request = request
        self.target = target
        self.continuation = continuation
        self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_slist_free_all(self.headerList)
        self.errorText.deallocate()
    }

    /// Sets every option on a fresh or reset handle.
    ///
    /// - Returns: `nil`, or why it cannot be sent.
    func configure(_ easy: UnsafeMutableRawPointer, settings: TransferSettings) -> HTTPClientError? {
        let pointer = Unmanaged.passUnretained(self).toOpaque()
        let milliseconds = max(1, Int(self.request.timeout / .milliseconds(1)))
        var codes = [
            tw_setopt_string(easy, CURLOPT_URL, self.target.url),
            tw_setopt_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"),
            tw_setopt_string(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https"),
            tw_setopt_string(easy, CURLOPT_USERAGENT, settings.userAgent),
            tw_setopt_string(easy, CURLOPT_ACCEPT_ENCODING, ""),
            tw_setopt_long(easy, CURLOPT_NOSIGNAL, 1),
            tw_setopt_long(easy, CURLOPT_QUICK_EXIT, 1),
            tw_setopt_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)),
            // Over TLS the handshake tells whether one connection serves many requests. In the clear only an answer
            // would, and a host that is slow with the first would hold up all others.
            tw_setopt_long(easy, CURLOPT_PIPEWAIT, self.target.isTLS ? 1 : 0),
            tw_setopt_long(easy, CURLOPT_TIMEOUT_MS, milliseconds),
            tw_setopt_long(easy, CURLOPT_CONNECTTIMEOUT_MS, min(milliseconds, 10_000)),
            tw_setopt_long(easy, CURLOPT_FOLLOWLOCATION, self.request.followRedirects ? 1 : 0),
            tw_setopt_long(easy, CURLOPT_MAXREDIRS, 5),
            tw_setopt_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(max(1, self.request.maxBodyBytes))),
            tw_setopt_pointer(easy, CURLOPT_ERRORBUFFER, self.errorText),
            tw_setopt_pointer(easy, CURLOPT_WRITEDATA, pointer),
            tw_setopt_pointer(easy, CURLOPT_HEADERDATA, pointer),
            tw_setopt_data_callback(easy, CURLOPT_WRITEFUNCTION, receiveBody),
            tw_setopt_data_callback(easy, CURLOPT_HEADERFUNCTION, receiveHeader),
        ]
        if let file = settings.certificateFile { codes.append(tw_setopt_string(easy, CURLOPT_CAINFO, file)) }
        if let folder = settings.certificateFolder { codes.append(tw_setopt_string(easy, CURLOPT_CAPATH, folder)) }
        if let gate = settings.gate {
            self.gate = gate
            codes += [
                tw_setopt_open_socket(easy, openSocket),
                tw_setopt_pointer(easy, CURLOPT_OPENSOCKETDATA, pointer),
                // Push services want connections that stay for hours; the pool decides when one is too old.
                tw_setopt_long(easy, CURLOPT_MAXAGE_CONN, 7 * 86_400),
                tw_setopt_long(easy, CURLOPT_TCP_KEEPALIVE, 1),
                tw_setopt_long(easy, CURLOPT_TCP_KEEPIDLE, 60),
                tw_setopt_long(easy, CURLOPT_TCP_KEEPINTVL, 20),
            ]
        }
        if self.request.addressPolicy == .publicOnly {
            // Every new socket is checked before it connects, and a reused connection before the request is sent.
            codes += [
                tw_setopt_string(easy, CURLOPT_PROXY, ""),
                tw_setopt_open_socket(easy, openSocket),
                tw_setopt_pointer(easy, CURLOPT_OPENSOCKETDATA, pointer),
                tw_setopt_prerequest(easy, checkConnectedAddress),
                tw_setopt_pointer(easy, CURLOPT_PREREQDATA, pointer),
            ]
        }
        codes += self.configureMethod(easy)
        guard self.makeHeaderList() else { return .invalidRequest("a header is malformed or there is no memory") }
        codes.append(tw_setopt_list(easy, CURLOPT_HTTPHEADER, self.headerList))
        guard let failed = codes.first(where: { $0 != CURLE_OK }) else { return nil }
        return .invalidRequest(String(cString: curl_easy_strerror(failed)))
    }

    private func configureMethod(_ easy: UnsafeMutableRawPointer) -> [CURLcode] {
        var codes: [CURLcode] = []
        let method = self.request.method
        if self.request.body != nil || method == "POST" {
            let body = self.request.body ?? []
            codes.append(tw_setopt_long(easy, CURLOPT_POST, 1))
            codes.append(tw_setopt_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            // libcurl copies the bytes here, so the array's storage need not stay where it is.
            body.withUnsafeBytes { bytes in
                let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                if let start, !body.isEmpty {
                    codes.append(tw_setopt_string(easy, CURLOPT_COPYPOSTFIELDS, start))
                } else {
                    codes.append(tw_setopt_string(easy, CURLOPT_COPYPOSTFIELDS, ""))
                }
            }
            if method != "POST" { codes.append(tw_setopt_string(easy, CURLOPT_CUSTOMREQUEST, method)) }
        } else if method == "HEAD" {
            codes.append(tw_setopt_long(easy, CURLOPT_NOBODY, 1))
        } else if method != "GET" {
            codes.append(tw_setopt_string(easy, CURLOPT_CUSTOMREQUEST, method))
        }
        return codes
    }

    private func makeHeaderList() -> Bool {
        var lines = self.request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        let names = Set(self.request.headers.map { $0.name.lowercased() })
        // Without these libcurl waits for "100 Continue" and labels every body as a form.
        if !names.contains("expect") { lines.append("Expect:") }
        if !names.contains("content-type") { lines.append("Content-Type:") }
        for line in lines {
            guard let list = curl_slist_append(self.headerList, line) else { return false }
            self.headerList = list
        }
        return true
    }

    /// Tells what the end of the transfer means.
    func result(_ code: CURLcode, easy: UnsafeMutableRawPointer) -> Result<HTTPResponse, HTTPClientError> {
        let host = self.target.host
        if self.isBodyTooLarge { return .failure(.bodyTooLarge(host: host, limit: self.request.maxBodyBytes)) }
        switch code {
        case CURLE_OK:
            var status = 0
            var version = 0
            tw_getinfo_long(easy, CURLINFO_RESPONSE_CODE, &status)
            tw_getinfo_long(easy, CURLINFO_HTTP_VERSION, &version)
            return .success(
                HTTPResponse(
                    status: status, headers: self.headers, body: self.body,
                    isHTTP2: version == Int(CURL_HTTP_VERSION_2_0)))
        case _ where self.refusedAddress != nil:
            return .failure(.addressRefused(host: host, address: self.refusedAddress ?? ""))
        case CURLE_FILESIZE_EXCEEDED:
            return .failure(.bodyTooLarge(host: host, limit: self.request.maxBodyBytes))
        case CURLE_OPERATION_TIMEDOUT: return .failure(.timedOut(host: host, limit: self.request.timeout))
        case CURLE_COULDNT_RESOLVE_HOST: return .failure(.cannotResolve(host: host))
        case CURLE_COULDNT_RESOLVE_PROXY:
            return .failure(.cannotConnect(host: host, reason: "the proxy's name has no address"))
        case CURLE_COULDNT_CONNECT: return .failure(.cannotConnect(host: host, reason: self.reason(code)))
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            return .failure(.tls(host: host, reason: self.reason(code)))
        case CURLE_HTTP2_STREAM: return .failure(.streamReset(host: host))
        case CURLE_URL_MALFORMAT:
            return .failure(.invalidRequest(String(cString: curl_easy_strerror(code))))
        default: return .failure(.transferFailed(host: host, reason: self.reason(code)))
        }
    }

    /// libcurl's own words, unless they repeat a URL.
    private func reason(_ code: CURLcode) -> String {
        let detail = String(cString: self.errorText)
        if detail.isEmpty || detail.contains("://") || detail.contains("@") {
            return String(cString: curl_easy_strerror(code))
        }
        return detail
    }

    /// Takes a part of the body; false when it exceeds the limit.
    fileprivate func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard self.body.count + bytes.count <= self.request.maxBodyBytes else {
            self.isBodyTooLarge = true
            return false
        }
        self.body.append(contentsOf: bytes)
        return true
    }

    fileprivate func receivedHeader(_ bytes: UnsafeRawBufferPointer) {
        if bytes.starts(with: Array("HTTP/".utf8)) {
            // The answer to a redirect or an interim answer came before: the last one counts.
            self.headers.removeAll()
            self.body.removeAll()
            return
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return }
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
        var value = bytes[(colon + 1)...].drop(while: isBlank)
        while let last = value.last, isBlank(last) { value.removeLast() }
        self.headers.append(
            HTTPHeader(String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }

    /// Whether it may open a socket of its own now.
    fileprivate var maySeparate: Bool { self.gate?.allowsSocket ?? true }

    /// Whether a socket may connect to the address.
    fileprivate func permits(_ address: [UInt8]) -> Bool {
        switch self.request.addressPolicy {
        case .any: true
        case .publicOnly: self.allows(address)
        }
    }

    /// Whether the address is public; remembers a refused one.
    fileprivate func allows(_ address: [UInt8]) -> Bool {
        if IPAddress.isPublic(address) { return true }
        self.refusedAddress = Self.text(address)
        return false
    }

    private static func text(_ address: [UInt8]) -> String {
        if address.count == 4 { return address.map(String.init).joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard address.count == 16,
            inet_ntop(AF_INET6, address, &text, socklen_t(text.count)) != nil
        else { return "of an unknown kind" }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }
}

// The callbacks below run on the curl thread, inside curl_multi_perform, while the transfer is in the loop's table.

private func transfer(_ pointer: UnsafeMutableRawPointer) -> Transfer {
    Unmanaged<Transfer>.fromOpaque(pointer).takeUnretainedValue()
}

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let length = size * count
    return transfer(context).received(UnsafeRawBufferPointer(start: bytes, count: length)) ? length : 0
}

private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let length = size * count
    transfer(context).receivedHeader(UnsafeRawBufferPointer(start: bytes, count: length))
    return length
}

private func openSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    // CURL_SOCKET_BAD is a macro that Swift does not see.
    let refused: curl_socket_t = -1
    guard let context, let address, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return refused }
    guard transfer(context).maySeparate else { return refused }
    let start = UnsafeRawPointer(address) + offset
    let length = Int(address.pointee.addrlen)
    let bytes: [UInt8]
    switch address.pointee.family {
    case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
        bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
    case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
        bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
    default: return refused
    }
    guard transfer(context).permits(bytes) else { return refused }
    let closeOnExec = Int32(bitPattern: SOCK_CLOEXEC.rawValue)
    return socket(address.pointee.family, address.pointee.socktype | closeOnExec, address.pointee.`protocol`)
}

private func checkConnectedAddress(
    _ context: UnsafeMutableRawPointer?, _ remote: UnsafeMutablePointer<CChar>?, _ local: UnsafeMutablePointer<CChar>?,
    _ remotePort: Int32, _ localPort: Int32
) -> Int32 {
    guard let context, let remote else { return CURL_PREREQFUNC_ABORT }
    var four = in_addr()
    var six = in6_addr()
    let bytes: [UInt8]
    if inet_pton(AF_INET, remote, &four) == 1 {
        bytes = withUnsafeBytes(of: four) { Array($0) }
    } else if inet_pton(AF_INET6, remote, &six) == 1 {
        bytes = withUnsafeBytes(of: six) { Array($0) }
    } else {
        return CURL_PREREQFUNC_ABORT
    }
    return transfer(context).allows(bytes) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}
