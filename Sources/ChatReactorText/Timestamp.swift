import Glibc

/// Times as records and logs have them: milliseconds since the beginning of 1970, UTC.
public enum Timestamp {
    /// The time now.
    ///
    /// The corresponding C function is `clock_gettime`.
    public static var now: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) &* 1_000 &+ Int64(time.tv_nsec) / 1_000_000
    }

    /// As RFC 3339 has it, in UTC and with milliseconds: `2026-11-27T19:03:05.120Z`.
    ///
    /// The corresponding C function is `gmtime_r`.
    public static func rfc3339(_ time: Int64) -> String {
        let date = CalendarDate(of: time, isLocal: false)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        date.appendDay(to: &text)
        text.append(UInt8(ascii: "T"))
        date.appendClock(to: &text)
        text.append(UInt8(ascii: ":"))
        append(date.second, to: &text)
        text.append(UInt8(ascii: "."))
        append(Int32(truncatingIfNeeded: (time % 1_000 &+ 1_000) % 1_000), width: 3, to: &text)
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// For a sentence, to the minute: `2026-11-27 19:03 UTC`.
    ///
    /// The corresponding C function is `gmtime_r`.
    public static func minute(_ time: Int64) -> String {
        let date = CalendarDate(of: time, isLocal: false)
        var text: [UInt8] = []
        date.appendDay(to: &text)
        text.append(UInt8(ascii: " "))
        date.appendClock(to: &text)
        return String(decoding: text, as: UTF8.self) + " UTC"
    }

    /// Reads a time in UTC as `rfc3339` writes it, or without milliseconds; nil if the text is no such time.
    ///
    /// The corresponding C function is `timegm`.
    public static func parse(rfc3339 text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 20 || bytes.count == 24 else { return nil }
        func number(_ range: Range<Int>) -> Int32? {
            bytes[range].allSatisfy { (48...57).contains($0) } ? Int32(String(decoding: bytes[range], as: UTF8.self)) : nil
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), let milliseconds = bytes.count == 24 ? number(20..<23) : 0
        else { return nil }
        var fields = unsafe tm()
        unsafe (fields.tm_year, fields.tm_mon, fields.tm_mday) = (year - 1_900, month - 1, day)
        unsafe (fields.tm_hour, fields.tm_min, fields.tm_sec) = (hour, minute, second)
        let time = Int64(unsafe timegm(&fields)) * 1_000 + Int64(milliseconds)
        // A day that does not exist has become another one; and between the numbers there must be what belongs there.
        let written = rfc3339(time)
        return text == written || text == written.dropLast(5) + "Z" ? time : nil
    }

    /// For people, in the zone of the server: `19:03`, and `2026-11-26 19:03` if that is another day than `now` is in.
    ///
    /// The corresponding C function is `localtime_r`.
    public static func forPeople(_ time: Int64, now: Int64) -> String {
        let date = CalendarDate(of: time, isLocal: true)
        var text: [UInt8] = []
        if !date.isSameDay(as: CalendarDate(of: now, isLocal: true)) {
            date.appendDay(to: &text)
            text.append(UInt8(ascii: " "))
        }
        date.appendClock(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    private struct CalendarDate {
        let year: Int32
        let month: Int32
        let day: Int32
        let hour: Int32
        let minute: Int32
        let second: Int32

        init(of time: Int64, isLocal: Bool) {
            // Rounded down, also before 1970.
            var seconds = time_t((time &- (time % 1_000 &+ 1_000) % 1_000) / 1_000)
            var fields = unsafe tm()
            // A year beyond 32 bits leaves all at zero.
            _ = unsafe isLocal ? localtime_r(&seconds, &fields) : gmtime_r(&seconds, &fields)
            unsafe (year, month, day) = (fields.tm_year &+ 1_900, fields.tm_mon &+ 1, fields.tm_mday)
            unsafe (hour, minute, second) = (fields.tm_hour, fields.tm_min, fields.tm_sec)
        }

        func isSameDay(as other: CalendarDate) -> Bool { day == other.day && month == other.month && year == other.year }

        func appendDay(to text: inout [UInt8]) {
            Timestamp.append(year, width: 4, to: &text)
            text.append(UInt8(ascii: "-"))
            Timestamp.append(month, to: &text)
            text.append(UInt8(ascii: "-"))
            Timestamp.append(day, to: &text)
        }

        func appendClock(to text: inout [UInt8]) {
            Timestamp.append(hour, to: &text)
            text.append(UInt8(ascii: ":"))
            Timestamp.append(minute, to: &text)
        }
    }

    /// Writes a number with as many digits at least. Each message of a history has a time, so no string is made of each number.
    private static func append(_ number: Int32, width: Int = 2, to text: inout [UInt8]) {
        var unit: Int32 = 1
        for _ in 1..<width { unit &*= 10 }
        guard number >= 0, number / 10 < unit else {
            let digits = String(number)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: max(width &- digits.utf8.count, 0)))
            return text.append(contentsOf: digits.utf8)
        }
        while unit > 0 {
            text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / unit % 10))
            unit /= 10
        }
    }
}
