import ChatCommandLine
import TestSupport
import Testing

/// How the options read spans of time and numbers of bytes.
@Suite struct OptionValueTests {
    @Test(arguments: [
        ("0", 0), ("5", 5_000), ("007", 7_000), ("0s", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000),
        ("7d", 604_800_000), ("3650d", 315_360_000_000), ("315360000", 315_360_000_000), ("315360000000ms", 315_360_000_000),
    ])
    func `a time is read`(text: String, milliseconds: Int) throws {
        #expect(try TimeLimit(text).duration == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        "", " ", "-5", "+5", "-5m", "1.5", "1.5h", ".5s", "1,5s", "5 s", " 5s", "5s ", "5min", "5M", "5S", "5ss", "5sms", "s",
        "ms", "h5",
        "1h30m", "0x10", "1e3", "inf", "nan", "soon", "٣s", "5s\u{301}", "5\0", "3651d", "315360001", "9223372036854775807d",
        "9223372036854775808s", "99999999999999999999", "99999999999999999999ms",
    ])
    func `what is no time is refused, with what is`(text: String) {
        let error = #expect(throws: InvalidOptionValue.self) { try TimeLimit(text) }
        #expect(error?.description == "write 500ms, 90s, 5m, 2h or 7d, up to ten years; a number alone is seconds")
    }

    @Test(arguments: [
        ("1", 1), ("64", 64), ("64k", 65_536), ("4m", 4_194_304), ("1g", 1_073_741_824), ("1024m", 1_073_741_824),
        ("1073741824", 1_073_741_824), ("0001k", 1_024),
    ])
    func `a number of bytes is read`(text: String, bytes: Int) throws {
        #expect(try ByteCount(text).value == bytes)
    }

    @Test(arguments: [
        "", " ", "0", "0k", "-5", "+5", "-5k", "1.5m", ".5k", "5 k", "5k ", "64K", "64kb", "64KiB", "5kk", "k", "5t", "0x10",
        "1e3", "many",
        "٣k", "1k\u{301}", "1073741825", "1025m", "2g", "9223372036854775807g", "9223372036854775808", "99999999999999999999k",
    ])
    func `what is no number of bytes is refused, with what is`(text: String) {
        let error = #expect(throws: InvalidOptionValue.self) { try ByteCount(text) }
        #expect(error?.description == "write a number of bytes, 64k, 4m or 1g, from 1 to 1g")
    }

    @Test func `an option may take other numbers of bytes`() throws {
        #expect(try ByteCount("0", in: 0...2_048).value == 0)
        #expect(try ByteCount("2k", in: 0...2_048).value == 2_048)
        let error = #expect(throws: InvalidOptionValue.self) { try ByteCount("2049", in: 0...2_048) }
        #expect(error?.description == "write a number of bytes, 64k, 4m or 1g, from 0 to 2k")
    }

    @Test func `every value is written as it is read`() throws {
        var generator = SeededGenerator()
        for _ in 0..<2_000 {
            let (unit, factor) = [("ms", 1), ("s", 1_000), ("", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
                .randomElement(using: &generator)!
            // As often a small number as a large one.
            let most = 1 << Int.random(in: 0...40, using: &generator)
            let number = Int.random(in: 0...min(most, 315_360_000_000 / factor), using: &generator)
            let limit = try TimeLimit("\(number)\(unit)")
            #expect(limit.duration == .milliseconds(number * factor))
            #expect(try TimeLimit("\(limit)").duration == limit.duration)

            let (name, shift) = [("", 0), ("k", 10), ("m", 20), ("g", 30)].randomElement(using: &generator)!
            let count = Int.random(in: 1...min(most, 1 << (30 - shift)), using: &generator)
            let bytes = try ByteCount("\(count)\(name)")
            #expect(bytes.value == count << shift)
            #expect(try ByteCount("\(bytes)").value == bytes.value)
        }
    }

    @Test func `whatever the text, it is read as the same number or refused`() {
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            let alphabet = Array("0123456789999kmgsdh.-+ e\u{301}é")
            let length = Int.random(in: 0...24, using: &generator)
            let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator)! })
            if let limit = try? TimeLimit(text) {
                #expect((try? TimeLimit("\(limit)"))?.duration == limit.duration && text.first?.isNumber == true, "\(text)")
            }
            if let count = try? ByteCount(text) {
                #expect((try? ByteCount("\(count)"))?.value == count.value && text.first?.isNumber == true, "\(text)")
            }
        }
    }
}
