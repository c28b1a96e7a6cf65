/// One message to send, or a request's body.
struct MessageTemplate: Hashable, Sendable {
    var root: TemplateNode

    /// The paths whose values a reply needs of the frame that it answers: see ``RenderContext/frame``.
    var framePaths: [FieldPath] {
        self.root.placeholders.compactMap { placeholder in
            if case .frame(let path) = placeholder { return path }
            return nil
        }
    }

    /// Whether it is JSON, not a bare text.
    var isJSON: Bool {
        if case .bare = self.root { return false }
        return true
    }

    func render(_ context: RenderContext) -> String {
        var bytes: [UInt8] = []
        self.root.write(context, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
