import Market

/// Compiles `messages` into a ``Program``.
///
/// All paths of all rules go into one trie, so the scanner passes over a frame once whatever the number of rules.
/// Conditions on the frame become verdicts on the values they look at, so rules drop out while the frame is still being read.
struct ProgramBuilder {
    /// A place in a frame.
    final class Tree {
        var slot: Int?
        var watch: Int?
        var keys: [(name: String, tree: Tree)] = []
        var indexes: [(index: Int, tree: Tree)] = []
        var members: (scope: Int, tree: Tree)?
        var entries: (scope: Int, tree: Tree)?

        func key(_ name: String) -> Tree {
            if let known = self.keys.first(where: { $0.name == name }) { return known.tree }
            let tree = Tree()
            self.keys.append((name: name, tree: tree))
            return tree
        }

        func index(_ index: Int) -> Tree {
            if let known = self.indexes.first(where: { $0.index == index }) { return known.tree }
            let tree = Tree()
            self.indexes.append((index: index, tree: tree))
            return tree
        }
    }

    struct Scope {
        var parent: Int
        var tree: Tree
        var slotCount = 0
        var entryKeySlot: Int?
    }

    /// Every pair of a place and a test, numbered.
    struct WatchedTest: Hashable {
        var slot: Int
        var test: Condition.Test
    }

    let file: String
    var scopes = [Scope(parent: 0, tree: Tree())]
    var tests: [WatchedTest: Int] = [:]
    var needs: [UInt64] = []
    var details: [FieldDetail] = []
    var patterns: [TextPattern] = []
    var replies: [ReplyCode] = []
    var channelKinds: [String] = []
    let tableNames: [String]
    let tables: [FactorTable]
    let memory = ProgramMemory()
    /// How many ``ListTail``s a work space needs.
    var tailCount = 0

    /// The most rules a file may have, and the most different tests in their `when`.
    static let limit = 64

    /// Compiles rules.
    ///
    /// - Parameters:
    ///   - rules: In the order in which they are tried.
    ///   - sequence: Where a number stands that counts every frame of a connection.
    ///   - tables: Numbers by symbol that values may name.
    ///   - file: The file's name, for messages.
    /// - Returns: The program.
    /// - Throws: ``FeedFileError`` for paths that lead nowhere and for more rules or tests than the scanner can hold.
    static func build(
        _ rules: [MessageRule], sequence: ValueSource? = nil, tables: [String: FactorTable] = [:], file: String
    ) throws(FeedFileError) -> Program {
        var builder = ProgramBuilder(file: file, tables: tables)
        return try builder.program(rules, sequence: sequence)
    }

    private init(file: String, tables: [String: FactorTable]) {
        self.file = file
        let sorted = tables.sorted { $0.key < $1.key }
        self.tableNames = sorted.map(\.key)
        self.tables = sorted.map(\.value)
    }

    func error(_ mark: SourceMark, _ message: String) -> FeedFileError {
        FeedFileError(file: mark.file ?? self.file, line: mark.line, column: mark.column, message: message)
    }

    mutating func program(_ rules: [MessageRule], sequence: ValueSource?) throws(FeedFileError) -> Program {
        if rules.count > Self.limit {
            throw self.error(rules[Self.limit].mark, "more than \(Self.limit) message rules: join some of them.")
        }
        var compiled: [RuleCode] = []
        var finalRules: UInt64 = 0
        var channelRules: UInt64 = 0
        for (index, rule) in rules.enumerated() {
            var need: UInt64 = 0
            for condition in rule.conditions {
                let reference = try self.reference(condition.path, chain: [0], mark: rule.mark)
                let test = WatchedTest(slot: reference.slot, test: condition.test)
                let number = self.tests[test] ?? self.tests.count
                guard number < Self.limit else {
                    throw self.error(rule.mark, "more than \(Self.limit) different tests in 'when': simplify them.")
                }
                self.tests[test] = number
                need |= 1 << UInt64(number)
            }
            self.needs.append(need)
            let bit = UInt64(1) << UInt64(index)
            if rule.channel != nil { channelRules |= bit } else if case .fixed = rule.body { finalRules |= bit }
            compiled.append(try self.rule(rule))
        }
        let sequenceField = try self.field(sequence, chain: [0])
        // A number on every frame is only seen when every frame is read to its end.
        if sequence != nil { finalRules = 0 }
        var watches = self.buildWatches()
        var verdictCacheCount = 0
        for index in watches.indices where watches[index].affixCount + watches[index].patternCount > 0 {
            watches[index].cache = verdictCacheCount
            verdictCacheCount += 1
        }
        var nodes: [ProgramNode] = []
        _ = self.flatten(self.scopes[0].tree, into: &nodes)
        var guessCount = 0
        for index in nodes.indices where nodes[index].keys != nil {
            nodes[index].guessBase = Int32(guessCount)
            guessCount += KeyGuess.count
        }
        return Program(
            memory: self.memory, nodes: self.memory.store(nodes), watches: self.memory.store(watches),
            watchCount: watches.count, rules: self.memory.store(compiled), needs: self.memory.store(self.needs),
            finalRules: finalRules, allRules: rules.count == Self.limit ? .max : (1 << UInt64(rules.count)) - 1,
            scopes: self.scopes.map { ProgramScope(parent: $0.parent, slotCount: $0.slotCount) },
            guessCount: guessCount, tailCount: self.tailCount,
            verdictCacheCount: verdictCacheCount, details: self.details, patterns: self.patterns,
            tables: self.tables, replies: self.replies, channelKinds: self.channelKinds, channelRules: channelRules,
            sequence: self.memory.store([sequenceField]), takesText: self.scopes[0].tree.slot != nil
        )
    }

