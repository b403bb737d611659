import CReactorLinux
import Glibc

/// An epoll instance, and the events that its last wait reported.
@safe final class Poller {
    private let descriptor: OwnedDescriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int32
    /// How many events the last wait reported.
    private(set) var count = 0

    /// - Parameter capacity: How many events one wait reports at most; those beyond it come with the next wait.
    ///
    /// The corresponding C function is `epoll_create1`.
    init(capacity: Int) throws(Errno) {
        descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { epoll_create1(Int32(EPOLL_CLOEXEC)) })
        self.capacity = Int32(clamping: capacity)
        unsafe events = .allocate(capacity: Int(self.capacity))
    }

    deinit {
        unsafe events.deallocate()
    }

    /// - Parameter isEdgeTriggered: Whether an event comes once each time that the descriptor becomes ready, and not as long as
    ///   it is ready. For the waker alone.
    ///
    /// The corresponding C function is `epoll_ctl(EPOLL_CTL_ADD)`.
    func add(_ descriptor: Int32, token: Token, interest: Interest, isEdgeTriggered: Bool = false) throws(Errno) {
        try control(EPOLL_CTL_ADD, descriptor, token, interest.epollEvents | (isEdgeTriggered ? EPOLLET.rawValue : 0))
    }

    /// The corresponding C function is `epoll_ctl(EPOLL_CTL_MOD)`.
    func modify(_ descriptor: Int32, token: Token, interest: Interest) throws(Errno) {
        try control(EPOLL_CTL_MOD, descriptor, token, interest.epollEvents)
    }

    /// Must come before close(2): if the descriptor was duplicated, by a fork perhaps, events would go on coming.
    ///
    /// The corresponding C function is `epoll_ctl(EPOLL_CTL_DEL)`.
    func remove(_ descriptor: Int32) {
        _ = epoll_ctl(self.descriptor.rawValue, EPOLL_CTL_DEL, descriptor, nil)
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ token: Token, _ events: UInt32) throws(Errno) {
        var event = unsafe epoll_event(events: events, data: epoll_data(u64: token.rawValue))
        if unsafe epoll_ctl(self.descriptor.rawValue, operation, descriptor, &event) < 0 { throw Errno.last }
    }

    /// Waits for events, at most `milliseconds`; a negative number waits for ever. A signal ends the wait with no event.
    ///
    /// The corresponding C function is `epoll_wait`.
    func wait(milliseconds: Int32) throws(Errno) {
        let result = unsafe epoll_wait(descriptor.rawValue, events, capacity, milliseconds)
        if result < 0 {
            count = 0
            let error = Errno.last
            if error != .interrupted { throw error }
        } else {
            count = Int(result)
        }
    }

    /// One event of the last batch.
    func event(at index: Int) -> (token: Token, readiness: Readiness) {
        assert(index < count)
        let event = unsafe events[index]
        return unsafe (Token(rawValue: event.data.u64), Readiness(rawValue: event.events))
    }
}
