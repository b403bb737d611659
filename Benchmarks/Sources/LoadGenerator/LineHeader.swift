/// What each line begins with, so that who gets it can tell whether it is the right one, and how long it took.
///
///     0002a00b0f3c81d9.......................................⏎
///     └───┘└─┘└──────┘ └ padding
///     number  └ time, in ticks
///          └ sender
struct LineHeader {
    static let length = 16
    static let maximumSenderCount = 0xFFF
    /// The sender of the lines that find out whether everybody is there.
    static let prober: UInt32 = 0xFFF
    /// Line numbers have five digits, and begin again after the last. Far fewer lines are ever under way.
    static let numberMask: UInt32 = 0xF_FFFF

    /// The line's number among those of its sender.
    var number: UInt32
    var sender: UInt32
    var time: Tick

    init(number: UInt32, sender: UInt32, time: Tick) {
        self.number = number & Self.numberMask
        self.sender = sender
        self.time = time
    }

    init(from bytes: UnsafeRawPointer) {
        let words = unsafe (
            bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
        let first = HexWord.value(of: words.0)
        number = first &>> 12
        sender = first & 0xFFF
        time = Tick(rawValue: HexWord.value(of: words.1))
    }

    /// - Parameter mask: What each eight bytes are combined with, by an exclusive or.
    func store(to bytes: UnsafeMutableRawPointer, mask: UInt64 = 0) {
        unsafe bytes.storeBytes(of: mask ^ HexWord.digits(of: number &<< 12 | sender), as: UInt64.self)
        unsafe bytes.storeBytes(of: mask ^ HexWord.digits(of: time.rawValue), toByteOffset: 8, as: UInt64.self)
    }
}
