import CChatdSandbox
import Glibc

/// What a process keeps of its rights, once it has all that it needs. Whoever takes it over gets no more than that.
///
/// It is made of three things of the kernel: `no_new_privs`, by which no program that it runs could gain anything; a seccomp filter, which
/// ends the process with any system call but a few; and Landlock, which leaves it a few folders. A kernel may lack some of them.
public struct Sandbox: Sendable {
    /// What may be in use, and needs system calls of its own.
    public enum Part: String, CaseIterable, Sendable {
        /// What is always there: the loop and its connections.
        case core
        /// Standard error that is no socket.
        case log
        /// Standard input or output.
        case console
        /// Paths of Unix-domain sockets that were made.
        case unixPaths
        /// Files that are read again.
        case files
        /// A file of bans.
        case bans
        /// Files of rooms.
        case roomLogs
        /// Threads that judge passwords.
        case logins
        case metrics
        /// Connections that are encrypted.
        case tls
        /// The socket for commands.
        case control
        /// Several loops, each on a thread, or threads that help one with sending.
        case loops
        /// Connections to the stream of a cluster, which are made anew when they break.
        case cluster
    }

    /// What may be done with files.
    public enum FileAccess: Hashable, Sendable {
        /// They may be read.
        case read(String)
        /// They may be read, written, made and removed.
        case write(folder: String)
        /// They may be removed.
        case remove(folder: String)

        var path: String {
            switch self {
            case .read(let path), .write(let path), .remove(let path): path
            }
        }
    }

    /// Whether this program cannot be in a sandbox: a sanitizer or the counting of coverage makes system calls of its own, also when the
    /// process ends.
    public static var isInstrumented: Bool { sandbox_is_instrumented() }

    public var parts: Set<Part> = [.core]
    public var files: [FileAccess] = []
    /// Whether sockets in Linux's abstract namespace, which are no files, may be reached.
    public var reachesAbstractSockets = false
    /// Whether connections of TCP may be made.
    public var connectsOverTCP = false

    public init() {}

    /// The calls that are allowed, by name, each once.
    public var systemCalls: [String] {
        var names: [String] = []
        for rule in rules where !names.contains(rule.name) { names.append(rule.name) }
        return names
    }

    private var rules: [SystemCallRule] { SystemCallRule.all.filter { !$0.parts.isDisjoint(with: parts) } }

    /// Gives up everything else, for good: system calls for the whole process, and files for the calling thread. What the kernel lacks is left
    /// out.
    ///
    /// - Returns: What is in force, and what is not and why, for a log.
    ///
    /// The corresponding C functions are `prctl(PR_SET_NO_NEW_PRIVS)`, `landlock_restrict_self` and `seccomp`.
    public func enter() -> String {
        var sentences = restrictThread()
        do throws(SandboxError) {
            let architecture = sandbox_architecture()
            if architecture == 0 { throw SandboxError(number: ENOSYS) }
            // Last: it allows none of these calls.
            try SeccompFilter(allowing: rules, architecture: architecture).install()
            sentences.append("seccomp with \(systemCalls.count) system calls")
        } catch {
            sentences.append("no seccomp: \(error)")
        }
        return sentences.joined(separator: ", ")
    }

    /// Gives up all files but those that are named, for the calling thread and the threads that it starts. Threads that are there already have to do it
    /// themselves, before `enter`.
    ///
    /// - Returns: What is in force.
    @discardableResult
    public func restrictThread() -> [String] {
        var sentences: [String] = []
        let result = sandbox_forbid_new_privileges()
        sentences.append(result == 0 ? "no_new_privs" : "no no_new_privs: \(SandboxError(number: result))")
        do throws(SandboxError) {
            let version = try Landlock.restrict(
                to: files, reachingAbstractSockets: reachesAbstractSockets, connectingOverTCP: connectsOverTCP)
            sentences.append("Landlock \(version)")
        } catch {
            sentences.append("no Landlock: \(error)")
        }
        return sentences
    }
}

/// What the kernel says.
struct SandboxError: Error, CustomStringConvertible {
    let number: Int32

    var description: String { unsafe String(cString: strerror(number)) }
}
