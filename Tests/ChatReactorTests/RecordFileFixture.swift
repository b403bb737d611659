import Glibc
import Reactor
import TestSupport

@testable import ChatReactor

/// What the kernel says of this boot in tests, and of another one.
let thisBoot = [UInt8](repeating: 1, count: RecordFile.bootLength)
let anotherBoot = [UInt8](repeating: 2, count: RecordFile.bootLength)

/// A folder that nobody else uses. It is removed with this, if what was made in it is gone.
final class TemporaryFolder {
    let path = "/tmp/chatreactor-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    init() throws {
        guard unsafe mkdir(path, 0o700) == 0 else { throw Errno.last }
    }

    deinit {
        for name in names { unsafe unlink(path + "/" + name) }
        unsafe rmdir(path)
    }

    var names: [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
            names.append(String(decoding: name, as: UTF8.self))
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }
}

/// The bytes of a log's file, which is closed.
struct RecordFileImage: Equatable {
    var bytes: [UInt8]

    init(of file: TemporaryPath) throws {
        let descriptor = OwnedDescriptor(takingOver: unsafe open(file.path, O_RDONLY | O_CLOEXEC))
        var status = stat()
        unsafe fstat(descriptor.rawValue, &status)
        bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        guard unsafe read(descriptor.rawValue, &bytes, bytes.count) == bytes.count else { throw Errno.last }
    }

    subscript(_ field: RecordFile.Field) -> UInt64 {
        get { bytes[field.rawValue..<field.rawValue + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        set { for index in 0..<8 { bytes[field.rawValue + index] = UInt8(truncatingIfNeeded: newValue >> UInt64(8 * index)) } }
    }
}
