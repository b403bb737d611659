#if TLS
    import Glibc
    import KernelFaults
    import Reactor
    import ReactorTLS
    import TestSupport
    import Testing

    /// A system call that fails, or moves less than it was asked to, is survived or told, also by connections over TLS.
    @Suite(.enabled(if: kernel_faults_are_available() && TestCertificates.canBeMade))
    struct TLSSystemCallFailureTests {
        struct Failure: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let call: kernel_call
            let errors: [Int32]
        }

        /// Those by which bytes come and go, and by which a connection is made.
        static let failures = [
            Failure(testDescription: "recv", call: KERNEL_RECV, errors: [EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, ENOMEM]),
            Failure(testDescription: "send", call: KERNEL_SEND, errors: [EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS]),
            Failure(testDescription: "accept4", call: KERNEL_ACCEPT4, errors: [EAGAIN, ECONNABORTED, EMFILE]),
            Failure(testDescription: "epoll_ctl", call: KERNEL_EPOLL_CTL, errors: [ENOMEM, ENOSPC]),
            Failure(testDescription: "epoll_wait", call: KERNEL_EPOLL_WAIT, errors: [EINTR]),
            Failure(testDescription: "shutdown", call: KERNEL_SHUTDOWN, errors: [ENOTCONN, ENOBUFS]),
        ]

        private let server: Connection.Options
        private let client: Connection.Options

        init() throws {
            let fixture = try TLSFixture()
            var (server, client) = (Connection.Options(), Connection.Options())
            server.transport = try fixture.server().transport
            client.transport = try fixture.client().transport(host: "localhost")
            (self.server, self.client) = (server, client)
        }

        /// What OpenSSL makes for all of its calls, it has made after this.
        private func warmUp() {
            #expect(ShortTalk.outcome(server: server, client: client).isComplete)
        }

        @Test("A call that fails at any point, in any way, is survived or told", .beyondPatience, arguments: failures)
        func failing(_ failure: Failure) throws {
            warmUp()
            for error in failure.errors {
                var skipped: Int32 = 0
                while true {
                    kernel_begin()
                    kernel_fail(failure.call, skipped, 1, error)
                    let outcome = ShortTalk.outcome(server: server, client: client)
                    kernel_rest()
                    let place: Comment = "call \(skipped + 1) fails with \(Errno(rawValue: error)): \(outcome)"
                    #expect(kernel_open_descriptors() == 0, place)
                    #expect(outcome.turns <= 80, place)
                    #expect(outcome.isComplete || outcome.told.contains(Errno(rawValue: error)), place)
                    if outcome.turns > 80 || !outcome.isComplete && outcome.told.isEmpty { return }
                    if kernel_strikes() == 0 {
                        #expect(outcome.isComplete && outcome.told.isEmpty, place)
                        break
                    }
                    skipped += 1
                }
                #expect(skipped > 0)
            }
        }

        @Test("However little a call moves, all arrives", .beyondPatience, arguments: [5, 16, 17, 100, 1_000])
        func moving(bytes: Int) throws {
            warmUp()
            kernel_begin()
            kernel_limit(bytes)
            let outcome = ShortTalk.outcome(server: server, client: client)
            kernel_rest()
            #expect(kernel_open_descriptors() == 0)
            #expect(outcome.isComplete && outcome.told.isEmpty, "\(outcome)")
        }
    }
#endif
