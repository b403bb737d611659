/// What is told of the messages that bytes have become. The results say whether to go on.
protocol MessageReceiver {
    mutating func receive(_ messages: borrowing MessageBatch) -> Bool
    mutating func messageWasTooLong() -> Bool
}
