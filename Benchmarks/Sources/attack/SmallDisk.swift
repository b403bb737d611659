import Foundation
import Relays

/// A file system of its own, small enough to be filled.
final class SmallDisk {
    let directory: URL

    /// - Parameter bytes: Its size.
    init(in place: URL, bytes: Int) throws {
        directory = place.appending(path: "disk")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let output = try Command.run(
            ["mount", "-t", "tmpfs", "-o", "size=\(bytes)", "none", directory.path], timeLimit: 10)
        if output.status != 0 { throw RunFailure("a small file system cannot be mounted: \(output.errors.firstLine ?? "")") }
    }

    func remove() {
        _ = try? Command.run(["umount", "-l", directory.path], timeLimit: 10)
    }
}
