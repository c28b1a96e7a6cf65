/// A header whose value may hold placeholders.
struct HeaderTemplate: Hashable, Sendable {
    var name: String
    var value: TextTemplate

    func render(_ context: RenderContext) -> Header {
        // A value from the environment must not begin a header of its own.
        let text = self.value.render(context).unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        return Header(name: self.name, value: String(String.UnicodeScalarView(text)))
    }
}
