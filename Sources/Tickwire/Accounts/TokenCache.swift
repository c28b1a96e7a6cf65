import Ingest
import Logging
import Market
import Store
import Synchronization

/// Who tokens speak for, kept for a moment so that a page with many channels asks the database once.
///
/// A revoked token works for ``lifetime`` at most; while the database does not answer, for ``staleLifetime``.
final class TokenCache: Sendable {
    /// What is known about a token.
    enum Answer: Sendable, Equatable {
        /// It speaks for somebody.
        case holder(TokenHolder)
        /// It does not exist, or is revoked or expired.
        case unknown
        /// The database does not answer.
        case unavailable
        /// Too many unknown tokens came; nobody is asked about another one.
        case overloaded
    }

    private struct Entry {
        let holder: TokenHolder?
        let since: ContinuousClock.Instant
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var used: [Int64: Timestamp] = [:]
        var unknown: RateLimit
    }

    /// How long an answer is believed.
    static let lifetime = Duration.seconds(5)
    /// How long it is believed when the database does not answer.
    static let staleLifetime = Duration.seconds(60)
    private static let entriesMax = 50_000
    /// How often the times of use are written down.
    private static let noteInterval = Duration.seconds(20)

    private let lookUp: @Sendable ([UInt8]) async throws -> TokenHolder?
    private let noteUsed: @Sendable ([Int64: Timestamp]) async throws -> Void
    private let logger: Logger
    private let state: Mutex<State>

    /// A cache that asks `lookUp` for the holder of a hash, and tells `noteUsed` what was used when.
    init(
        lookUp: @escaping @Sendable ([UInt8]) async throws -> TokenHolder?,
        noteUsed: @escaping @Sendable ([Int64: Timestamp]) async throws -> Void, logger: Logger
    ) {
        self.lookUp = lookUp
        self.noteUsed = noteUsed
        self.logger = logger
        self.state = Mutex(State(unknown: RateLimit(burst: 1000, perSecond: 100)))
    }

    /// A cache of what `store` knows.
    convenience init(store: AccountStore, logger: Logger) {
        self.init(
            lookUp: { try await store.holder(hash: $0) }, noteUsed: { try await store.noteUsed($0) }, logger: logger)
    }

    /// Who the token speaks for.
    ///
    /// - Parameters:
    ///   - secret: The token.
    ///   - now: The time on the clock that the cache counts by.
    ///   - time: The time of day, for expiry and last use.
    /// - Returns: What is known.
    func answer(
        for secret: TokenSecret, now: ContinuousClock.Instant = .now, time: Timestamp = .now
    ) async -> Answer {
        let hash = secret.hash
        let (cached, mayAsk) = self.state.withLock { ($0.entries[hash], $0.unknown.isOpen(now: now)) }
        if let cached, now - cached.since < Self.lifetime { return self.checked(cached.holder, time) }
        guard mayAsk else { return .overloaded }
        do {
            let holder = try await self.lookUp(hash)
            self.state.withLock { state in
                if holder == nil { _ = state.unknown.take(now: now) }
                Self.makeRoom(&state.entries, now)
                state.entries[hash] = Entry(holder: holder, since: now)
            }
            return self.checked(holder, time)
        } catch {
            if !Task.isCancelled { self.logger.warning("Tokens not read", metadata: ["error": "\(error)"]) }
            if let holder = cached?.holder, let since = cached?.since, now - since < Self.staleLifetime {
                return self.checked(holder, time)
            }
            return .unavailable
        }
    }

    /// Writes down when tokens were used, until cancelled, and then once more.
    func run() async {
        while !Task.isCancelled {
            // Cancelled, it goes on to the last time.
            try? await Task.sleep(for: Self.noteInterval)
            let used = self.state.withLock { state in
                defer { state.used = [:] }
                return state.used
            }
            guard !used.isEmpty else { continue }
            // Not under the service's cancellation: the last uses count too.
            let noteUsed = self.noteUsed
            let writing = Task { try await noteUsed(used) }
            if case .failure(let error) = await writing.result {
                self.logger.warning("Uses of tokens not written", metadata: ["error": "\(error)"])
            }
        }
    }

    private func checked(_ holder: TokenHolder?, _ time: Timestamp) -> Answer {
        guard let holder else { return .unknown }
        if let expiresAt = holder.expiresAt, expiresAt <= time { return .unknown }
        self.state.withLock { $0.used[holder.tokenID] = time }
        return .holder(holder)
    }

    private static func makeRoom(_ entries: inout [[UInt8]: Entry], _ now: ContinuousClock.Instant) {
        guard entries.count >= Self.entriesMax else { return }
        entries = entries.filter { now - $0.value.since < Self.lifetime }
        if entries.count >= Self.entriesMax { entries = [:] }
    }
}
