import Glibc
public import Reactor

/// For programs that read a file, and then write it anew: one at a time.
public enum FolderLock {
    /// Why a folder could not be locked, for a sentence about a file in it.
    public static func words(for error: Errno) -> String {
        switch error {
        case .wouldBlock: "another program has locked its folder"
        // Only what is open for reading has a descriptor that flock(2) takes. Another file beside it would stay there for good, and programs that
        // may read the folder would have to know of that, too.
        case .permissionDenied: "its folder has to be locked, and may not be read, which that needs"
        default: "\(error)"
        }
    }

    /// Calls `body` while no other program does the same for a file. What is locked is the file's folder: the file is another one once it is
    /// written.
    ///
    /// - Parameters:
    ///   - path: The file's, which need not be there yet. If it is a symbolic link, the folder is that of what it names.
    ///   - failure: What is thrown if the folder cannot be locked: for `Errno.wouldBlock`, another program has it for ten seconds, where a
    ///     small file takes none.
    ///
    /// The corresponding C functions are `realpath`, `open` and `flock`.
    public static func hold<Result, Failure: Error>(
        for path: String, orThrow failure: (Errno) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var path = path
        if let real = unsafe realpath(path, nil) {
            path = unsafe String(cString: real)
            unsafe free(real)
        }
        let lock = unsafe open(folder(ofFile: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if lock < 0 { throw failure(.last) }
        // That unlocks it, too.
        defer { close(lock) }
        for _ in 0..<1_000 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return try body() }
            if errno != EWOULDBLOCK, errno != EINTR { throw failure(.last) }
            usleep(10_000)
        }
        throw failure(.wouldBlock)
    }
}
