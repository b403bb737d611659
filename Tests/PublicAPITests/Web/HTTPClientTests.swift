import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// Clients that others have written understand what the server says.
struct HTTPClientTests {
    @Test(.enabled(if: ChildProcess.isInstalled("python3"))) func python() throws {
        let server = try HTTPServer { $0 == "/long" ? String(repeating: "0123456789", count: 300_000) : "\($0)\n" }
        let script = """
            import http.client
            connection = http.client.HTTPConnection("127.0.0.1", \(server.port))
            for method, path in [("GET", "/a"), ("HEAD", "/b"), ("GET", "/long"), ("GET", "/c")]:
                connection.request(method, path)
                socket = connection.sock
                response = connection.getresponse()
                content = response.read()
                print(response.status, response.reason, response.getheader("Content-Length"), len(content), response.will_close)
            print(connection.sock is socket)
            connection.request("POST", "/a", "a=b")
            response = connection.getresponse()
            print(response.status, response.getheader("Allow"), response.will_close)
            """
        #expect(
            try run(["python3", "-c", script], on: server) == """
                200 OK 3 3 False
                200 OK 3 0 False
                200 OK 3000000 3000000 False
                200 OK 3 3 False
                True
                405 GET, HEAD True

                """)
    }

    @Test(.enabled(if: ChildProcess.isInstalled("curl"))) func curl() throws {
        let server = try HTTPServer()
        let place = "http://127.0.0.1:\(server.port)"
        let output = try run(
            [
                "curl", "-sS", "-w", "%{http_code} %{num_connects}\\n", "\(place)/a", "\(place)/b", "--head", "-o", "/dev/null",
                "-o", "/dev/null",
            ],
            on: server)
        #expect(output == "200 1\n200 0\n")
        let refused = try run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host:", "\(place)/a"], on: server)
        #expect(refused == "400")
    }

    private func run(_ command: [String], on server: HTTPServer) throws -> String {
        let process = try ChildProcess(command[0], Array(command.dropFirst()))
        var output: [UInt8] = []
        try server.loop.run(until: "\(command[0]) has ended", turns: .max) { process.currentEnd != nil }
        output += try process.output.all()
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(error == "")
        return String(decoding: output, as: UTF8.self)
    }
}
