/// What waits to be sent, in order.
///
/// Events of one subject join the message of theirs that waits already, so a busy connection carries many in each. Beyond
/// the bound what has waited longest goes: directories notice the hole and ask again, the newest price matters most.
struct BusOutbox {
    enum Command: Equatable {
        case publish(subject: String, bytes: [UInt8], events: Int)
        case subscribe(String)
        case unsubscribe(String)
    }

    private let node: UInt64
    private let bytesMax: Int
    private let messageBytesMax: Int
    private var commands: [Command] = []
    private var open: [String: Int] = [:]
    private var bytes = 0
    private var nextNumber: UInt64 = 1
    /// Messages that went at the bound.
    private(set) var dropped = 0

    init(node: UInt64, bytesMax: Int = 32 << 20, messageBytesMax: Int = 64 << 10) {
        self.node = node
        self.bytesMax = bytesMax
        self.messageBytesMax = messageBytesMax
    }

    /// Whether nothing waits.
    var isEmpty: Bool { self.commands.isEmpty }

    mutating func append(_ command: Command) {
        if case .publish(_, let bytes, _) = command { self.grow(bytes.count) }
        self.commands.append(command)
    }

    /// An event; begins a message when none of its subject waits, or that is full.
    mutating func append(event: [UInt8], subject: String) {
        if let index = self.open[subject], case .publish(_, var bytes, let events) = self.commands[index],
            bytes.count + event.count <= self.messageBytesMax
        {
            self.commands[index] = .subscribe("")  // Gives up the second reference.
            bytes.append(contentsOf: event)
            self.commands[index] = .publish(subject: subject, bytes: bytes, events: events + 1)
            self.bytes += event.count
            if self.bytes > self.bytesMax { self.dropOldest() }
            return
        }
        var bytes = EventMessage.head(node: self.node, number: self.nextNumber)
        self.nextNumber += 1
        bytes.append(contentsOf: event)
        self.grow(bytes.count)
        self.open[subject] = self.commands.count
        self.commands.append(.publish(subject: subject, bytes: bytes, events: 1))
    }

    /// Takes out all that waits.
    mutating func take() -> [Command] {
        defer {
            self.commands.removeAll(keepingCapacity: true)
            self.open.removeAll(keepingCapacity: true)
            self.bytes = 0
        }
        return self.commands
    }

    private mutating func grow(_ count: Int) {
        self.bytes += count
        if self.bytes > self.bytesMax { self.dropOldest() }
    }

    /// The older half at once: one by one would move what is left each time.
    private mutating func dropOldest() {
        var kept: [Command] = []
        var freed = 0
        for command in self.commands {
            if case .publish(_, let bytes, _) = command, freed < self.bytesMax / 2 {
                freed += bytes.count
                self.dropped += 1
            } else {
                kept.append(command)
            }
        }
        self.bytes -= freed
        self.commands = kept
        self.open.removeAll(keepingCapacity: true)
    }
}
