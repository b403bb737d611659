import ChatReactor
import TestSupport
import Testing

/// Names are what another implementation of Unicode says: Python's, which has the tables of decompositions that the libraries do
/// without.
///
/// Its version of Unicode may be older. Of characters that it does not have, it says nothing.
@Suite(.enabled(if: ChildProcess.isInstalled("python3")))
struct ChatNameUnicodeTests {
    @Test func eachCharacterIsWhatUnicodeSays() throws {
        let lines = try oracle("scalars")
        var folded: [UInt32: String] = [:]
        var allowed: [Unicode.Scalar] = []
        for fields in lines where fields[0] == "folded" { folded[number(fields[1])] = text(fields[2]) }
        for fields in lines where fields[0] != "folded" {
            for scalar in (number(fields[1])...number(fields[2])).compactMap(Unicode.Scalar.init) {
                let found = verdict(on: scalar)
                // An #expect for each of 280,000 would take long.
                if found != (fields[0] == "mark" ? "letter" : fields[0]) {
                    Issue.record("U+\(String(scalar.value, radix: 16)) is taken for \(found), not \(fields[0])")
                }
                if found == "letter" { allowed.append(scalar) }
            }
        }
        #expect(allowed.count > 130_000)
        // Two are the same exactly if they are folded to the same.
        var texts: [ChatName: String] = [:]
        for scalar in allowed {
            let expected = folded[scalar.value] ?? String(scalar)
            let name = try ChatName("7" + String(scalar))
            if let before = texts.updateValue(expected, forKey: name), before != expected {
                Issue.record("U+\(String(scalar.value, radix: 16)) is the same as \(before)")
            }
        }
        #expect(Set(texts.values).count == texts.count)
    }

    @Test func twoAreTheSameIfTheyAreEquivalentWhenFolded() throws {
        let random = SeededGenerator()
        let lines = try oracle("pairs", "\(random.seed)", "20000")
        #expect(lines.count == 20_000)
        var counts = [true: 0, false: 0]
        for fields in lines {
            do {
                let (one, other) = try (ChatName(text(fields[0])), ChatName(text(fields[1])))
                let areSame = fields[2] == "True"
                counts[areSame, default: 0] += 1
                if (one == other) != areSame || areSame && one.hashValue != other.hashValue {
                    Issue.record("\(fields); CHATREACTOR_SEED=\(random.seed) has it again")
                }
            } catch ChatName.Invalid.tooManyMarks {
                // In another form, a letter may have more of them.
            }
        }
        #expect(counts.values.allSatisfy { $0 > 1_000 })
    }

    /// The words of each line that the oracle writes.
    private func oracle(_ arguments: String...) throws -> [[Substring]] {
        let script = #filePath.replacing(#/[^/]+$/#, with: "Oracles/names.py")
        let process = try ChildProcess("python3", [script] + arguments)
        let lines = String(decoding: try process.output.all(), as: UTF8.self).split(separator: "\n")
        #expect(try process.waitForEnd() == .exit(0))
        return lines.map { $0.split(separator: " ") }
    }

    private func verdict(on scalar: Unicode.Scalar) -> String {
        do {
            _ = try ChatName("7" + String(scalar))
            return "letter"
        } catch ChatName.Invalid.lookAlike {
            return "form"
        } catch ChatName.Invalid.notAllowed {
            return "other"
        } catch {
            return "\(error)"
        }
    }

    private func number(_ digits: Substring) -> UInt32 { UInt32(digits, radix: 16) ?? .max }

    private func text(_ numbers: Substring) -> String {
        String(String.UnicodeScalarView(numbers.split(separator: ",").compactMap { Unicode.Scalar(number($0)) }))
    }
}
