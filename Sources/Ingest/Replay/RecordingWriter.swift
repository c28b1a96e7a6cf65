public import FeedLanguage
import Foundation
public import Market
import Synchronization

/// Writes a feed's traffic into recordings, a file for each connection.
///
/// Values of the feed's environment variables are replaced by `***`. Traffic is only put into a buffer by whoever brings it;
/// ``flush()`` writes it out.
public final class RecordingWriter: Sendable {
    /// What may wait to be written; what comes beyond is lost and counted.
    private static let pendingBytesMax = 256 << 20

    private struct State {
        var pending: [String: [UInt8]] = [:]
        var pendingBytes = 0
        var files: [String: FileHandle] = [:]
        var counts = Counts()
    }

    /// What has been seen since start.
    public struct Counts: Equatable, Sendable {
        /// Frames received.
        public var received = 0
        /// Frames sent.
        public var sent = 0
        /// Requests answered.
        public var answered = 0
        /// Connections opened.
        public var opened = 0
        /// Lines that the disk was too slow for.
        public var lost = 0
    }

    private let path: String
    private let feed: Feed
    private let hasSecrets: Bool
    private let state = Mutex(State())

    /// Makes a writer; no file is made before there is something to write.
    ///
    /// - Parameters:
    ///   - path: The file of the first connection; see ``file(for:)`` for the others.
    ///   - feed: Whose secrets are kept out.
    public init(path: String, feed: Feed) {
        self.path = path
        self.feed = feed
        self.hasSecrets = feed.streams.contains { $0.variables.contains(where: \.isSet) }
    }

    /// What has been seen since start.
    public var counts: Counts { self.state.withLock { $0.counts } }

    /// The files that were begun, sorted.
    public var files: [String] { self.state.withLock { $0.files.keys.sorted() } }

    /// The file of a connection: `acme.rec` for the first, `acme-2.rec` for the second, `acme-trades-1.rec` for a stream's.
    public func file(for connection: String) -> String {
        guard connection != "1" else { return self.path }
        let url = URL(fileURLWithPath: self.path)
        let ending = url.pathExtension.isEmpty ? "" : ".\(url.pathExtension)"
        let base = self.path.hasSuffix(ending) ? String(self.path.dropLast(ending.count)) : self.path
        return base + "-" + connection.replacing(" ", with: "-") + ending
    }

    /// Makes sure that the first file does not exist yet: a recording is never overwritten.
    ///
    /// - Throws: ``IngestError/cannotRecord(path:reason:)``.
    public func checkPath() throws(IngestError) {
        guard FileManager.default.fileExists(atPath: self.path) else { return }
        throw .cannotRecord(path: self.path, reason: "it exists already: remove it, or name another file")
    }

    /// Takes traffic; any thread, never waits.
    public func saw(_ connection: String, _ traffic: FeedTraffic, at time: Timestamp) {
        var line: [UInt8] = []
        switch traffic {
        case .opened(let url): Recording.writeOpened(self.feed.redacted(url), at: time, to: &line)
        case .sent(let url, let bytes):
            Recording.writeSent(self.redacted(bytes), to: self.feed.redacted(url), at: time, to: &line)
        case .received(let bytes): Recording.writeReceived(self.redacted(bytes), at: time, to: &line)
        case .answered(let url, let bytes):
            Recording.writeAnswered(self.redacted(bytes), by: self.feed.redacted(url), at: time, to: &line)
        }
        let bytes = line
        self.state.withLock { state in
            guard state.pendingBytes + bytes.count <= Self.pendingBytesMax else {
                state.counts.lost += 1
                return
            }
            state.pending[connection, default: []] += bytes
            state.pendingBytes += bytes.count
            switch traffic {
            case .opened: state.counts.opened += 1
            case .sent: state.counts.sent += 1
            case .received: state.counts.received += 1
            case .answered: state.counts.answered += 1
            }
        }
    }

    /// Writes out what waits.
    ///
    /// - Throws: ``IngestError/cannotRecord(path:reason:)``.
    public func flush() throws(IngestError) {
        let pending = self.state.withLock { state in
            let pending = state.pending
            state.pending = [:]
            state.pendingBytes = 0
            return pending
        }
        for (connection, bytes) in pending {
            let path = self.file(for: connection)
            let file = try self.open(path)
            do {
                try file.write(contentsOf: Data(bytes))
            } catch {
                throw .cannotRecord(path: path, reason: "\(error)")
            }
        }
    }

    private func open(_ path: String) throws(IngestError) -> FileHandle {
        if let file = self.state.withLock({ $0.files[path] }) { return file }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw .cannotRecord(path: path, reason: "it exists already: remove it, or name another file")
        }
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else {
            throw .cannotRecord(
                path: path, reason: "it cannot be made: check that its folder exists and may be written")
        }
        self.state.withLock { $0.files[path] = file }
        return file
    }

    private func redacted(_ bytes: [UInt8]) -> [UInt8] {
        // What is no text, compressed frames for example, holds no secret that a search could find.
        guard self.hasSecrets, let text = String(validating: bytes, as: UTF8.self) else { return bytes }
        return Array(self.feed.redacted(text).utf8)
    }
}
