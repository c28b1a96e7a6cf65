import Glibc
import Logging

/// A journal's folder: finds what is there when the journal is opened, and repairs it.
struct JournalFolder {
    /// A segment file's name and size, and what its header says.
    private struct Entry {
        let name: SegmentName
        let path: String
        let bytes: Int64
        let header: SegmentHeader.Finding
    }

    let directory: String
    let disk: any JournalDisk
    let logger: Logger

    /// Makes the folder, and those above it, when they are not there.
    func make() throws(JournalError) {
        var path = self.directory.hasPrefix("/") ? "" : "."
        for part in self.directory.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o700) != 0 else { continue }
            let code = errno
            // A folder above that is there may say EACCES or EROFS rather than EEXIST.
            guard access(path, F_OK) == 0 else {
                throw .cannotOpen(path: path, reason: "mkdir: \(String(cString: strerror(code)))")
            }
        }
    }

    /// Reads the id or makes one, and readies the segments for reading and writing.
    ///
    /// Must be called with the lock held.
    func open() throws(JournalError) -> (id: String, trades: OpenedStream, quotes: OpenedStream) {
        var entries: [JournalStream: [Entry]] = [:]
        for name in try self.names().compactMap(SegmentName.init).sorted() {
            entries[name.stream, default: []].append(try self.entry(name))
        }
        let id = try self.id(entries.values.flatMap { $0 })
        let trades = try self.open(.trades, entries[.trades] ?? [], id: id)
        do {
            return (id, trades, try self.open(.quotes, entries[.quotes] ?? [], id: id))
        } catch {
            if let file = trades.file { self.disk.close(file) }
            throw error
        }
    }

    private func names() throws(JournalError) -> [String] {
        do {
            return try self.disk.names(in: self.directory)
        } catch {
            throw .cannotOpen(path: self.directory, reason: error.description)
        }
    }

    private func entry(_ name: SegmentName) throws(JournalError) -> Entry {
        let path = self.directory + "/" + name.text
        do {
            let cursor = try SegmentCursor(self.disk, whole: path)
            let header = try cursor.header()
            if case .otherVersion(let version) = header {
                throw JournalError.unknownVersion(file: path, version: version)
            }
            return Entry(name: name, path: path, bytes: cursor.limit, header: header)
        } catch let error as JournalError {
            throw error
        } catch {
            throw .unreadable(file: path, reason: "\(error)")
        }
    }

    // MARK: The id

    private func id(_ entries: [Entry]) throws(JournalError) -> String {
        let path = self.directory + "/id"
        if let text = try self.text(path) {
            guard let bytes = JournalID.bytes(text) else { throw .damagedID(file: path, content: text) }
            return JournalID.text(bytes)
        }
        guard !entries.isEmpty else {
            let id = JournalID.random()
            try self.writeID(id)
            return id
        }
        // The newest header that can be read knows whose ticks these are.
        let headers = entries.compactMap { entry -> SegmentHeader? in
            if case .header(let header) = entry.header { header } else { nil }
        }
        guard let newest = headers.max(by: { $0.first < $1.first }) else {
            throw .missingID(directory: self.directory)
        }
        try self.writeID(newest.journalID)
        self.logger.warning(
            "The journal's id was missing and is taken from a segment",
            metadata: ["journal.directory": "\(self.directory)", "journal.id": "\(newest.journalID)"])
        return newest.journalID
    }

    /// A short file's text without white space; `nil` when the file is not there.
    private func text(_ path: String) throws(JournalError) -> String? {
        do {
            let file = try self.disk.open(path, isWritable: false)
            defer { self.disk.close(file) }
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
            defer { room.deallocate() }
            let count = try self.disk.read(file, into: room, at: 0)
            return String(decoding: room[..<count], as: UTF8.self).filter { !$0.isWhitespace }
        } catch  where error.isAbsence {
            return nil
        } catch {
            throw .unreadable(file: path, reason: error.description)
        }
    }

    /// Writes the file `id`, so that after a crash it holds either the old id or the new one.
    func writeID(_ id: String) throws(JournalError) {
        let path = self.directory + "/id"
        let newPath = path + ".new"
        do {
            let file = try self.disk.create(newPath)
            defer { self.disk.close(file) }
            try self.disk.writeAll(file, Array((id + "\n").utf8), at: 0)
            try self.disk.sync(file)
            try self.disk.rename(newPath, to: path)
            try self.disk.syncDirectory(self.directory)
        } catch {
            throw .cannotOpen(path: path, reason: error.description)
        }
    }

    // MARK: Segments

    private func open(_ stream: JournalStream, _ entries: [Entry], id: String) throws(JournalError) -> OpenedStream {
        var opened = OpenedStream(stream: stream)
        guard let newest = entries.last else { return opened }
        opened.end = newest.name.first
        do {
            for entry in entries.dropLast() {
                // Shedding empties a file before it removes it.
                guard entry.bytes > 0 else {
                    try self.disk.remove(entry.path)
                    continue
                }
                opened.segments.append(
                    SegmentInfo(
                        path: entry.path, first: entry.name.first, bytes: entry.bytes, readableBytes: entry.bytes))
            }
            try self.open(newest, id: id, into: &opened)
        } catch {
            throw .cannotOpen(path: newest.path, reason: error.description)
        }
        return opened
    }

    /// Readies the newest segment: finds the end of what is sound, and cuts off what is torn.
    private func open(_ entry: Entry, id: String, into opened: inout OpenedStream) throws(DiskError) {
        let first = entry.name.first
        var info = SegmentInfo(path: entry.path, first: first, end: first, bytes: 0, readableBytes: 0)
        let isTorn = try self.scan(entry, &info)
        guard case .header(let header) = entry.header else {
            if info.bytes == 0 {
                // Begun and never filled: its name alone carries the numbering.
                let made = try SegmentChain.create(entry.name, id: id, directory: self.directory, disk: self.disk)
                opened.segments.append(made.info)
                opened.file = made.file
                opened.headerID = id
                try self.disk.sync(made.file)
                opened.segments[opened.segments.count - 1].readableBytes = made.info.bytes
                return
            }
            self.logger.error(
                "A segment of the journal has a damaged header; its ticks can be read",
                metadata: ["journal.file": "\(entry.path)"])
            info.bytes = entry.bytes
            info.readableBytes = entry.bytes
            opened.segments.append(info)
            opened.end = info.end ?? first
            return
        }
        info.bytes = max(info.bytes, Int64(SegmentHeader.bytesCount))
        info.readableBytes = info.bytes
        let file = try self.disk.open(entry.path, isWritable: true)
        do {
            if isTorn {
                self.logger.warning(
                    "The journal's newest segment ended in the middle of a record, which was cut off",
                    metadata: [
                        "journal.file": "\(entry.path)", "journal.offset": "\(info.bytes)",
                        "journal.bytes": "\(entry.bytes - info.bytes)",
                    ])
                try self.disk.truncate(file, to: info.bytes)
            }
            // After a crash of the process alone the last writes may be nowhere but in the page cache.
            try self.disk.sync(file)
        } catch {
            self.disk.close(file)
            throw error
        }
        opened.segments.append(info)
        opened.file = file
        opened.headerID = header.journalID
        opened.end = info.end ?? first
    }

    /// Walks over a segment's records: sets end and holes, and as bytes the end of the last sound record or zero.
    ///
    /// - Returns: Whether there is something behind it.
    private func scan(_ entry: Entry, _ info: inout SegmentInfo) throws(DiskError) -> Bool {
        let file = try self.disk.open(entry.path, isWritable: false)
        let cursor = SegmentCursor(self.disk, file: file, limit: entry.bytes)
        var end = info.first
        defer { info.end = end }
        while true {
            switch try cursor.next(from: end) {
            case .record(let frame):
                if frame.first > end { info.holes.append(end..<frame.first) }
                end = max(end, frame.end)
                info.bytes = cursor.offset
            case .damage(let range):
                self.logger.error(
                    "A segment of the journal is damaged; what is behind the damage can be read",
                    metadata: [
                        "journal.file": "\(entry.path)", "journal.offset": "\(range.lowerBound)",
                        "journal.bytes": "\(range.count)",
                    ])
            case .tail: return true
            case .end: return false
            }
        }
    }
}
