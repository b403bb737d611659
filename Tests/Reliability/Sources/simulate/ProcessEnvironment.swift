import Glibc

/// What a seed cannot determine, because the process begins with it.
enum ProcessEnvironment {
    private static let wanted = [("SWIFT_DETERMINISTIC_HASHING", "1"), ("TZ", "UTC")]

    /// Runs the program anew, if need be, so that sets have the same order in each run, and the time zone is known.
    static func makeRepeatable() {
        let isRepeatable = wanted.allSatisfy { key, value in
            unsafe getenv(key).map { unsafe String(cString: $0) == value } ?? false
        }
        if isRepeatable { return }
        for (key, value) in wanted { unsafe setenv(key, value, 1) }
        var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) } + [nil]
        unsafe execv("/proc/self/exe", &arguments)
        fatalError("execv: \(errno)")
    }
}
