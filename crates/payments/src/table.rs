//! Reads the crate's own CSV data files, which are compiled in.
//!
//! They hold quoted fields and commas but no quotes or line breaks inside a field, so a dozen lines
//! do; files of users are read elsewhere by a full CSV reader. A malformed data file is a fault of
//! ours and found by the tests, hence the panics.

/// The rows of `text` after its header, which must name exactly `N` columns.
pub(crate) fn rows<const N: usize>(text: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let mut lines = text.lines();
    let header = lines.next().expect("a data file starts with its header");
    assert_eq!(header.split(',').count(), N, "columns of {header}");
    lines.map(|line| {
        let mut rest = Some(line);
        let row = std::array::from_fn(|_| {
            let (field, tail) = field(rest.unwrap_or_else(|| panic!("too few columns: {line}")));
            rest = tail;
            field
        });
        assert!(rest.is_none(), "too many columns: {line}");
        row
    })
}

fn field(line: &'static str) -> (&'static str, Option<&'static str>) {
    if let Some(quoted) = line.strip_prefix('"') {
        let (field, tail) = quoted.split_once('"').expect("a quoted field is closed");
        assert!(tail.is_empty() || tail.starts_with(','), "text after a quoted field: {line}");
        return (field, tail.strip_prefix(','));
    }
    match line.split_once(',') {
        Some((field, tail)) => (field, Some(tail)),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn quoted_commas_stay_in_their_field() {
        let rows: Vec<[&str; 3]> = super::rows("a,b,c\n1,\"x, y\",\n\"q\",,z\n").collect();
        assert_eq!(rows, [["1", "x, y", ""], ["q", "", "z"]]);
    }
}
