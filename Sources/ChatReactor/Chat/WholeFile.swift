import Glibc
package import Reactor

/// A file that is written whole or not at all: whoever reads it finds what was there before, or what was written, and nothing in between,
/// also after the process was killed, the disk was full or the power failed.
package enum WholeFile {
    /// Writes a file in place of the one that is there. It blocks until the disk has it.
    ///
    /// The bytes go to a file beside it, whose name has `.new` at its end, and which takes its place when the disk has all of them. One that
    /// a killed process has left there is removed. The permissions stay; those of a first file are the owner's alone. A symbolic link
    /// stays, too, and the file that it names is written.
    ///
    /// - Parameter keepsOwner: Whether it stays the owner's and the group's, which root alone can do for others. Otherwise it becomes that
    ///   of this process.
    /// - Throws: `Errno.invalidArgument` if what is there is no regular file: `/dev/null` must not be replaced, for instance. Nor must a
    ///   symbolic link that names nothing.
    ///
    /// The corresponding C functions are `realpath`, `open`, `write`, `fsync` and `rename`.
    package static func write(_ bytes: [UInt8], to path: String, keepsOwner: Bool = false) throws(Errno) {
        let path = try resolved(path)
        var status = stat()
        if unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG { throw .invalidArgument }
        let temporary = path + ".new"
        do throws(Errno) {
            try writeTemporary(bytes, temporary, like: path, keepsOwner: keepsOwner)
            if unsafe rename(temporary, path) < 0 { throw .last }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        // Else a power failure may undo the renaming.
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        // Not everybody may read the folder, and not every file system can do this for one. The file itself is safe, and in its place.
        if let opened = try? open(folder, O_RDONLY | O_DIRECTORY) { _ = fsync(opened.rawValue) }
    }

    /// The path without symbolic links, or as it is if there is nothing.
    private static func resolved(_ path: String) throws(Errno) -> String {
        guard let real = unsafe realpath(path, nil) else {
            let error = Errno.last
            var status = stat()
            if unsafe lstat(path, &status) == 0 { throw error }
            return path
        }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    private static func writeTemporary(_ bytes: [UInt8], _ temporary: String, like path: String, keepsOwner: Bool) throws(Errno) {
        // Opened instead, it might be a FIFO, which waits for a reader, or another name of some other file.
        unsafe unlink(temporary)
        let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL)
        var status = stat()
        let isThere = unsafe stat(path, &status) == 0
        let mode = isThere ? status.st_mode & 0o777 : 0o600
        // Before the mode, which this may change.
        if isThere, keepsOwner { try retryingOnInterrupt { fchown(file.rawValue, status.st_uid, status.st_gid) } }
        try retryingOnInterrupt { fchmod(file.rawValue, mode) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = try retryingOnInterrupt {
                unsafe rest.withUnsafeBytes { unsafe Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(written)
        }
        try retryingOnInterrupt { fsync(file.rawValue) }
    }

    /// What is in a file; nil if there is none.
    ///
    /// - Throws: `Errno.invalidArgument` if it is no regular file, and `EFBIG` if it is longer than the limit.
    ///
    /// The corresponding C functions are `open`, `fstat` and `read`.
    package static func read(_ path: String, limit: Int) throws(Errno) -> [UInt8]? {
        try readWithMode(path, limit: limit)?.bytes
    }

    /// What is in a file, and who may read and write that, as in `chmod`: of one and the same file, although another may take its place meanwhile.
    ///
    /// See `read`.
    package static func readWithMode(_ path: String, limit: Int) throws(Errno) -> (bytes: [UInt8], mode: UInt32)? {
        // Without waiting for somebody who writes to it: it may be a pipe.
        do throws(Errno) {
            let file = try open(path, O_RDONLY | O_NONBLOCK)
            return try readAll(of: file, limit: limit)
        } catch {
            if error == Errno(rawValue: ENOENT) { return nil }
            throw error
        }
    }

    private static func readAll(of file: borrowing OwnedDescriptor, limit: Int) throws(Errno) -> (bytes: [UInt8], mode: UInt32) {
        let number = file.rawValue
        var status = stat()
        if unsafe fstat(number, &status) < 0 { throw .last }
        if status.st_mode & S_IFMT != S_IFREG { throw .invalidArgument }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try retryingOnInterrupt {
                unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return (bytes, status.st_mode & 0o7777) }
            bytes += buffer[..<count]
            if bytes.count > limit { throw Errno(rawValue: EFBIG) }
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws(Errno) -> OwnedDescriptor {
        OwnedDescriptor(takingOver: try retryingOnInterrupt { unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600) })
    }
}