    /// The number of a regular expression in ``Program/patterns``.
    mutating func number(of pattern: TextPattern) -> Int {
        if let known = self.patterns.firstIndex(of: pattern) { return known }
        self.patterns.append(pattern)
        return self.patterns.count - 1
    }

    // MARK: Places

    /// The tree that `path` leads to, from the item of the innermost scope in `chain`.
    func place(
        _ path: FieldPath, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> (scope: Int, tree: Tree) {
        let scope: Int
        switch path.origin {
        case .item: scope = chain[chain.count - 1]
        case .frame: scope = 0
        case .outer(let levels):
            guard levels < chain.count else {
                throw self.error(
                    mark, "path '\(path)' leads out of the frame: there are \(chain.count - 1) levels of 'each' here."
                )
            }
            scope = chain[chain.count - 1 - levels]
        }
        var tree = self.scopes[scope].tree
        for segment in path.segments {
            switch segment {
            case .key(let name): tree = tree.key(name)
            case .index(let index): tree = tree.index(index)
            }
        }
        return (scope: scope, tree: tree)
    }

    mutating func reference(
        _ path: FieldPath, chain: [Int], mark: SourceMark
    ) throws(FeedFileError) -> SlotReference {
        let (scope, tree) = try self.place(path, chain: chain, mark: mark)
        if path.isEntryKey {
            guard path.segments.isEmpty, let slot = self.scopes[scope].entryKeySlot else {
                throw self.error(mark, "path '\(path)': '@key' exists only where 'each' ends in '*'.")
            }
            return SlotReference(scope: scope, slot: slot)
        }
        if let slot = tree.slot { return SlotReference(scope: scope, slot: slot) }
        let slot = self.scopes[scope].slotCount
        self.scopes[scope].slotCount += 1
        tree.slot = slot
        return SlotReference(scope: scope, slot: slot)
    }

    /// The scope of one `each` level; levels over the same list share it.
    mutating func scope(_ path: FieldPath, chain: [Int], mark: SourceMark) throws(FeedFileError) -> Int {
        let (outer, tree) = try self.place(path, chain: chain, mark: mark)
        guard outer == chain[chain.count - 1] || chain.count == 1 else {
            throw self.error(mark, "each '\(path)' starts at the frame: only the first level may.")
        }
        if path.isEveryEntry {
            if let known = tree.entries { return known.scope }
            let item = Tree()
            self.scopes.append(Scope(parent: outer, tree: item, slotCount: 1, entryKeySlot: 0))
            tree.entries = (scope: self.scopes.count - 1, tree: item)
        } else {
            if let known = tree.members { return known.scope }
            let item = Tree()
            self.scopes.append(Scope(parent: outer, tree: item))
            tree.members = (scope: self.scopes.count - 1, tree: item)
        }
        return self.scopes.count - 1
    }

    // MARK: Flattening

    mutating func flatten(_ tree: Tree, into nodes: inout [ProgramNode]) -> Int {
        let index = nodes.count
        nodes.append(ProgramNode())
        var node = ProgramNode()
        if let slot = tree.slot { node.slot = Int32(slot) }
        if let watch = tree.watch { node.watch = Int32(watch) }
        if !tree.keys.isEmpty {
            var words: [(text: [UInt8], value: Int32)] = []
            for (name, child) in tree.keys {
                words.append((text: Array(name.utf8), value: Int32(self.flatten(child, into: &nodes))))
            }
            node.keys = self.memory.table(words)
        }
        if !tree.indexes.isEmpty || tree.members != nil {
            self.flatten(list: tree, into: &nodes, &node)
        }
        if let members = tree.members {
            node.memberScope = Int32(members.scope)
            node.memberNode = Int32(self.flatten(members.tree, into: &nodes))
        }
        if let entries = tree.entries {
            node.entryScope = Int32(entries.scope)
            node.entryNode = Int32(self.flatten(entries.tree, into: &nodes))
            node.entryKeySlot = Int32(self.scopes[entries.scope].entryKeySlot ?? 0)
        }
        nodes[index] = node
        return index
    }

    /// Notes down which members of a list are wanted.
    private mutating func flatten(list tree: Tree, into nodes: inout [ProgramNode], _ node: inout ProgramNode) {
        var positions: [Int32] = [-1]
        var fromEnd: [ProgramNode.FromEnd] = []
        for (place, child) in tree.indexes {
            let childNode = Int32(self.flatten(child, into: &nodes))
            if place < 0 {
                fromEnd.append(ProgramNode.FromEnd(place: Int32(place), node: childNode))
            } else {
                while positions.count < place + 2 { positions.append(-1) }
                positions[place] = childNode
            }
        }
        node.positions = self.memory.store(positions)
        node.positionCount = positions.count - 1
        guard !fromEnd.isEmpty else { return }
        node.fromEnd = self.memory.store(fromEnd)
        node.fromEndCount = fromEnd.count
        node.tail = Int32(self.tailCount)
        self.tailCount += ListTail.count
    }
}
