/// The one of some words that was probably meant by a word that is none of them, or nil if none is near: in the worst case, a
/// third of the letters were mistyped. Of several that are equally near it is the first.
///
/// - Complexity: O(*n* + *k* · *m*²) for *n* letters of the word and *k* candidates of at most *m*: a candidate that is much shorter or longer
///   is not compared.
func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
    let count = word.count
    let limit = (count + 2) / 3
    var nearest: (candidate: String, distance: Int)?
    for candidate in candidates where abs(candidate.count - count) <= limit {
        let distance = editDistance(from: word, to: candidate)
        if distance <= limit, distance < nearest?.distance ?? .max { nearest = (candidate, distance) }
    }
    return nearest?.candidate
}

/// How many letters have to be inserted, removed or replaced, or two neighbours exchanged, to make one word of another, if none
/// is touched twice (the "optimal string alignment").
///
/// - Complexity: O(*m* · *n*) for the two words' lengths.
func editDistance(from one: String, to other: String) -> Int {
    let one = Array(one)
    let other = Array(other)
    // Of the table of distances between beginnings of the two words, a row needs the two above it alone.
    var secondLast: [Int] = []
    var last = Array(0...other.count)
    for row in one.indices {
        var current = [row + 1]
        for column in other.indices {
            var distance = min(last[column] + (one[row] == other[column] ? 0 : 1), last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                distance = min(distance, secondLast[column - 1] + 1)
            }
            current.append(distance)
        }
        secondLast = last
        last = current
    }
    return last[other.count]
}
