import Foundation
import Market
import Notifications

/// Builds push requests for tests from outside: a line of JSON in, a line of JSON out.
///
/// Usage: `push-builder`, with lines such as `{"make":"fcm","content":{…},"token":"…"}` on standard input, see ``Order``. What
/// cannot be built is answered with `{"error":"…"}`.
@main
enum PushBuilder {
    static func main() async {
        while let line = readLine() {
            let answer: [String: Any]
            do {
                answer = try await JSONDecoder().decode(Order.self, from: Data(line.utf8)).built()
            } catch {
                answer = ["error": "\(error)"]
            }
            // The values are strings, numbers and dictionaries of strings, so that this cannot fail.
            let json = (try? JSONSerialization.data(withJSONObject: answer, options: [.sortedKeys])) ?? Data("{}".utf8)
            FileHandle.standardOutput.write(json + Data("\n".utf8))
        }
    }
}

extension PushRequest {
    /// The request as a dictionary; the body in Base64.
    var answer: [String: Any] {
        [
            "method": self.method, "url": self.url, "body": Data(self.body).base64EncodedString(),
            "headers": Dictionary(self.headers.map { ($0.name, $0.value) }) { $1 }, "extent": "\(self.extent)",
        ]
    }
}
