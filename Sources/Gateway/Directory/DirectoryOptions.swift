import NIOCore

/// Bounds and times of the ``Directory``.
struct DirectoryOptions {
    /// Users on one presence channel; who comes beyond is refused.
    var presenceUsersMax = 100
    /// Up to this many subscribers every change of their number is told at once, beyond at intervals only.
    var countsAtOnceMax = 100
    /// How often a larger number of subscribers is told.
    var countInterval = TimeAmount.seconds(5)
    /// Changes of watched users are gathered for this long.
    var watchInterval = TimeAmount.milliseconds(500)
    /// When a watched user's going is told at the latest; with others it is told up to ``watchInterval`` sooner.
    ///
    /// One who is back within the difference was never gone.
    var offlineDelay = TimeAmount.milliseconds(1500)
    /// Subscribers who find a cache channel empty within this time count as one burst.
    var cacheMissInterval = TimeAmount.seconds(10)
    /// Bursts remembered at once; beyond, those that are over are forgotten.
    var cacheMissesMax = 10_000
    /// Which apps tell their subscribers how many they are.
    var appsWithCounts: Set<Int32> = []
}
