import ChatReactor

/// Text in the format in which Prometheus reads metrics, version 0.0.4: what each is, and then its samples.
struct PrometheusText {
    /// What belongs to this text, for an HTTP response.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, histogram
    }

    /// One number of a metric.
    struct Sample {
        /// What follows the metric's name in that of the sample: `_sum`, for instance.
        var suffix = ""
        var labels: [(name: String, value: String)] = []
        let value: String

        init(_ value: Int) {
            self.value = "\(value)"
        }

        init(_ value: Double) {
            self.value = "\(value)"
        }

        init(_ value: Int, label name: String, _ label: String, suffix: String = "") {
            self.init(value)
            self.suffix = suffix
            labels = [(name, label)]
        }

        /// The samples of a histogram, in seconds.
        static func all(of durations: ServerFigures.Durations) -> [Sample] {
            var samples = zip(DurationHistogram.upperBounds, durations.cumulativeCounts).map { bound, count in
                Sample(count, label: "le", "\(bound / .seconds(1))", suffix: "_bucket")
            }
            let count = durations.count
            samples.append(Sample(count, label: "le", "+Inf", suffix: "_bucket"))
            var (sum, total) = (Sample(durations.sum / .seconds(1)), Sample(count))
            (sum.suffix, total.suffix) = ("_sum", "_count")
            return samples + [sum, total]
        }
    }

    private(set) var text = ""

    /// Writes a metric. One without a sample is described all the same.
    mutating func write(_ name: String, _ kind: Kind, help: String, _ samples: [Sample]) {
        text += "# HELP \(name) \(Self.escaped(help))\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            text += name + sample.suffix
            if !sample.labels.isEmpty {
                let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1).replacing("\"", with: "\\\""))\"" }
                text += "{\(labels.joined(separator: ","))}"
            }
            text += " \(sample.value)\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}
