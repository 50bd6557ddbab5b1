// SPDX-License-Identifier: Apache-2.0

/// Columns a text takes on a terminal: none for marks that combine with the letter before them
/// (Arabic vowels, accents) and for invisible characters, two for wide East Asian ones and emoji,
/// one for all others.
func displayWidth(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x7F { return scalar.value < 0x20 ? 0 : 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .control: return 0
    // The soft hyphen and the Arabic signs that enclose the digits after them are seen.
    case .format: return isVisibleFormat(scalar.value) ? 1 : 0
    default: return isWide(scalar.value) ? 2 : 1
    }
}

private func isVisibleFormat(_ value: UInt32) -> Bool {
    value == 0xAD || (0x600...0x605).contains(value) || value == 0x6DD
}

/// The blocks whose characters UAX #11 has as Wide or Fullwidth, and the usual emoji.
private func isWide(_ value: UInt32) -> Bool {
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
        0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
        0x1F900...0x1F9FF, 0x20000...0x3FFFD:
        true
    default: false
    }
}
