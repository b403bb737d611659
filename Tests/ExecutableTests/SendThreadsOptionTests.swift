import Glibc
import TestSupport
import Testing

/// `chatd --send-threads`: what hundreds of clients get is sent by several threads.
@Suite struct SendThreadsOptionTests {
    @Test func `the lobby of a chat hears everything, by threads that may do as little as the others`() throws {
        let arguments = ["--listen", "127.0.0.1:0", "--chat", "--history", "0", "--send-threads", "2", "--no-console"]
        try withDaemon(arguments) { daemon in
            let threads = try daemon.threads
            #expect(threads.count == 2)
            for thread in threads {
                // What the first thread has given up is tested elsewhere.
                for name in ["NoNewPrivs", "Seccomp"] { #expect(try thread.status(name) == threads[0].status(name)) }
            }
            let clients = try (0..<300).map { _ in try daemon.connect() }
            for client in clients { while try client.receiveLine()?.contains("you are guest") == false {} }
            try wait(for: "all of the threads to have sent") {
                try clients[0].send("hello\n/me waves\n")
                for client in clients.dropFirst() {
                    while try client.receiveLine() != "guest1: hello" {}
                    #expect(try client.receiveLine() == "guest1: *waves*")
                }
                return try threads.allSatisfy { try $0.processorTime > 2_000_000 }
            }
        }
    }

    @Test func `there is one a processor if none are named, up to so many as can be`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--send-threads", "0"]) { daemon in
            let threads = try daemon.threads
            let mask = try threads[0].status("Cpus_allowed")
            let allowed = mask.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) }
            #expect(threads.count == min(allowed, 256))
        }
    }

    @Test func `each of them is kept on a processor if the loop is`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--send-threads", "2", "--pin-loops"]) { daemon in
            let lists = try daemon.threads.map { try $0.status("Cpus_allowed_list") }
            #expect(lists.count == 2 && lists.allSatisfy { Int($0) != nil }, "\(lists)")
            // The machine of the test may have one alone.
            #expect(Set(lists).count == min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 2))
        }
    }

    @Test func `without a sandbox they send as well`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--send-threads", "3", "--no-sandbox"]) { daemon in
            #expect(try daemon.threads.count == 3)
            let clients = try daemon.join(2)
            try clients[0].send("hello\n")
            #expect(try clients[1].receiveLine() == "hello")
        }
    }
}
