import ChatReactor
import Glibc
import TestSupport
import Testing

/// Who may connect to a path, by its permissions.
struct UnixPermissionsTests {
    private let path = TemporaryPath()

    private func listen(_ permissions: UnixPermissions) throws -> stat? {
        let loop = try EventLoop()
        defer { loop.close() }
        try loop.listen(on: .unix(path: path.path), permissions: permissions, handler: RecordingHandler())
        var status = stat()
        return unsafe lstat(path.path, &status) == 0 ? status : nil
    }

    @Test("The path has the mode, whatever the umask is", arguments: [0, 0o600, 0o660, 0o666, 0o777, 0o1777] as [UInt16])
    func mode(_ mode: UInt16) throws {
        // The mask is the process's, so it is read and not set: other tests make files.
        #expect(try listen(.init(mode: mode))?.st_mode == S_IFSOCK | mode_t(mode & 0o777))
    }

    @Test("The path has the owner and the group", .enabled(if: geteuid() == 0, "only root may give a file away"))
    func owner() throws {
        for (permissions, owner, group) in [
            (UnixPermissions(mode: 0o600, owner: 12_345), 12_345 as uid_t, getegid()),
            (.init(group: 54_321), geteuid(), 54_321), (.init(mode: 0o060, owner: 1, group: 2), 1, 2),
        ] {
            let status = try #require(try listen(permissions))
            #expect(status.st_uid == owner && status.st_gid == group)
            if let mode = permissions.mode { #expect(status.st_mode & 0o7777 == mode_t(mode)) }
        }
    }

    @Test("If it may not be given away, nobody listens and nothing is left", .enabled(if: geteuid() != 0, "root may"))
    func notPermitted() throws {
        #expect(throws: Errno.notPermitted) { try listen(.init(owner: 0)) }
        #expect(!path.exists)
    }

    @Test("A path that was left behind is replaced with the new permissions")
    func replaced() throws {
        let descriptor = try makeSocket(for: .unix(path: path.path))
        #expect(unsafe withSystemAddress(.unix(path: path.path)) { unsafe bind(descriptor, $0, $1) } == 0)
        close(descriptor)
        #expect(try listen(.init(mode: 0o606))?.st_mode == S_IFSOCK | 0o606)
    }
}
