// SPDX-License-Identifier: Apache-2.0

extension Mdoc {
    /// Sections that every manual has, in the order that mdoc(7) keeps for them; others are left out.
    ///
    /// - Parameters:
    ///   - sections: Written for the page; of `See also`, the first paragraph is a list of pages.
    ///   - statuses: Exit statuses with their meanings.
    mutating func appendStandard(
        _ sections: [Markdown.Section],
        statuses: [(String, String)] = []
    ) {
        let titles = ["Environment", "Files", "Exit status", "Examples", "Diagnostics", "See also"]
        for title in titles {
            let written = sections.first { $0.title == title }
            let isStatus = title == "Exit status" && !statuses.isEmpty
            guard written != nil || isStatus else { continue }
            section(title.uppercased())
            if isStatus { list(statuses) }
            guard let written else { continue }
            if title == "See also" {
                references(written)
            } else {
                append(written.blocks)
            }
        }
    }

    private mutating func list(_ statuses: [(String, String)]) {
        line(".Bl -tag -width Ds")
        for (status, meaning) in statuses {
            line(".It \\&" + status)
            prose(meaning)
        }
        line(".El")
    }

    /// Pages such as `barid(1), baridctl(8)`.
    private mutating func references(_ section: Markdown.Section) {
        guard case .prose(let prose) = section.blocks.first else { return }
        let pages = prose.split(separator: ", ").map { $0.split { "()`".contains($0) } }
            .filter { $0.count == 2 }
        for (place, parts) in pages.enumerated() {
            line(".Xr \(parts[0]) \(parts[1])" + (place + 1 < pages.count ? " ," : ""))
        }
    }
}
