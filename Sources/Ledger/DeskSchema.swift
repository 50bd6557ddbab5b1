// SPDX-License-Identifier: Apache-2.0

/// The tables of offices that are paused and cases that are held, and what lists need to be short.
enum DeskSchema {
    /// Brings a ledger to the version that has them.
    ///
    /// Delayed referrals and dead letters are few and no hop that goes well touches them, so their
    /// indexes cost nothing where speed matters.
    static let migration = """
        CREATE TABLE pause (
            office INTEGER PRIMARY KEY, since INTEGER NOT NULL, uid INTEGER NOT NULL,
            reason TEXT NOT NULL);
        CREATE TABLE hold (
            serial INTEGER PRIMARY KEY, since INTEGER NOT NULL, uid INTEGER NOT NULL,
            reason TEXT NOT NULL);
        CREATE INDEX delayed_referral ON delayed (referral);
        CREATE INDEX delayed_office ON delayed (office, until);
        CREATE INDEX dead_at ON dead (at, referral);
        CREATE INDEX dead_office ON dead (office, at, referral);
        CREATE INDEX dead_serial ON dead (serial, at, referral);
        """
}
