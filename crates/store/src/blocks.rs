//! Looking for an id in an index by blocks of rows.
//!
//! **Problem.** Ids that come from outside are often random. In an index over all rows each new one then changes a page of its own, and with
//! millions of rows those pages, not the rows, are what a commit writes.
//!
//! **Method.** The index leads with the row's block, `seq / 65536`. New rows change the pages of the newest block alone, a few hundred, which stay in memory.
//!
//! **Cost.** Whoever looks for an id looks into every block: some 10 us each, so 15 ms in 100 M rows. For ids that are looked for by
//! people, not those that every new row is checked against.

/// The blocks of a table, as the beginning of a statement; to be joined by [`among`].
pub(crate) fn of(table: &str) -> String {
    format!(
        "WITH RECURSIVE blocks (block) AS (SELECT MIN(seq) / 65536 FROM {table} \
         UNION ALL SELECT block + 1 FROM blocks WHERE block < (SELECT MAX(seq) / 65536 FROM {table}))"
    )
}

/// The rows of a table with the id that `$1` is.
pub(crate) fn among(table: &str, id: &str) -> String {
    format!("JOIN blocks ON {table}.seq / 65536 = blocks.block AND {table}.{id} = $1")
}
