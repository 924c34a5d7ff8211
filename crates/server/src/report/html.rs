//! HTML.

use std::io::{self, Write};

use super::Report;

/// Writes the report.
pub fn html(_report: &Report, _out: &mut impl Write) -> io::Result<()> {
    Ok(())
}
