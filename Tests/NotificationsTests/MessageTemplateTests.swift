import Alerts
import Market
import Notifications
import Testing

@Suite("Templates of messages")
struct MessageTemplateTests {
    @Test("Fields are filled in, two braces are one")
    func fields() throws {
        let template = try MessageTemplate(parsing: "{symbol}: {{ {Price} }} {{{user}}}")
        #expect(template.text { "<\($0.rawValue)>" } == "<symbol>: { <price> } {<user>}")
        let plain = try MessageTemplate(parsing: "no fields")
        #expect(plain.text { _ in "x" } == "no fields")
    }

    @Test(
        "A text that is no template is refused with the column",
        arguments: [
            ("{symbl} up", "column 1: '{symbl}' is no field; did you mean '{symbol}'?"),
            ("now {prise}", "column 5: '{prise}' is no field; did you mean '{price}'?"),
            (
                "{}",
                "column 1: '{}' is no field; fields are {symbol} {price} {change} {condition} {threshold} {direction} "
                    + "{value} {reference} {previous} {venue} {time} {late} {crossing} {user}"
            ),
            ("at {price", "column 4: '{' is not closed; write '{{' for a brace"),
            ("a { b {price}", "column 3: '{' is not closed; write '{{' for a brace"),
            ("price}", "column 6: '}' closes nothing; write '}}' for a brace"),
            (" ", "column 1: the text is empty; leave it out for the standard one"),
        ])
    func errors(text: String, message: String) {
        let error = #expect(throws: MessageTemplateError.self) { try MessageTemplate(parsing: text) }
        #expect(error?.description == message)
    }

    @Test("An alert's template names the part that is wrong")
    func parts() throws {
        #expect(try AlertTemplate.checked(title: nil, body: nil) == nil)
        #expect(try AlertTemplate.checked(title: "{symbol}", body: nil) == AlertTemplate(title: "{symbol}"))
        let error = #expect(throws: AlertTemplateError.self) { try AlertTemplate.checked(title: "x", body: "{") }
        #expect(error?.description == "body, column 1: '{' is not closed; write '{{' for a brace")
    }

    @Test("No text crashes the reader", arguments: UInt64(0)..<100)
    func garbage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let pieces = ["{", "}", "{{", "}}", "{price}", "{x}", "a", " ", "🙂", "\n", "{{{", "é"]
        for _ in 0..<20 {
            let text = (0..<Int.random(in: 0...8, using: &random)).map { _ in pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            do {
                _ = try MessageTemplate(parsing: text).text { $0.rawValue }
            } catch {
                #expect((1...text.count + 1).contains(error.column))
            }
        }
    }
}
