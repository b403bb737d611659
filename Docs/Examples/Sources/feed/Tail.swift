import ChatReactor
import Glibc

/// Follows a file that grows, and publishes each line once it is whole. What the file held before is not published.
final class Tail {
    private let topic: Topic
    private let file: OwnedDescriptor
    private let notifier: OwnedDescriptor
    private var unfinished: [UInt8] = []

    init(of path: String, to topic: Topic) throws {
        self.topic = topic
        file = try OwnedDescriptor(takingOver: checked("open", path, unsafe open(path, O_RDONLY | O_CLOEXEC)))
        lseek(file.rawValue, 0, SEEK_END)
        notifier = try OwnedDescriptor(
            takingOver: checked("inotify_init1", path, inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))))
        _ = try checked(
            "inotify_add_watch", path, unsafe inotify_add_watch(notifier.rawValue, path, UInt32(IN_MODIFY)))
        try topic.loop.watch(notifier.rawValue, for: .readable) { [self] _, _ in fileHasChanged() }
    }

    private func fileHasChanged() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        // What exactly has happened does not matter; but the events must be taken, or they would be reported for ever.
        while unsafe read(notifier.rawValue, &buffer, buffer.count) > 0 {}
        var count = unsafe read(file.rawValue, &buffer, buffer.count)
        while count > 0 {
            unfinished += buffer[..<count]
            publishLines()
            count = unsafe read(file.rawValue, &buffer, buffer.count)
        }
    }

    private func publishLines() {
        var start = 0
        while let newline = unfinished[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = unfinished[start...newline]
            topic.publish(line.span)
            start = newline + 1
        }
        unfinished.removeFirst(start)
        // A line that is too long to be published is not collected, either.
        if unfinished.count > topic.maximumMessageLength { unfinished = [] }
    }
}

/// Ends the program with a sentence if a system call has failed.
private func checked(_ call: String, _ path: String, _ result: Int32) throws(Failure) -> Int32 {
    if result < 0 { throw Failure(description: "\(call) \(path): \(Errno(rawValue: errno))") }
    return result
}

private struct Failure: Error, CustomStringConvertible {
    let description: String
}
