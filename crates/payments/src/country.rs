//! ISO 3166-1 alpha-2 country codes (`data/countries.csv`).

use std::sync::LazyLock;

use crate::table;

/// Whether `code` is an alpha-2 code in capitals.
pub fn is_country(code: &str) -> bool {
    match code.as_bytes() {
        &[a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => LISTED[usize::from(a - b'A')] >> (b - b'A') & 1 == 1,
        _ => false,
    }
}

/// One bit per second letter for each first letter.
static LISTED: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut listed = [0; 26];
    for [code, _] in table::rows::<2>(include_str!("../data/countries.csv")) {
        let [a, b] = code.as_bytes() else { panic!("a country code has two letters: {code}") };
        listed[usize::from(a - b'A')] |= 1 << (b - b'A');
    }
    listed
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_listed_codes_are_countries() {
        let letters = || b'A'..=b'Z';
        let found = letters()
            .flat_map(|a| letters().map(move |b| [a, b]))
            .filter(|pair| is_country(std::str::from_utf8(pair).unwrap()))
            .count();
        assert_eq!(found, table::rows::<2>(include_str!("../data/countries.csv")).count());
        assert_eq!(found, 250);
        assert!(is_country("IN") && is_country("GB") && is_country("XK"));
        for code in ["UK", "in", "IND", "I", "", "ZZ", "I1", "Ä"] {
            assert!(!is_country(code), "{code}");
        }
    }
}
