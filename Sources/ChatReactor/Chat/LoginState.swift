import Reactor

/// How far a person is with logging in.
struct LoginState {
    /// The name that the person has logged in under. Nil once the person has another one.
    var name: ChatName?
    /// Whether the person is in no room until it has logged in.
    var isAwaited = false
    /// Whether it was decided that the person may come, if it logs in.
    var isDecided = false
    /// When the person may wait no longer.
    var timer: EventLoop.Timer?
}
