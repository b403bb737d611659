import CReactorLinux
import Glibc

/// The path of a Unix-domain socket that is listened on: how it is taken, and given back.
///
/// Of several servers that want one path, exactly one gets it, and only that one removes it. Two facts of the kernel are in the
/// way. A server that was killed leaves its path behind; another one has to remove it before it can bind, and between the look
/// that finds the path stale and the removal, a third one may have bound it. And a server that ends removes a path, whatever has
/// been there since.
///
/// So a path is bound, found stale, removed and replaced only by a process that holds a lock on the folder (flock(2) on the
/// folder itself, which leaves no file behind). And the owner of a path is known by the device and inode numbers that the path
/// had when it was bound: they cannot be given to another file while the socket is open.
///
/// The lock is kept for a few system calls. If another process keeps it for two seconds, listening fails with `wouldBlock`. Where
/// a folder cannot be opened or locked, on a few network file systems and in folders without the right to list them, there is no
/// lock.
struct UnixPath {
    private let path: String
    private let device: dev_t
    private let inode: ino_t

    /// Binds a socket to a path and has it listen there. If a server has left the path behind, the path is replaced. A path on
    /// which a server listens is refused with `addressInUse`, and any other file with `fileExists`.
    ///
    /// Nobody can connect before the path has its permissions: the kernel refuses whoever connects to a socket that does not listen yet. If
    /// it cannot be given them, it is removed.
    ///
    /// The corresponding C functions are `flock`, `fchmod`, `bind`, `fchownat`, `fchmodat`, `listen`, `lstat` and `unlink`.
    init(_ path: String, _ permissions: UnixPermissions, listening socket: borrowing Socket) throws(Errno) {
        let address = SocketAddress.unix(path: path)
        let lock = try Self.lockFolder(of: path, attempts: 200)
        // Linux makes the path with the mode of the socket, less the umask: so the path never allows more than it is to.
        if let mode = permissions.mode { fchmod(socket.descriptor.rawValue, mode_t(mode & 0o777)) }
        do throws(Errno) {
            try socket.bind(to: address)
        } catch .addressInUse {
            guard Self.isStale(path) else { throw Self.status(of: path)?.isSocket == false ? .fileExists : .addressInUse }
            unsafe unlink(path)
            try socket.bind(to: address)
        }
        do throws(Errno) {
            try Self.set(permissions, of: path)
            try socket.listen()
        } catch {
            unsafe unlink(path)
            throw error
        }
        let identity = Self.identity(of: path)
        self.path = path
        device = identity?.device ?? 0
        inode = identity?.inode ?? 0
        _ = consume lock
    }

    /// Removes the path if it is still the one that was bound. Must come before the socket is closed.
    ///
    /// If another process keeps the lock, the path stays: it is stale then, and is replaced by the next server.
    func remove() {
        guard let lock = try? Self.lockFolder(of: path, attempts: 5) else { return }
        if let identity = Self.identity(of: path), identity == (device, inode) { unsafe unlink(path) }
        _ = consume lock
    }

    /// Neither call follows a symbolic link: who may write to the folder could have it name another file.
    private static func set(_ permissions: UnixPermissions, of path: String) throws(Errno) {
        // First the owner, who could otherwise no longer be set: and the number -1 leaves one as it is.
        if permissions.owner != nil || permissions.group != nil {
            let (owner, group) = (permissions.owner ?? .max, permissions.group ?? .max)
            try retryingOnInterrupt { unsafe fchownat(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW) }
        }
        // The umask may have taken bits away.
        if let mode = permissions.mode {
            try retryingOnInterrupt { unsafe fchmodat(AT_FDCWD, path, mode_t(mode & 0o777), AT_SYMLINK_NOFOLLOW) }
        }
    }

    /// Whether the path is a socket on which nobody listens.
    private static func isStale(_ path: String) -> Bool {
        guard identity(of: path) != nil else { return false }
        do throws(Errno) {
            _ = try Socket(for: .unix(path: path)).connect(to: .unix(path: path))
            return false
        } catch {
            return error == .connectionRefused
        }
    }

    /// Nil if the path is no socket.
    private static func identity(of path: String) -> (device: dev_t, inode: ino_t)? {
        guard let status = status(of: path), status.isSocket else { return nil }
        return (status.st_dev, status.st_ino)
    }

    /// Nil if there is no such file, or if the kernel does not tell. A symbolic link is not followed. The corresponding C function is
    /// `lstat`.
    private static func status(of path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }

    /// Holds the lock as long as the result lives.
    ///
    /// - Parameter attempts: How often it is tried, every 10 ms.
    private static func lockFolder(of path: String, attempts: Int) throws(Errno) -> FolderLock {
        let folder: String
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            // Of bytes, not of characters: a mark that follows the slash makes one character with it.
            folder = String(Substring(path.utf8[...slash]))
        } else {
            folder = "."
        }
        let result = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if result < 0 { return FolderLock(descriptor: nil) }
        let descriptor = OwnedDescriptor(takingOver: result)
        for _ in 0..<attempts {
            if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 { return FolderLock(descriptor: descriptor) }
            // ENOLCK and the like: this file system knows no such locks.
            if Errno.last != .wouldBlock { return FolderLock(descriptor: nil) }
            usleep(10_000)
        }
        throw .wouldBlock
    }

    private struct FolderLock: ~Copyable {
        /// Closing it unlocks. Nil if there is no lock.
        let descriptor: OwnedDescriptor?
    }
}

extension stat {
    fileprivate var isSocket: Bool { st_mode & S_IFMT == S_IFSOCK }
}
