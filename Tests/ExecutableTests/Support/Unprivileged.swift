import Glibc
import TestSupport

/// A process that may not open what is not permitted, also where the tests run as root.
enum Unprivileged {
    /// Whether such a process can be started.
    static let isPossible: Bool = {
        guard let program = launcher.first else { return true }
        let process = try? ChildProcess(program, launcher.dropFirst() + ["true"])
        return (try? process?.waitForEnd()) == .exit(0)
    }()

    /// What runs a program as one: to be put before its name and its arguments.
    static let launcher = geteuid() == 0 ? ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] : []
}
