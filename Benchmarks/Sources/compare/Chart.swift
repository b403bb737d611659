import Relays

/// Bars of ratios to the limit program, readable on a light and on a dark page.
struct Chart {
    private static let width = 760.0
    private static let labelWidth = 190.0
    private static let barHeight = 16.0
    private static let rowHeight = 22.0

    var summary: Summary
    var scenarios: [Scenario]

    private struct Bar {
        var label: String
        var ratio: Double
        var isOurs: Bool
    }

    private struct Group {
        var title: String
        var bars: [Bar]
    }

    /// The relays side by side where there are several; then chatd alone, scenario by scenario.
    private var groups: [Group] {
        var groups: [Group] = []
        var others: [Bar] = []
        for scenario in scenarios {
            guard case .saturation = scenario.kind else { continue }
            let bars = Relay.all.compactMap { relay -> Bar? in
                let ratio = summary.ratio(.deliveriesPerSecond, of: relay.name, to: Relay.limitName, in: scenario.name)
                return ratio.map { Bar(label: relay.title, ratio: $0.median, isOurs: relay.name == Relay.chatdName) }
            }
            if bars.count > 2 {
                groups.append(Group(title: "Deliveries a second: \(scenario.title)", bars: bars))
            } else if let ours = bars.first(where: \.isOurs) {
                others.append(Bar(label: scenario.name, ratio: ours.ratio, isOurs: true))
            }
        }
        if !others.isEmpty { groups.append(Group(title: "chatd in the other scenarios", bars: others)) }
        return groups
    }

    var svg: String {
        let groups = groups
        let greatest = max(groups.flatMap(\.bars).map(\.ratio).max() ?? 1, 1)
        let scale = (Self.width - Self.labelWidth - 60) / greatest
        var y = 10.0
        var body: [String] = []
        for group in groups {
            y += 20
            body.append("<text class=\"title\" x=\"8\" y=\"\(y.pixels)\">\(Self.escaped(group.title))</text>")
            y += 10
            let top = y
            for bar in group.bars {
                let length = max(bar.ratio * scale, 1)
                let middle = (y + Self.barHeight - 4).pixels
                body.append(
                    """
                    <text x="\((Self.labelWidth - 8).pixels)" y="\(middle)" text-anchor="end">\(Self.escaped(bar.label))</text>
                    <rect class="\(bar.isOurs ? "ours" : "other")" x="\(Self.labelWidth.pixels)" y="\(y.pixels)" \
                    width="\(length.pixels)" height="\(Self.barHeight.pixels)" rx="2"/>
                    <text x="\((Self.labelWidth + length + 6).pixels)" y="\(middle)">\(bar.ratio.short)</text>
                    """)
                y += Self.rowHeight
            }
            let limit = (Self.labelWidth + scale).pixels
            body.append("<line x1=\"\(limit)\" x2=\"\(limit)\" y1=\"\((top - 3).pixels)\" y2=\"\((y - 3).pixels)\"/>")
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.width.pixels) \((y + 12).pixels)" role="img">
            <title>Deliveries a second, as ratios to the limit program in the same round</title>
            <style>
            text { font: 12px system-ui, sans-serif; fill: #1f2328 }
            .title { font-weight: 600 }
            .ours { fill: #d9480f }
            .other { fill: #8c959f }
            line { stroke: #1f2328; stroke-dasharray: 3 3; opacity: 0.6 }
            @media (prefers-color-scheme: dark) {
            text { fill: #e6edf3 }
            .ours { fill: #ff7b3d }
            .other { fill: #6e7681 }
            line { stroke: #e6edf3 }
            }
            </style>
            \(body.joined(separator: "\n"))
            </svg>

            """
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    }
}

extension Double {
    /// To a tenth of a pixel.
    fileprivate var pixels: String { String((self * 10).rounded() / 10) }
}
