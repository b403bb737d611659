import ChatReactorText
import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// The file of a list of bans: what is in it, that it is written whole or not at all, and that a damaged one is refused.
struct BanFileTests {
    @Test func itOutlivesTheServer() throws {
        let file = TemporaryPath()
        #expect(try BanList(file: file.path).all == [])
        #expect(file.exists)
        let list = try BanList(file: file.path)
        try list.add(
            Ban(.addresses(AddressBlock("2001:db8::/32")), for: .seconds(7_200), reason: " flooding, and \u{1B}[2J\nmore "))
        try list.add(Ban(.addresses(AddressBlock("10.0.0.0/8"))))
        try list.add(Ban(.name(ChatName("ana")), reason: "\u{301} rude"))
        try list.add(Ban(.name(ChatName("-")), for: .zero))
        let bans = list.all
        #expect(
            bans.map { "\($0.subject) \($0.reason)" } == [
                "ana \u{301} rude", "10.0.0.0/8 ", "2001:db8::/32 flooding, and ^[[2J^Jmore",
            ])
        #expect(try BanList(file: file.path).all == bans)
        // What is over is not written.
        #expect(try file.text.split(separator: "\n").count == 4)
        try list.remove(.name(ChatName("ANA")))
        #expect(try BanList(file: file.path).all == Array(bans.dropFirst()))
    }

    @Test func whatPeopleWrite() throws {
        let file = TemporaryPath()
        try file.write(
            "# mine\n#\u{FE0F}\u{20E3} too\n\n  \t\nana\t-\t too   loud \r\n::1   -\n10.1.1.1/8 2099-01-31T10:00:00Z\n10.2.2.2 2001-01-01T00:00:00.000Z over\n"
        )
        let bans = try BanList(file: file.path).all
        #expect(
            bans.map { "\($0.subject) \($0.end.map(Timestamp.rfc3339) ?? "-") \($0.reason)" } == [
                "ana - too   loud", "10.0.0.0/8 2099-01-31T10:00:00.000Z ", "::1 - ",
            ])
    }

    @Test(arguments: [
        ("ana -\nben\n", "line 2: the end is missing"), ("ana - x", "line 1: the file ends within it, without a newline"),
        ("# all is well\n10.0.0.0/1", "line 2: the file ends within it, without a newline"),
        ("\n\n10.0.0.0/99 -\n", "line 3: '10.0.0.0/99' is no address"),
        ("ana tomorrow\n", "line 1: the end is no time"), ("ana 2026-02-30T00:00:00Z\n", "line 1: the end is no time"),
        ("ana 2026-01-01 00:00:00Z\n", "line 1: the end is no time"),
        ("ana 2026-01-01T00:00:00+02:00\n", "line 1: the end is no time"),
        ("guest7 -\n", "line 1: this name is reserved"), ("\u{202E}ana -\n", "line 1: a name has letters"),
        ("ana - a\nben - \0\u{1}\nx\n", "line 3: the end is missing"),
    ])
    func aDamagedOneIsRefusedAndLeftAsItIs(_ text: String, _ reason: String) throws {
        let file = TemporaryPath()
        try file.write(text)
        let error = #expect(throws: BanListError.self) { _ = try BanList(file: file.path) }
        #expect(
            error?.description.hasPrefix("cannot use the bans \(file.path): \(reason)") == true, "\(error?.description ?? "")")
        #expect(try file.text == text)
    }

    @Test func whatIsNotText() throws {
        let file = TemporaryPath()
        try file.write([UInt8]("ana -\nben - ".utf8) + [0xFF, 10])
        let error = #expect(throws: BanListError.self) { _ = try BanList(file: file.path) }
        #expect(error?.description == "cannot use the bans \(file.path): line 2: it is not UTF-8")
    }

    @Test(arguments: [
        ("/", "read", "it is no file"), ("/dev/null", "read", "it is no file"), ("/dev/zero", "read", "it is no file"),
        ("/no/such/folder/bans", "write", "No such file or directory"), ("/dev/null/bans", "read", "Not a directory"),
    ])
    func aPlaceWithoutAFile(_ path: String, _ operation: String, _ reason: String) {
        let error = #expect(throws: BanListError.self) { _ = try BanList(file: path) }
        #expect(error?.description == "cannot \(operation) the bans \(path): \(reason)")
        #expect(error?.error != nil)
    }

    /// A device, for instance, would be gone.
    @Test func whatIsNoFileIsNotReplaced() throws {
        let path = TemporaryPath()
        let list = try BanList(file: path.path)
        unsafe unlink(path.path)
        unsafe mkfifo(path.path, 0o600)
        #expect(throws: BanListError.self) { try list.add(Ban(.name(ChatName("ana")))) }
        var status = stat()
        #expect(unsafe lstat(path.path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    @Test func aSymbolicLinkStays() throws {
        let (file, link) = (TemporaryPath(), TemporaryPath())
        _ = try BanList(file: file.path)
        unsafe symlink(file.path, link.path)
        try BanList(file: link.path).add(Ban(.name(ChatName("ana"))))
        var status = stat()
        #expect(unsafe lstat(link.path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(try BanList(file: file.path).all.count == 1)
    }

    /// A disk is not mounted, perhaps, on which the bans are.
    @Test func aLinkToNothingIsRefused() throws {
        let link = TemporaryPath()
        unsafe symlink("/no/such/disk/bans", link.path)
        let error = #expect(throws: BanListError.self) { _ = try BanList(file: link.path) }
        #expect(error?.description == "cannot write the bans \(link.path): No such file or directory")
        var status = stat()
        #expect(unsafe lstat(link.path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }

    /// Where the next bans are written may lie anything: a FIFO would wait for a reader for ever, and a link would have its file cut off.
    @Test func whatLiesWhereTheNextOneIsWritten() throws {
        let (file, other) = (TemporaryPath(), TemporaryPath())
        let list = try BanList(file: file.path)
        let new = file.path + ".new"
        try other.write("a letter\n")
        let obstacles: [() -> Int32] = [
            { unsafe mkfifo(new, 0o600) }, { unsafe symlink(other.path, new) }, { unsafe link(other.path, new) },
        ]
        for (index, obstacle) in obstacles.enumerated() {
            #expect(obstacle() == 0)
            // Otherwise it would wait.
            let reader = unsafe open(new, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            defer { close(reader) }
            try list.add(Ban(.name(ChatName("ana\(index)"))))
            #expect(try BanList(file: file.path).all.count == index + 1)
            #expect(try other.text == "a letter\n")
        }
    }

    @Test(.enabled(if: kernel_faults_are_available())) func aFolderThatCannotBeOpenedKeepsTheBans() throws {
        let file = TemporaryPath()
        let list = try BanList(file: file.path)
        kernel_begin()
        kernel_fail(KERNEL_OPEN, 1, 1, EACCES)
        try list.add(Ban(.name(ChatName("ana"))))
        kernel_rest()
        #expect(kernel_strikes() == 1)
        #expect(try BanList(file: file.path).all == list.all)
    }

    @Test func itsPermissionsStay() throws {
        let file = TemporaryPath()
        let before = umask(0)
        defer { umask(before) }
        let list = try BanList(file: file.path)
        func mode() -> mode_t {
            var status = stat()
            _ = unsafe stat(file.path, &status)
            return status.st_mode & 0o7777
        }
        // It says who was where.
        #expect(mode() == 0o600)
        unsafe chmod(file.path, 0o640)
        try list.add(Ban(.name(ChatName("ana"))))
        #expect(mode() == 0o640)
    }

    /// Nothing is lost of what was there, nothing is left behind, and the ban holds.
    @Test(
        .enabled(if: kernel_faults_are_available()),
        arguments: [
            (KERNEL_OPEN, EACCES), (KERNEL_OPEN, ENOSPC), (KERNEL_WRITE, ENOSPC), (KERNEL_WRITE, EIO), (KERNEL_FSYNC, EIO),
            (KERNEL_FSYNC, ENOSPC), (KERNEL_RENAME, ENOSPC),
        ])
    func aFullDiskLosesNothing(_ call: kernel_call, _ error: Int32) throws {
        let file = TemporaryPath()
        let list = try BanList(file: file.path)
        let (ana, ben) = (try ChatName("ana"), try ChatName("ben"))
        try list.add(Ban(.name(ana)))
        let text = try file.text
        kernel_begin()
        kernel_fail(call, 0, 1, error)
        let failure = #expect(throws: BanListError.self) { try list.add(Ban(.name(ben))) }
        kernel_rest()
        #expect(failure?.description == "cannot write the bans \(file.path): \(Errno(rawValue: error))")
        #expect(try file.text == text)
        #expect(unsafe access(file.path + ".new", F_OK) != 0)
        #expect(list.ban(of: ben) != nil)
        // The next change brings both.
        try list.remove(.name(ana))
        #expect(try BanList(file: file.path).all.map(\.subject) == [.name(ben)])
    }

    @Test(.enabled(if: kernel_faults_are_available())) func aSignalDoesNotInterrupt() throws {
        let file = TemporaryPath()
        let list = try BanList(file: file.path)
        kernel_begin()
        for call in [KERNEL_OPEN, KERNEL_WRITE, KERNEL_FSYNC] { kernel_fail(call, 0, 2, EINTR) }
        try list.add(Ban(.name(ChatName("ana")), reason: "loud"))
        #expect(kernel_strikes() == 6)
        kernel_rest()
        #expect(try BanList(file: file.path).all == list.all)
    }
}
