#if !Redis
    import Glibc
    import TestSupport
    import Testing

    /// A chatd that was built without Redis says so when it is asked for it.
    @Suite struct AbsentClusterTests {
        @Test func `chatd`() throws {
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--cluster", "redis://127.0.0.1/test"])
            let text = String(decoding: try process.error.all(), as: UTF8.self)
            #expect(text.contains("this build has no Redis; one that has is made by swift build --traits Redis"))
            #expect(try process.waitForEnd() == .exit(EX_USAGE))
        }
    }
#endif
