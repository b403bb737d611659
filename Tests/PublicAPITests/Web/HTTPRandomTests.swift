import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// However requests are cut, the answers are the same; and whatever they are, there is an answer or the end.
struct HTTPRandomTests {
    private static let requests = [
        "GET /a HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n", "HEAD /b?c=d HTTP/1.1\nhost:[::1]:1\n\n",
        "\r\nGET / HTTP/1.0\r\n\r\n",
        "GET http://a/b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
    ]

    private func withoutDates(_ text: String) -> String { text.replacing(#/Date: [^\r]*\r\n/#, with: "") }

    @Test func aRequestCutAtAnyByte() throws {
        let server = try HTTPServer()
        for request in Self.requests.prefix(5) {
            let bytes = Array(request.utf8)
            let whole = withoutDates(try server.responses(to: [bytes]))
            #expect(whole != "")
            for cut in 1..<bytes.count {
                let text = withoutDates(try server.responses(to: [Array(bytes[..<cut]), Array(bytes[cut...])]))
                #expect(text == whole, "\(request) cut at \(cut)")
            }
        }
    }

    @Test func manyRequestsInReadsOfAnyLength() throws {
        var random = SeededGenerator()
        let requests = (0..<20).map { _ in Self.requests[Int.random(in: 0..<2, using: &random)] }.joined()
        let whole = withoutDates(try HTTPServer().responses(to: requests))
        #expect(whole.ranges(of: "HTTP/1.1 200 OK").count == 20)
        for readSize in [1, 2, 7, 64] {
            #expect(withoutDates(try HTTPServer(readSize: readSize).responses(to: requests)) == whole)
        }
    }

    @Test func mutatedRequests() throws {
        var random = SeededGenerator()
        let server = try HTTPServer()
        let pieces: [[UInt8]] = ["\r", "\n", "\r\n", " ", ":", "\0", "HTTP/1.1", "Host: a\r\n", "\t", ",", "GET ", "\u{FF}"].map {
            Array($0.utf8)
        }
        for _ in 0..<300 {
            var bytes = Array(Self.requests.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<max(bytes.count, 1), using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !bytes.isEmpty: bytes[place] = .random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: pieces.randomElement(using: &random)!, at: min(place, bytes.count))
                default: bytes.removeLast(min(bytes.count, .random(in: 0...5, using: &random)))
                }
            }
            let text = try server.responses(to: [bytes])
            let answers = HTTPAnswer.all(in: text) ?? HTTPAnswer.all(in: text, heads: [0])
            let statuses = try #require(answers, "\(bytes) is answered by \(text)").map(\.status)
            #expect(statuses.allSatisfy { $0 == 200 || (400..<600).contains($0) }, "\(bytes)")
            // A refusal is the last answer.
            #expect(statuses.dropLast().allSatisfy { $0 == 200 }, "\(bytes)")
            #expect(server.loop.connectionCount == 0)
        }
    }
}
