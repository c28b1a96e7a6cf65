import Channels
import DequeModule
import Ingest
import Logging
import Market
import Store
import Synchronization

/// Who tokens speak for, kept for a moment so that a page with many channels asks the database once.
///
/// A revoked token works for ``lifetime`` at most; while the database does not answer or is asked too much, for
/// ``staleLifetime``. Unknown tokens are limited; those that were known a moment ago are not counted against that.
final class TokenCache: Sendable {
    /// What is known about a token.
    enum Answer: Sendable, Equatable {
        /// It speaks for somebody.
        case holder(TokenHolder)
        /// It does not exist, or is revoked or expired.
        case unknown
        /// The database does not answer.
        case unavailable
        /// Too many unknown tokens came, or too many wait; nobody is asked about another one.
        case overloaded
    }

    private struct Entry {
        let holder: TokenHolder?
        let since: ContinuousClock.Instant
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var used: [Int64: Timestamp] = [:]
        /// What may be asked in vain.
        var unknown: TokenBucket
        /// Questions on their way.
        var lookUps = 0
        /// Those who wait to ask, the first in front.
        var waiting = Deque<CheckedContinuation<Bool, Never>>()
    }

    /// What is to be done by somebody who may ask.
    private enum Turn {
        /// Somebody else has asked about the same token meanwhile.
        case answered(TokenHolder?)
        /// The database is asked.
        case ask
        /// It is not, for too many ask in vain.
        case refused
    }

    /// How long an answer is believed.
    static let lifetime = Duration.seconds(5)
    /// How long it is believed when the database does not answer.
    static let staleLifetime = Duration.seconds(60)
    private static let entriesMax = 50_000
    /// Questions to the database at once; more wait.
    static let lookUpsMax = 64
    /// Those who wait; more are ``Answer/overloaded``.
    private static let waitingMax = 4096
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
        self.state = Mutex(State(unknown: TokenBucket(perSecond: 100, burst: 1000, now: .now)))
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
        let cached = self.state.withLock { $0.entries[hash] }
        if let cached, now - cached.since < Self.lifetime { return self.checked(cached.holder, time) }
        let stale = cached.flatMap { now - $0.since < Self.staleLifetime ? $0.holder : nil }
        guard await self.enter(waits: stale == nil) else { return stale.map { self.checked($0, time) } ?? .overloaded }
        defer { self.leave() }
        // Who was known a moment ago is hardly unknown now: a flood of others must not keep anybody out.
        switch self.turn(hash, isKnown: stale != nil, now) {
        case .answered(let holder): return self.checked(holder, time)
        case .refused: return .overloaded
        case .ask: break
        }
        do {
            let holder = try await self.lookUp(hash)
            self.state.withLock { state in
                if holder == nil, stale != nil { _ = state.unknown.take(now: now) }
                if holder != nil, stale == nil { state.unknown.giveBack() }
                Self.makeRoom(&state.entries, now)
                state.entries[hash] = Entry(holder: holder, since: now)
            }
            return self.checked(holder, time)
        } catch {
            if !Task.isCancelled { self.logger.warning("Tokens not read", metadata: ["error": "\(error)"]) }
            if let stale { return self.checked(stale, time) }
            self.state.withLock { $0.unknown.giveBack() }
            return .unavailable
        }
    }

    /// Decides and, for a token that is not known, takes from the bucket in one step.
    private func turn(_ hash: [UInt8], isKnown: Bool, _ now: ContinuousClock.Instant) -> Turn {
        self.state.withLock { state -> Turn in
            if let entry = state.entries[hash], now - entry.since < Self.lifetime { return .answered(entry.holder) }
            return isKnown || state.unknown.take(now: now) ? .ask : .refused
        }
    }

    /// Takes one of the places for questions; `false` when there is none.
    ///
    /// Who `waits` gets it when one is free, unless too many wait already.
    /// A place is always given on, so waiting ends with the questions before it, cancelled or not.
    private func enter(waits: Bool) async -> Bool {
        await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
            let verdict = self.state.withLock { state -> Bool? in
                if state.lookUps < Self.lookUpsMax {
                    state.lookUps += 1
                    return true
                }
                guard waits, state.waiting.count < Self.waitingMax else { return false }
                state.waiting.append(continuation)
                return nil
            }
            if let verdict { continuation.resume(returning: verdict) }
        }
    }

    /// Gives the place to the next who waits.
    private func leave() {
        let next = self.state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if let next = state.waiting.popFirst() { return next }
            state.lookUps -= 1
            return nil
        }
        next?.resume(returning: true)
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
        // Holders stay longer, so that a flood of unknown tokens does not make them unknown too.
        entries = entries.filter { _, entry in
            now - entry.since < (entry.holder == nil ? Self.lifetime : Self.staleLifetime)
        }
        if entries.count >= Self.entriesMax { entries = [:] }
    }
}
