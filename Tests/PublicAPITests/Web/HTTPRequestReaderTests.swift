import ReactorWeb
import TestSupport
import Testing

/// What a head is, and what is refused, with which status.
struct HTTPRequestReaderTests {
    /// Reads a text whose lines end with `\n`. Nil if it is no whole head.
    private func read(_ text: String) throws(HTTPRequestReader.Refusal) -> HTTPRequest? {
        var reader = HTTPRequestReader()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let request = try reader.receive(Array(line.utf8).span) { return request }
        }
        return nil
    }

    private func status(of text: String) -> Int? {
        do throws(HTTPRequestReader.Refusal) {
            return try read(text) == nil ? nil : 200
        } catch {
            return error.status.code
        }
    }

    @Test func request() throws {
        let request = try #require(try read("GET /a?b=%20c HTTP/1.1\nHost: example.org:80\nX:\t  y z \t\nx: é\nEmpty:\n\n"))
        #expect(request.method == .get && request.target == "/a?b=%20c" && request.path == "/a" && !request.closesConnection)
        #expect(request.fields.map(\.name) == ["Host", "X", "x", "Empty"])
        #expect(request.values(of: "X") == ["y z", "é"] && request.values(of: "EMPTY") == [""])
        #expect(try read("HEAD / HTTP/1.1\nHost:\n\n")?.method == .head)
        #expect(try read("GET / HTTP/1.1\nHost: [::1]:9090\n") == nil)
    }

    @Test func whetherTheConnectionIsToBeClosed() throws {
        let values = ["close", "Close", "keep-alive, close", "x , CLOSE\t,y"]
        for value in values { #expect(try read("GET / HTTP/1.1\nHost: a\nConnection: \(value)\n\n")?.closesConnection == true) }
        for value in ["keep-alive", "closed", "x-close", ""] {
            #expect(try read("GET / HTTP/1.1\nHost: a\nConnection: \(value)\n\n")?.closesConnection == false)
        }
        #expect(try read("GET / HTTP/1.0\n\n")?.closesConnection == true)
        #expect(try read("GET / HTTP/1.7\nHost: a\n\n")?.closesConnection == false)
    }

    @Test func absoluteTargets() throws {
        for (target, expected) in [("http://a/b?c", "/b?c"), ("HTTP://a:80", "/"), ("http://a?b", "/?b"), ("http://a//b", "//b")]
        {
            #expect(try read("GET \(target) HTTP/1.1\nHost: a\n\n")?.target == expected)
        }
        for target in [
            "a", "*", "http://", "http:///a", "https://a/", "http://a b/", "http://a@b/", "a:443", "/#a", "/\u{7F}", "/é",
        ] {
            #expect(status(of: "GET \(target) HTTP/1.1\nHost: a\n\n") == 400, "\(target)")
        }
    }

    @Test func emptyLinesBeforeARequest() throws {
        #expect(status(of: "\n\nGET / HTTP/1.1\nHost: a\n\n") == 200)
    }

    @Test(arguments: [
        "GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET\t/ HTTP/1.1", "GET /",
        "GET",
        "G\u{0}T / HTTP/1.1", "G(T / HTTP/1.1", "GET / HTTP/1", "GET / HTTP/1.1.1", "GET / HTTP/11", "GET / http/1.1",
        "GET / HTTP/a.1",
        "GET / HTTP/1.a", "GET / HTTP/1,1", "GET / HTTPS/1.1", "GET / HTTP/1.1\r", "\u{FEFF}GET / HTTP/1.1", " / HTTP/1.1",
        "GET  HTTP/1.1",
        "\u{16}\u{3}\u{1}", "SSH-2.0-x",
    ])
    func malformedRequestLines(line: String) {
        // The first is well-formed.
        let expected = line == "GET / HTTP/1.1" ? 200 : 400
        #expect(status(of: "\(line)\nHost: a\n\n") == expected)
    }

    @Test func otherVersions() {
        for version in ["0.9", "2.0", "3.0", "9.9"] { #expect(status(of: "GET / HTTP/\(version)\nHost: a\n\n") == 505) }
    }

    @Test(arguments: [
        " X: folded", "\tX: folded", "X", "X : y", "X\t: y", ": y", "X y: z", "X: a\rb", "X: \r", "X: a\u{0}b", "X: \u{7F}",
        "X: \u{1B}[0m",
        "Ü: x", "X(: y", "Host: a", "Host: b", "host:",
    ])
    func malformedFields(field: String) {
        #expect(status(of: "GET / HTTP/1.1\nHost: a\n\(field)\n\n") == 400)
    }

    @Test func host() {
        #expect(status(of: "GET / HTTP/1.1\n\n") == 400)
        for host in ["a b", "a/b", "a@b", "a\"", "a,\tb", "é"] {
            #expect(status(of: "GET / HTTP/1.1\nHost: \(host)\n\n") == 400, "\(host)")
        }
        #expect(status(of: "GET / HTTP/1.0\nHost: a\nHost: a\n\n") == 400)
    }

    @Test func methods() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
            #expect(status(of: "\(method) / HTTP/1.1\nHost: a\nContent-Length: 5\n\n") == 405)
        }
        #expect(status(of: "OPTIONS * HTTP/1.1\nHost: a\n\n") == 405)
        #expect(status(of: "CONNECT a:443 HTTP/1.1\nHost: a\n\n") == 405)
        for method in ["get", "BREW", "G"] { #expect(status(of: "\(method) / HTTP/1.1\nHost: a\n\n") == 501) }
    }

    @Test func content() {
        func status(_ field: String) -> Int? { self.status(of: "GET / HTTP/1.1\nHost: a\n\(field)\n\n") }
        #expect(status("Content-Length: 0") == 200 && status("Content-Length: 00\ncontent-length: 00") == 200)
        #expect(status("Content-Length: 1") == 413 && status("Content-Length: 99999999999999999999999") == 413)
        for length in ["", "-1", "+1", "1 1", "0x1", "0, 0", "0\nContent-Length: 1"] {
            #expect(status("Content-Length: \(length)") == 400, "\(length)")
        }
        #expect(status("Transfer-Encoding: chunked") == 501 && status("transfer-encoding:") == 501)
        #expect(status("Transfer-Encoding: chunked\nContent-Length: 0") == 501)
    }

    @Test func lengths() {
        // What a head has without its long part, with two bytes for each line end.
        let rest = "GET / HTTP/1.1__Host: a__X: ____".utf8.count
        func field(_ count: Int) -> String { "GET / HTTP/1.1\nHost: a\nX: " + String(repeating: "x", count: count) + "\n\n" }
        #expect(status(of: field(HTTPRequestReader.maximumLength - rest)) == 200)
        #expect(status(of: field(HTTPRequestReader.maximumLength - rest + 1)) == 431)
        func target(_ count: Int) -> String { "GET /" + String(repeating: "x", count: count) + " HTTP/1.1\n" }
        let line = HTTPRequestReader.maximumLength - "GET / HTTP/1.1__".utf8.count
        #expect(status(of: target(line)) == nil)
        #expect(status(of: target(line + 1)) == 414)
        #expect(status(of: target(line) + "\n") == 431)
        #expect(status(of: String(repeating: "\n", count: HTTPRequestReader.maximumLength / 2)) == nil)
        #expect(status(of: String(repeating: "\n", count: HTTPRequestReader.maximumLength / 2 + 1)) == 414)
    }

    @Test func manyFields() {
        func head(_ count: Int) -> String {
            "GET / HTTP/1.1\nHost: a\n" + (1..<count).map { "X\($0): y\n" }.joined() + "\n"
        }
        #expect(status(of: head(HTTPRequestReader.maximumFieldCount)) == 200)
        #expect(status(of: head(HTTPRequestReader.maximumFieldCount + 1)) == 431)
    }

    @Test func anotherRequestAfterOneAndAfterARefusal() throws {
        var reader = HTTPRequestReader()
        func receive(_ line: String) throws(HTTPRequestReader.Refusal) -> HTTPRequest? {
            try reader.receive(Array(line.utf8).span)
        }
        for path in ["/a", "/b"] {
            #expect(try receive("GET \(path) HTTP/1.1") == nil)
            #expect(reader.hasBegun)
            #expect(try receive("Host: \(path.utf8.count)") == nil)
            #expect(try receive("")?.path == Substring(path))
            #expect(!reader.hasBegun)
        }
        _ = try receive("GET /long HTTP/1.1")
        #expect(throws: HTTPRequestReader.Refusal.self) { try receive("nonsense") }
        #expect(!reader.hasBegun)
        #expect(reader.refuseLongLine().status == .uriTooLong)
        _ = try receive("GET /long HTTP/1.1")
        #expect(reader.refuseLongLine().status == .requestHeaderFieldsTooLarge)
        #expect(!reader.hasBegun)
    }
}
