import Glibc
import Synchronization

@testable import Store

/// A disk in memory that can be full, fail, and lose its power.
final class MemoryDisk: JournalDisk {
    /// What goes wrong.
    struct Faults: Sendable {
        /// Bytes that fit on it.
        var capacity = Int.max
        /// Error codes of calls, by the call's name.
        var codes: [String: Int32] = [:]
        /// Bytes that one write takes at most.
        var writeBytesMax = Int.max
        /// Truncating fails as well.
        var isTruncationRefused = false
    }

    private struct Node {
        var bytes: [UInt8] = []
        /// What survives a loss of power.
        var synced: [UInt8] = []
    }

    private struct State {
        var nodes: [Int: Node] = [:]
        var names: [String: Int] = [:]
        var syncedNames: [String: Int] = [:]
        var files: [Int32: Int] = [:]
        var nextFile: Int32 = 1_000
        var nextNode = 0
        var faults = Faults()
        var syncs = 0

        func node(_ file: Int32) throws(DiskError) -> Int {
            guard let node = self.files[file] else { throw DiskError(call: "file", code: EBADF) }
            return node
        }

        func check(_ call: String) throws(DiskError) {
            if let code = self.faults.codes[call] { throw DiskError(call: call, code: code) }
        }

        var bytesUsed: Int {
            let used = Set(self.names.values).union(self.files.values)
            return used.reduce(0) { $0 + (self.nodes[$1]?.bytes.count ?? 0) }
        }

        mutating func open(_ node: Int) -> Int32 {
            self.nextFile += 1
            self.files[self.nextFile] = node
            return self.nextFile
        }
    }

    private let state = Mutex(State())

    var faults: Faults {
        get { self.state.withLock { $0.faults } }
        set { self.state.withLock { $0.faults = newValue } }
    }
    /// Calls of `sync` that went well.
    var syncs: Int { self.state.withLock { $0.syncs } }
    var bytesUsed: Int { self.state.withLock { $0.bytesUsed } }
    var paths: [String] { self.state.withLock { $0.names.keys.sorted() } }

    /// A file's content.
    subscript(path: String) -> [UInt8]? {
        get { self.state.withLock { state in state.names[path].flatMap { state.nodes[$0]?.bytes } } }
        set {
            self.state.withLock { state in
                guard let newValue else { return state.names[path] = nil }
                let node = state.names[path] ?? state.nextNode
                if node == state.nextNode { state.nextNode += 1 }
                state.names[path] = node
                state.syncedNames[path] = node
                state.nodes[node] = Node(bytes: newValue, synced: newValue)
            }
        }
    }

    /// Loses what is not synced, except for some part of what was appended.
    func losePower(using random: inout some RandomNumberGenerator) {
        let luck = Double.random(in: 0...1, using: &random)
        self.state.withLock { state in
            state.names = state.syncedNames
            state.files = [:]
            for (node, content) in state.nodes {
                let kept = Int(Double(max(0, content.bytes.count - content.synced.count)) * luck)
                let bytes = content.synced + content.bytes.dropFirst(content.synced.count).prefix(kept)
                state.nodes[node] = Node(bytes: bytes, synced: bytes)
            }
        }
    }

    func create(_ path: String) throws(DiskError) -> Int32 {
        try self.state.withLock { state throws(DiskError) in
            try state.check("open")
            let node = state.names[path] ?? state.nextNode
            if node == state.nextNode { state.nextNode += 1 }
            state.names[path] = node
            state.nodes[node, default: Node()].bytes = []
            return state.open(node)
        }
    }

    func open(_ path: String, isWritable: Bool) throws(DiskError) -> Int32 {
        try self.state.withLock { state throws(DiskError) in
            guard let node = state.names[path] else { throw DiskError(call: "open", code: ENOENT) }
            return state.open(node)
        }
    }

    func size(_ file: Int32) throws(DiskError) -> Int64 {
        try self.state.withLock { state throws(DiskError) in Int64(state.nodes[try state.node(file)]?.bytes.count ?? 0)
        }
    }

    func read(_ file: Int32, into bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(DiskError) -> Int {
        let content = try self.state.withLock { state throws(DiskError) in
            try state.check("read")
            return state.nodes[try state.node(file)]?.bytes ?? []
        }
        let part = content.dropFirst(Int(offset)).prefix(bytes.count)
        bytes.copyBytes(from: part)
        return part.count
    }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(DiskError) -> Int {
        let bytes = Array(bytes)
        return try self.state.withLock { state throws(DiskError) in
            try state.check("write")
            let node = try state.node(file)
            let room = state.faults.capacity - state.bytesUsed
            let part = bytes.prefix(min(room, state.faults.writeBytesMax))
            guard part.count > 0 else { throw DiskError(call: "write", code: ENOSPC) }
            var content = state.nodes[node]?.bytes ?? []
            state.nodes[node]?.bytes = []
            if content.count < Int(offset) { content += [UInt8](repeating: 0, count: Int(offset) - content.count) }
            content.replaceSubrange(Int(offset)..<min(content.count, Int(offset) + part.count), with: part)
            state.nodes[node]?.bytes = content
            return part.count
        }
    }

    func truncate(_ file: Int32, to size: Int64) throws(DiskError) {
        try self.state.withLock { state throws(DiskError) in
            if state.faults.isTruncationRefused { throw DiskError(call: "ftruncate", code: EIO) }
            let node = try state.node(file)
            if let count = state.nodes[node]?.bytes.count {
                state.nodes[node]?.bytes.removeLast(max(0, count - Int(size)))
            }
        }
    }

    func sync(_ file: Int32) throws(DiskError) {
        try self.state.withLock { state throws(DiskError) in
            try state.check("fdatasync")
            let node = try state.node(file)
            if let bytes = state.nodes[node]?.bytes { state.nodes[node]?.synced = bytes }
            state.syncs += 1
        }
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        try self.state.withLock { state throws(DiskError) in
            try state.check("fsync")
            state.syncedNames = state.names
        }
    }

    func remove(_ path: String) throws(DiskError) {
        try self.state.withLock { state throws(DiskError) in
            try state.check("unlink")
            guard state.names.removeValue(forKey: path) != nil else { throw DiskError(call: "unlink", code: ENOENT) }
        }
    }

    func rename(_ path: String, to newPath: String) throws(DiskError) {
        try self.state.withLock { state throws(DiskError) in
            guard let node = state.names.removeValue(forKey: path) else {
                throw DiskError(call: "rename", code: ENOENT)
            }
            state.names[newPath] = node
        }
    }

    func names(in directory: String) throws(DiskError) -> [String] {
        self.state.withLock { state in
            state.names.keys.compactMap { path in
                path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.utf8.count + 1)) : nil
            }
        }
    }

    func close(_ file: Int32) { self.state.withLock { _ = $0.files.removeValue(forKey: file) } }
}
