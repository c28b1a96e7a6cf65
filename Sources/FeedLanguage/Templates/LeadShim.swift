import Market
struct RenderContext { var now: Timestamp; var frameValues: [FieldPath: String] }
extension MessageTemplate {
    var framePaths: [FieldPath] { [] }
    func render(_ context: RenderContext) -> String { "" }
}
