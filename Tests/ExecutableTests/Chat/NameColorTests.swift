import Glibc
import TestSupport
import Testing

@testable import chat

/// A name has one colour, which can be read on black and on white.
struct NameColorTests {
    @Test func `the palette is all colours that have a contrast of 4 with black and with white`() {
        let readable = (UInt8(16)...255).filter { number in
            let luminance = Self.luminance(of: number)
            return (luminance + 0.05) / 0.05 >= 4 && 1.05 / (luminance + 0.05) >= 4
        }
        #expect(NameColor.palette.allSatisfy(readable.contains))
        // Of the greys there may be some, which are no colours.
        #expect(Set(readable.filter { $0 < 232 }).isSuperset(of: NameColor.palette))
        #expect(NameColor.palette.count >= 16)
        #expect(Set(NameColor.palette).count == NameColor.palette.count)
    }

    @Test func `a name has the same colour in every run and in every case`() {
        // If these change, everybody's names change their colours with the next version.
        #expect(["ana", "ben", "Łukasz", ""].map(NameColor.number) == ["ANA", "Ben", "łUKASZ", ""].map(NameColor.number))
        #expect(NameColor.number(of: "") == NameColor.palette[Int(UInt32(2_166_136_261) % UInt32(NameColor.palette.count))])
    }

    @Test func `names are spread over the palette`() {
        var counts: [UInt8: Int] = [:]
        for number in 0..<2_000 { counts[NameColor.number(of: "guest\(number)"), default: 0] += 1 }
        #expect(counts.count == NameColor.palette.count)
        #expect((counts.values.max() ?? 0) < 3 * 2_000 / NameColor.palette.count)
    }

    /// The relative luminance of one of xterm's 256 colours, as WCAG 2 has it.
    private static func luminance(of number: UInt8) -> Double {
        let levels = [0, 95, 135, 175, 215, 255]
        let index = Int(number) - 16
        let grey = 8 + 10 * (index - 216)
        let channels = index < 216 ? [levels[index / 36], levels[index / 6 % 6], levels[index % 6]] : [grey, grey, grey]
        let linear = channels.map { channel in
            let value = Double(channel) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
}
