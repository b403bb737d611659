import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// A server of HTTP/1.1 on real sockets: responses, keep-alive, pipelining, refusals and timeouts.
struct HTTPServerTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func response() throws {
        let server = try HTTPServer()
        let text = try server.responses(to: Self.get)
        let date = #/Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} 20\d\d \d\d:\d\d:\d\d GMT\r\n/#
        #expect(text.firstMatch(of: date) != nil)
        #expect(
            text.replacing(date, with: "")
                == "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n/a\n")
    }

    @Test func aHeadWithoutContent() throws {
        let server = try HTTPServer()
        let text = try server.responses(to: "HEAD /a HTTP/1.1\nHost: a\n\n" + Self.get)
        let answers = try #require(HTTPAnswer.all(in: text, heads: [0]))
        #expect(answers.map(\.fields["content-length"]) == ["3", "3"] && answers.map(\.content) == ["", "/a\n"])
    }

    @Test func oneConnectionForManyRequests() throws {
        let server = try HTTPServer()
        let peer = try Peer(port: server.port)
        for number in 1...3 {
            try peer.send("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
            try server.loop.run(until: "answered") { peer.text.hasSuffix("\r\n\r\n/\(number)\n") }
        }
        #expect(!peer.hasEnded)
        try peer.send("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Self.get)
        try server.loop.run(until: "closed") { peer.hasEnded }
        let answers = try #require(HTTPAnswer.all(in: peer.text))
        #expect(answers.map(\.content) == ["/1\n", "/2\n", "/3\n", "/last\n"])
        #expect(answers.map(\.fields["connection"]) == [nil, nil, nil, "close"])
        #expect(server.paths == ["/1", "/2", "/3", "/last"])
    }

    @Test(arguments: ["", get, get + get, "GET /a"])
    func whoBreaksOffAmidAResponseIsClosedAtOnce(behind: String) throws {
        let server = try HTTPServer { _ in String(repeating: "a", count: 900_000) }
        let peer = try Peer(port: server.port, receiveBuffer: 4_096)
        try peer.send(Self.get)
        try server.loop.run(until: "a response") { peer.unreadCount > 0 }
        try server.loop.settle()
        let connection = try #require(server.loop.connections.first)
        try #require(connection.pendingOutput > 0)
        try peer.send(behind)
        peer.reset()
        try server.loop.settle()
        #expect(!connection.isOpen)
    }

    @Test func theOldVersionIsClosedAfterItsResponse() throws {
        let text = try HTTPServer().responses(to: "GET /a HTTP/1.0\r\n\r\n", thenShutDown: false)
        #expect(HTTPAnswer.all(in: text)?.map(\.fields["connection"]) == ["close"])
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let server = try HTTPServer()
        let paths = (0..<300).map { "/\($0)" }
        let text = try server.responses(to: paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        #expect(HTTPAnswer.all(in: text)?.map(\.content) == paths.map { $0 + "\n" })
    }

    @Test func aClientThatDoesNotReadIsAskedNothingMore() throws {
        let content = String(repeating: "x", count: 1_000_000)
        let server = try HTTPServer { _ in content }
        let peer = try Peer(port: server.port, receiveBuffer: 4_096)
        let count = 100
        try peer.send(String(repeating: Self.get, count: count))
        try server.loop.settle()
        // As many as the kernel takes, and one that waits.
        #expect(server.paths.count < 20)
        #expect(server.loop.connections.allSatisfy { $0.pendingOutput < 1_001_000 })
        var received = 0
        try server.loop.run(until: "all answered", turns: .max) {
            received += peer.receiveAvailable()?.count ?? 0
            return received >= count * content.utf8.count && server.paths.count == count
        }
    }

    @Test func refusals() throws {
        let cases = [
            ("nonsense\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n", 505),
            ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b", 405),
            ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=b", 413),
            ("GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\n", 414),
            ("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n", 431),
        ]
        for (head, status) in cases {
            let server = try HTTPServer()
            // Whatever follows is not taken for another request.
            let text = try server.responses(to: Self.get + head + Self.get, thenShutDown: false)
            let answers = try #require(HTTPAnswer.all(in: text), "\(text)")
            #expect(answers.map(\.status) == [200, status])
            #expect(answers.last?.fields["connection"] == "close")
            #expect(answers.last?.fields["allow"] == (status == 405 ? "GET, HEAD" : nil))
            #expect(server.paths == ["/a"])
        }
    }

    @Test func anUnfinishedHeadIsNoRequest() throws {
        let server = try HTTPServer()
        #expect(try server.responses(to: String(Self.get.dropLast(2))) == "")
        #expect(server.paths == [])
    }

    @Test func anAnswerCannotMakeFieldsOfItsOwn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), options: HTTPHandler.connectionOptions) {
            HTTPHandler { request in
                var response = HTTPResponse(HTTPStatus(code: 2, reason: "a\r\nB: c"))
                response.fields.append(("X", request.values(of: "X").joined() + "\r\nY: z"))
                return response
            }
        }
        let peer = try Peer(to: listener.address)
        try peer.send("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n")
        peer.shutDownSending()
        try loop.run(until: "answered") { peer.hasEnded }
        let answer = try #require(HTTPAnswer.all(in: peer.text)?.first)
        #expect(answer.status == 100 && answer.fields["x"] == "y  Y: z" && answer.fields["y"] == nil && answer.fields["b"] == nil)
    }

    // MARK: - Timeouts

    @Test func aHeadThatIsNotCompleteInTime() throws {
        var timeouts = HTTPHandler.Timeouts()
        timeouts.head = .milliseconds(50)
        let server = try HTTPServer(timeouts: timeouts)
        let text = try server.responses(to: Self.get + "GET / HTTP/1.1\r\nHost:", thenShutDown: false)
        #expect(HTTPAnswer.all(in: text)?.map(\.status) == [200, 408])
        #expect(try server.responses(to: "", thenShutDown: false) == "")
    }

    @Test func aResponseThatDoesNotComeInTime() throws {
        var timeouts = HTTPHandler.Timeouts()
        timeouts.head = .milliseconds(50)
        let loop = try EventLoop()
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), options: HTTPHandler.connectionOptions) {
            HTTPHandler(timeouts: timeouts, respondingLater: { _, _ in })
        }
        for method in ["GET", "HEAD"] {
            let peer = try Peer(to: listener.address)
            try peer.send("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n")
            try loop.run(until: "answered") { peer.hasEnded }
            #expect(peer.text.hasPrefix("HTTP/1.1 503 "))
            // Who asks for the head alone would take the content for the next response.
            #expect(peer.text.hasSuffix("\r\n\r\n") == (method == "HEAD"))
        }
    }

    @Test func aClientThatAsksForNothingMore() throws {
        var timeouts = HTTPHandler.Timeouts()
        timeouts.idle = .milliseconds(50)
        let server = try HTTPServer(timeouts: timeouts)
        #expect(HTTPAnswer.all(in: try server.responses(to: Self.get, thenShutDown: false))?.map(\.status) == [200])
        // Long after the response, though not after the time for one.
        #expect(server.loop.connectionCount == 0)
    }

    @Test func aClientThatNeverReads() throws {
        var timeouts = HTTPHandler.Timeouts()
        timeouts.idle = .milliseconds(50)
        let server = try HTTPServer(timeouts: timeouts) { _ in String(repeating: "x", count: 50_000_000) }
        let peer = try Peer(port: server.port, receiveBuffer: 4_096)
        try peer.send(Self.get)
        try server.loop.run(until: "asked") { !server.paths.isEmpty }
        try server.loop.run(until: "closed") { server.loop.connectionCount == 0 }
    }
}
