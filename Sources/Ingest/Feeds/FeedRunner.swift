import FeedLanguage
import Market

/// One connection of a feed, or its poller, as the supervisor drives it.
///
/// Any thread; nothing here waits.
protocol FeedRunner: AnyObject, Sendable {
    /// Runs until it is stopped or the task is cancelled, then closes its connection and returns.
    func run() async
    /// Other symbols are wanted: those that stay are not interrupted.
    func replaceSymbols(_ symbols: [Symbol])
    /// The feed file has changed: the connection goes on unless its address or its subscription changed.
    func replaceFeed(_ feed: Feed)
    /// Nothing is wanted any more: ``run()`` returns.
    func stop()
}
