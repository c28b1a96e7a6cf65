extension Settings: CustomStringConvertible, CustomReflectable {
    /// Where it listens and keeps its state, without the secrets.
    public var description: String {
        "Settings(bind: \(self.bind), port: \(self.port), dataDirectory: \(self.dataDirectory))"
    }

    /// Where it listens and keeps its state, without the secrets.
    public var customMirror: Mirror {
        Mirror(self, children: ["bind": self.bind, "port": self.port, "dataDirectory": self.dataDirectory])
    }
}
