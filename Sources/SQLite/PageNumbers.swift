// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// Keeps SQLite's page cache from being searched through at every commit.
///
/// Where SQLite puts the pages of a tree in order, it lends one of them for a moment the number of
/// the page at 1 GiB, which never holds anything (`balance_nonroot` in btree.c). The cache takes that
/// for its largest number (`pcache1Rekey` in pcache1.c), and the commit looks at every page of the
/// cache for one behind the end of a smaller file (`pcache1TruncateUnsafe`). Here such a page is
/// lent 0 instead, which no page has either.
///
/// For databases with pages of 4 KiB, as the ledger demands of its own: with others the number could
/// be a page's own.
enum PageNumbers {
    private static let lent: UInt32 = (1 << 30) / 4_096 + 1

    /// SQLite's own cache, which does all the rest.
    private nonisolated(unsafe) static let plain: sqlite3_pcache_methods2 = {
        var methods = sqlite3_pcache_methods2()
        barid_read_page_cache(&methods)
        return methods
    }()

    /// Puts itself before SQLite's page cache; before the first connection of the process.
    static func configure() -> Bool {
        var methods = plain
        guard methods.xRekey != nil else { return false }
        methods.xRekey = { cache, page, old, new in
            PageNumbers.plain.xRekey(
                cache,
                page,
                old == PageNumbers.lent ? 0 : old,
                new == PageNumbers.lent ? 0 : new
            )
        }
        return barid_set_page_cache(&methods) == SQLITE_OK
    }
}
