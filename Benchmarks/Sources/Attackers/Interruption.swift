import Glibc
import Synchronization

/// Whether somebody wants this process to end: it has a server and a load to end first.
public enum Interruption {
    private static let flag = Atomic<Bool>(false)

    public static var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// Has SIGINT and SIGTERM recorded, instead of ending the process at once. The corresponding C function is `signal`.
    public static func watch() {
        _ = isRequested
        // A handler, since what is ignored would be ignored by the processes that are started here, too.
        for number in [SIGINT, SIGTERM] { signal(number) { _ in Interruption.flag.store(true, ordering: .relaxed) } }
    }
}
