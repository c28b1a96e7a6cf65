import Channels
import NIOCore
import Synchronization

/// Who is where, over all event loops: subscribers and members of channels, signed-in users and who watches them.
///
/// Loops run at the same time, and yet a member who joins must get a list of members that is followed by exactly the
/// changes it does not contain. So there is one state behind a lock, and an inbox for each loop:
///
/// - A change is made under the lock and leaves its notices in the inboxes of all loops at that moment. Every loop
///   thereby gets the changes of a channel in the one order in which they happened.
/// - Whoever makes a change empties its own loop's inbox in the same moment and acts on it first. What it then sends
///   to the newcomer, and only then adds it to its local channel, is neither older nor newer than what follows.
///
/// The lock is held for a few dictionary accesses, when connections come, go, join and leave, and when a client sends an
/// event that may have to be reported; what is published is delivered without it.
///
/// **Other nodes.** With a ``NodeLedger`` every change of this node is noted there as well, and ``Outcome/mustFlush`` asks for
/// it to be sent. What others say comes in by the same state, without a loop: the notices reach every loop. Remote connections
/// are kept apart per node, so that a lost node's can be taken back.
final class Directory: Sendable {
    /// What a loop has to do after a change.
    struct Outcome<Value: Sendable>: Sendable {
        /// The change's own result.
        var value: Value
        /// What its inbox held: to be acted on before the result.
        var notices: [Notice]
        /// The other loops that must look into their inboxes.
        var wakes: [Int]
        /// When time must be looked at, if nobody has that in mind yet.
        var timer: NIODeadline?
        /// Whether other nodes must be told, and nobody has that in mind yet.
        var mustFlush = false
    }

    /// Hears of activities: everything that happens in the cluster, and what this node is to tell.
    struct Observer: Sendable {
        var all: @Sendable (Int32, ChannelActivity) -> Void
        var ours: @Sendable (Int32, ChannelActivity) -> Void
    }

    private let state: Mutex<DirectoryState>
    private let observer = Mutex<Observer?>(nil)

    /// A directory of nobody; with a ledger when there may be other nodes.
    init(loopCount: Int, options: DirectoryOptions, ledger: NodeLedger? = nil) {
        var state = DirectoryState(loopCount: loopCount, options: options)
        state.ledger = ledger
        self.state = Mutex(state)
    }

    /// Makes a change for a loop, or for none.
    func perform<Value: Sendable>(
        on loop: Int?,
        _ change: (inout DirectoryState) -> Value
    ) -> Outcome<Value> {
        self.state.withLock { state in
            let value = change(&state)
            return Outcome(
                value: value,
                notices: loop.map { state.take($0) } ?? [],
                wakes: state.takeWakes(except: loop),
                timer: state.takeTimer(),
                mustFlush: state.takeFlushWish()
            )
        }
    }

    /// Looks something up.
    func read<Value: Sendable>(_ look: (borrowing DirectoryState) -> Value) -> Value {
        self.state.withLock { look($0) }
    }

    /// Has activities told to `observer`, in their order, on the hub's first loop.
    func setObserver(_ observer: Observer) {
        self.observer.withLock { $0 = observer }
        self.state.withLock { $0.isObserved = true }
    }

    /// Tells the observer; called on the first loop without the lock.
    func tell(_ activity: ChannelActivity, app: Int32, isOurs: Bool, isLate: Bool = false) {
        guard let observer = self.observer.withLock({ $0 }) else { return }
        if !isLate { observer.all(app, activity) }
        if isOurs { observer.ours(app, activity) }
    }
}
