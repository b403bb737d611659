import Glibc
import TestSupport
import Testing

/// A standard stream that a program was started without is not given to a socket: what is meant for people would go there.
@Suite struct ClosedStreamsTests {
    @Test func `chatd without any standard stream relays`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        let arguments = ["--listen", "unix:\(path)", "--console", "--print"]
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), arguments, input: .closed, output: .closed, error: .closed)
        // There is nobody whom it could tell that it listens.
        var first: Peer?
        try wait(for: "the socket") {
            first = try? Peer(path: path)
            return first != nil
        }
        let listener = try #require(first)
        expectNullDevices(in: process)
        let speaker = try Peer(path: path)
        for message in ["still", "here"] {
            try speaker.send(message + "\n")
            #expect(try listener.receiveLine() == message)
        }
        process.send(signal: SIGTERM)
        #expect(try listener.receiveLine() == "! goodbye: the server is shutting down")
        #expect(try listener.receiveAll() == [])
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test func `chat without any standard stream connects`() throws {
        try withDaemon(["--log-level", "debug"]) { daemon in
            let arguments = [daemon.address, "--linger", "86400"]
            let chat = try startChat(arguments, input: .closed, output: .closed, error: .closed)
            try daemon.process.error.text(through: "accepted")
            expectNullDevices(in: chat)
        }
    }

    private func expectNullDevices(in process: ChildProcess) {
        for number in 0...2 {
            let path = unsafe realpath("/proc/\(process.pid)/fd/\(number)", nil).map { path in
                defer { unsafe free(path) }
                return unsafe String(cString: path)
            }
            #expect(path == "/dev/null", "\(number)")
        }
    }
}
