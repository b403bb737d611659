import CChatdSandbox
import Glibc

/// Which files the process may still open. See landlock(7).
///
/// What is open already stays so, and so do its rights. A folder stands for all that is beneath it, also for what is put there later:
/// files that are replaced are other files.
enum Landlock {
    /// Forbids everything but these.
    ///
    /// - Returns: The kernel's version of Landlock.
    /// - Throws: What the kernel says: `ENOSYS` or `EOPNOTSUPP` if it has no Landlock.
    static func restrict(
        to allowed: [Sandbox.FileAccess], reachingAbstractSockets: Bool, connectingOverTCP: Bool
    ) throws(SandboxError) -> Int {
        let version = try check(sandbox_landlock_version())
        // All rights of files that this version knows, but for those of devices, which are open already.
        let files = Right.all(version)
        // To bind and to connect; to reach abstract sockets, and to send signals, outside of the sandbox.
        let network: UInt64 = version >= 4 ? (connectingOverTCP ? 0b01 : 0b11) : 0
        let scopes: UInt64 = version >= 6 ? (reachingAbstractSockets ? 0b10 : 0b11) : 0
        let rules = try check(sandbox_landlock_create(version, files, network, scopes))
        defer { close(rules) }
        for access in allowed {
            let file = unsafe sandbox_landlock_open(access.path)
            // What is not there cannot be allowed, and need not be.
            if file < 0 { continue }
            defer { close(file) }
            var status = stat()
            let isFolder = unsafe fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            let rights = access.rights & files & (isFolder ? .max : Right.ofFiles)
            try check(-sandbox_landlock_allow(rules, file, rights))
        }
        try check(-sandbox_landlock_restrict(rules, version))
        return Int(version)
    }

    @discardableResult
    private static func check(_ result: Int32) throws(SandboxError) -> Int32 {
        if result < 0 { throw SandboxError(number: -result) }
        return result
    }

    /// Rights, as linux/landlock.h has them.
    fileprivate enum Right {
        static let writeFile: UInt64 = 1 << 1
        static let readFile: UInt64 = 1 << 2
        static let readFolder: UInt64 = 1 << 3
        static let removeFile: UInt64 = 1 << 5
        static let makeFile: UInt64 = 1 << 8

        /// Those that a single file may have.
        static let ofFiles = writeFile | readFile

        static func all(_ version: Int32) -> UInt64 {
            switch version {
            case ...1: 1 << 13 - 1
            case 2: 1 << 14 - 1
            case 3, 4: 1 << 15 - 1
            default: 1 << 16 - 1
            }
        }
    }
}

extension Sandbox.FileAccess {
    fileprivate var rights: UInt64 {
        switch self {
        case .read: Landlock.Right.readFile
        case .write:
            Landlock.Right.readFile | Landlock.Right.writeFile | Landlock.Right.readFolder | Landlock.Right.makeFile
                | Landlock.Right.removeFile
        case .remove: Landlock.Right.readFolder | Landlock.Right.removeFile
        }
    }
}
