import Glibc

/// The kernel's name of a thread.
public typealias ThreadID = String

/// The thread that this is called on. The corresponding C function is `readlink`, of /proc/thread-self.
///
/// `pthread_self` is declared to the compiler as a function that always returns the same, so an optimized build calls it once and uses the
/// result even after an `await` that has changed the thread.
public func currentThread() -> ThreadID {
    var bytes = [CChar](repeating: 0, count: 64)
    let count = unsafe readlink("/proc/thread-self", &bytes, bytes.count)
    return String(decoding: bytes[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
