import CChatdSandbox
import Glibc

/// A program of classic BPF, which the kernel runs before each system call. See seccomp(2).
struct SeccompFilter {
    private(set) var instructions: [sandbox_instruction] = []

    /// Allows these calls, and ends the process with any other.
    ///
    /// Calls of one number are judged together. What has no condition comes to the same answer each time, which newer kernels remember:
    /// then the program is not run at all.
    init(allowing rules: [SystemCallRule], architecture: UInt32) {
        // The same number may be another call of another architecture.
        load(Self.architectureOffset)
        jump(Code.jumpIfEqual, architecture, ifTrue: 1, ifFalse: 0)
        answer(Self.kill)
        load(Self.numberOffset)
        var numbers: [Int] = []
        for rule in rules where !numbers.contains(rule.number) { numbers.append(rule.number) }
        for number in numbers {
            let conditions = rules.filter { $0.number == number }.map(\.condition)
            let body = Self.body(for: conditions)
            jump(Code.jumpIfEqual, UInt32(number), ifTrue: 0, ifFalse: UInt8(body.count))
            instructions += body
        }
        answer(Self.kill)
    }

    /// Allows a call if one of the conditions holds. Never goes on behind its end.
    private static func body(for conditions: [SystemCallRule.Condition]) -> [sandbox_instruction] {
        var body = SeccompFilter()
        for condition in conditions {
            switch condition {
            case .any:
                var all = SeccompFilter()
                all.answer(allow)
                return all.instructions
            case .without(let argument, let bits):
                body.load(lowHalf(of: argument))
                body.jump(Code.jumpIfAnyBit, UInt32(bitPattern: bits), ifTrue: 1, ifFalse: 0)
                body.answer(allow)
            case .oneOf(let argument, let values):
                body.load(lowHalf(of: argument))
                for value in values {
                    body.jump(Code.jumpIfEqual, UInt32(bitPattern: value), ifTrue: 0, ifFalse: 1)
                    body.answer(allow)
                }
            case .zero(let argument):
                body.load(lowHalf(of: argument))
                body.jump(Code.jumpIfEqual, 0, ifTrue: 0, ifFalse: 3)
                body.load(lowHalf(of: argument) + 4)
                body.jump(Code.jumpIfEqual, 0, ifTrue: 0, ifFalse: 1)
                body.answer(allow)
            }
        }
        body.answer(kill)
        return body.instructions
    }

    private init() {}

    /// - Throws: What the kernel says, `ENOSYS` or `EINVAL` if it has no such filters.
    func install() throws(SandboxError) {
        let result = unsafe sandbox_install_filter(instructions, UInt16(clamping: instructions.count))
        if result != 0 { throw SandboxError(number: result) }
    }

    // MARK: - The kernel's constants

    // The kernel's `struct seccomp_data`: the number of the call, the architecture, the address of the instruction, six arguments.
    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4

    /// Both architectures have the low half first. Arguments that are flags, requests or levels have no more than that.
    private static func lowHalf(of argument: Int) -> UInt32 { 16 + 8 * UInt32(argument) }

    // SECCOMP_RET_ALLOW and SECCOMP_RET_KILL_PROCESS.
    private static let allow: UInt32 = 0x7FFF_0000
    private static let kill: UInt32 = 0x8000_0000

    private mutating func load(_ offset: UInt32) {
        instructions.append(.init(code: Code.loadWord, if_true: 0, if_false: 0, operand: offset))
    }

    private mutating func jump(_ comparison: UInt16, _ operand: UInt32, ifTrue: UInt8, ifFalse: UInt8) {
        instructions.append(.init(code: comparison, if_true: ifTrue, if_false: ifFalse, operand: operand))
    }

    private mutating func answer(_ answer: UInt32) {
        instructions.append(.init(code: Code.answer, if_true: 0, if_false: 0, operand: answer))
    }
}

/// Parts of an instruction's code, as linux/bpf_common.h has them.
private enum Code {
    static let loadWord: UInt16 = 0x20
    static let jumpIfEqual: UInt16 = 0x15
    static let jumpIfAnyBit: UInt16 = 0x45
    static let answer: UInt16 = 0x06
}
