/// A time as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`, whatever the locale.
struct HTTPDate: CustomStringConvertible {
    let description: String

    /// - Parameter time: In seconds since 1970. One before that counts as 1970, and one after the year 9999 as its last second.
    init(_ time: Int) {
        let time = min(max(time, 0), 253_402_300_799)
        let (day, second) = (time / 86_400, time % 86_400)
        // Years begin with March here, so that the day which is not in every year is the last; and 400 of them are always as many days.
        let shifted = day + 719_468
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + shifted / 146_097 * 400 + (month >= 10 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let months = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        description =
            "\(days[day % 7]), \(two(dayOfMonth)) \(months[month]) \(year) "
            + "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }
}
