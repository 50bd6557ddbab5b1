// SPDX-License-Identifier: Apache-2.0

import Wire

/// The fields by the names the specification uses.
enum FieldTable {
    static let names: [(name: String, field: Fields)] = [
        ("code", .code), ("number", .number), ("envelope", .envelope), ("body", .body),
        ("subject", .subject), ("generation", .generation), ("instant", .instant),
        ("serial", .serial), ("id", .id),
    ]
}
