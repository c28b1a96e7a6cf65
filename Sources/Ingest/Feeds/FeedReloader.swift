import FeedLanguage
public import Market

/// Takes changed feed files over while their feeds run.
///
/// A file that does not load or whose tests fail changes nothing: the old one stays in use, and status says why.
public actor FeedReloader {
    private struct Watched {
        let feed: Venue
        let file: String
        /// The file and those that it extends.
        var files: [String]
        var watch: FileWatch
    }

    /// From one look at the files to the next; a change is taken over when two looks agree.
    private static let interval = Duration.milliseconds(500)

    private let supervisor: FeedSupervisor
    private var watched: [Watched] = []

    /// Makes a reloader that watches nothing yet.
    public init(supervisor: FeedSupervisor) { self.supervisor = supervisor }

    /// Watches a running feed's file, and those that it extends.
    public func watch(_ feed: Venue, file: String) {
        let files = FeedLibrary.sources(of: file)
        self.watched.append(
            Watched(feed: feed, file: file, files: files, watch: FileWatch(files.map(FileStamp.init(path:))))
        )
    }

    /// Looks at the files again and again, until cancelled.
    public func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            await self.look()
        }
    }

    /// Looks at every file once.
    package func look() async {
        for index in self.watched.indices {
            let stamps = self.watched[index].files.map(FileStamp.init(path:))
            guard self.watched[index].watch.looked(stamps) else { continue }
            let file = self.watched[index].file
            let result = FeedLibrary.load(file: file)
            let files = FeedLibrary.sources(of: file)
            if files != self.watched[index].files {
                self.watched[index].files = files
                self.watched[index].watch = FileWatch(files.map(FileStamp.init(path:)))
            }
            await self.supervisor.reload(self.watched[index].feed, file: file, result)
        }
    }
}
