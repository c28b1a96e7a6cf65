import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// The TLS context for new connections, made again when the files change; a bad new certificate keeps the old one.
final class TLSContexts: Sendable {
    /// What a look at the files found.
    enum Check: Equatable {
        /// Nothing to do.
        case unchanged
        /// New connections get the new certificate, which is valid until then (seconds since 1970).
        case reloaded(validUntil: Int)
        /// The new files cannot be used, and the old certificate stays.
        ///
        /// Said once for each change.
        case refused(GatewayError)
    }

    /// What changes when a file is replaced or written.
    private struct Fingerprint: Equatable {
        var certificate: Stamp?
        var key: Stamp?

        struct Stamp: Equatable {
            var device: UInt
            var inode: UInt
            var size: Int
            var seconds: Int
            var nanoseconds: Int

            init?(_ path: String) {
                var status = stat()
                guard stat(path, &status) == 0 else { return nil }
                self.device = UInt(status.st_dev)
                self.inode = UInt(status.st_ino)
                self.size = Int(status.st_size)
                self.seconds = status.st_mtim.tv_sec
                self.nanoseconds = status.st_mtim.tv_nsec
            }
        }

        init(_ files: TLSFiles) {
            self.certificate = Stamp(files.certificate)
            self.key = Stamp(files.key)
        }
    }

    private struct State {
        var context: NIOSSLContext
        /// What ``context`` was made of, or what was refused last.
        var settled: Fingerprint
        /// What the last look found.
        var seen: Fingerprint
    }

    let files: TLSFiles
    /// When the certificate that was loaded first ends, in seconds since 1970.
    let validUntil: Int
    private let state: Mutex<State>

    /// Reads the files.
    ///
    /// - Throws: ``GatewayError/certificate(file:reason:)``.
    init(_ files: TLSFiles) throws(GatewayError) {
        self.files = files
        let fingerprint = Fingerprint(files)
        let (context, validUntil) = try Self.load(files)
        self.validUntil = validUntil
        self.state = Mutex(State(context: context, settled: fingerprint, seen: fingerprint))
    }

    /// A handler for a new connection.
    func makeHandler() -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: self.state.withLock { $0.context })
    }

    /// Looks at the files; reads them when they have changed and the last look found the same.
    func check() -> Check {
        let found = Fingerprint(self.files)
        let isNew = self.state.withLock { state in
            defer { state.seen = found }
            guard found != state.settled, found == state.seen else { return false }
            state.settled = found
            return true
        }
        guard isNew else { return .unchanged }
        do throws(GatewayError) {
            let (context, validUntil) = try Self.load(self.files)
            self.state.withLock { $0.context = context }
            return .reloaded(validUntil: validUntil)
        } catch {
            return .refused(error)
        }
    }

    private static func load(_ files: TLSFiles) throws(GatewayError) -> (NIOSSLContext, validUntil: Int) {
        let chain: [NIOSSLCertificate]
        do { chain = try NIOSSLCertificate.fromPEMFile(files.certificate) } catch {
            throw .certificate(file: files.certificate, reason: Self.reason(error, files.certificate, "certificate"))
        }
        guard let first = chain.first else {
            throw .certificate(file: files.certificate, reason: "it holds no certificate")
        }
        let key: NIOSSLPrivateKey
        do {
            // A key with a passphrase must fail, not ask on the terminal.
            key = try NIOSSLPrivateKey(file: files.key, format: .pem) { give in give("".utf8) }
        } catch {
            throw .certificate(file: files.key, reason: Self.reason(error, files.key, "private key without passphrase"))
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do { return (try NIOSSLContext(configuration: configuration), Int(first.notValidAfter)) } catch {
            throw .certificate(
                file: files.certificate, reason: "it does not belong to the private key in \(files.key) (\(error))")
        }
    }

    private static func reason(_ error: any Error, _ file: String, _ what: String) -> String {
        if access(file, R_OK) != 0 { return String(cString: strerror(errno)) }
        return "it is no \(what) in PEM"
    }
}
