import Testing

@testable import ChatReactor

/// A newcomer has a name that nobody else can take.
struct GuestNameTests {
    @Test(arguments: [1, 7, 1_000, Int.max])
    func nobodyElseCanTakeIt(_ number: Int) throws {
        let name = ChatName.guest(number)
        #expect(name.text == "guest\(number)")
        #expect(throws: ChatName.Invalid.reserved) { try ChatName(name.text) }
        #expect(throws: ChatName.Invalid.reserved) { try ChatName(name.text.uppercased()) }
    }

    @Test func twoNumbersAreTwoNames() {
        #expect(Set((1...1_000).map(ChatName.guest)).count == 1_000)
        #expect(ChatName.guest(3) == ChatName.guest(3))
    }
}
