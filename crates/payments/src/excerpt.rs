//! A value of unknown origin, made fit to be shown in a message.
//!
//! Messages end up in terminals, logs and answers. So control characters (terminal escapes among
//! them) and invisible or direction-changing characters are escaped, anything that could be part of
//! a card number is masked, and the whole is short.

use crate::pan::Runs;

const CHARS_MAX: usize = 64;
/// A card number has 13 digits or more.
const DIGITS_SHOWN_MAX: usize = 12;
const DIGITS_KEPT: usize = 4;

/// `text`, shortened, escaped and masked, without quotation marks.
pub fn excerpt(text: &str) -> String {
    excerpt_masking(text, DIGITS_SHOWN_MAX)
}

/// [`excerpt`], masking every run of more than `digits_shown_max` digits.
pub(crate) fn excerpt_masking(text: &str, digits_shown_max: usize) -> String {
    let mut masked = vec![];
    for run in Runs::new(text.as_bytes()) {
        if run.start > CHARS_MAX * 4 {
            break;
        }
        if run.count > digits_shown_max {
            masked.push(run.start..run.end);
        }
    }
    let mut out = String::new();
    let mut masked = masked.into_iter().peekable();
    let mut digits = 0;
    for (count, (at, c)) in text.char_indices().enumerate() {
        if count == CHARS_MAX {
            out.push('…');
            break;
        }
        while masked.next_if(|run| run.end <= at).is_some() {
            digits = 0;
        }
        let inside = masked.peek().is_some_and(|run| run.contains(&at));
        if inside && c.is_ascii_digit() {
            digits += 1;
            out.push(if digits > DIGITS_KEPT { '*' } else { c });
        } else if c.is_control() || is_format(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that show as nothing or turn the direction of the text around them.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pan::holds_pan;
    use proptest::prelude::*;

    #[test]
    fn card_numbers_are_masked_and_escapes_are_visible() {
        assert_eq!(excerpt("HDFC"), "HDFC");
        assert_eq!(excerpt("2026-02-13 18:00:00"), "2026-02-13 18:00:00");
        assert_eq!(excerpt("4111 1111 1111 1111!"), "4111 **** **** ****!");
        assert_eq!(excerpt("411111111"), "411111111");
        assert_eq!(excerpt_masking("411111111", 8), "4111*****");
        assert_eq!(excerpt("\x1b[31mred\0"), "\\u{1b}[31mred\\u{0}");
        assert_eq!(excerpt("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(excerpt("1234567890123 and 0987654321098"), "1234********* and 0987*********");
    }

    proptest! {
        #[test]
        fn it_is_short_and_holds_no_card_number(text in "([0-9]{0,20}[ x-]?.){0,20}") {
            let shown = excerpt(&text);
            prop_assert!(!holds_pan(&shown));
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert!(shown.chars().filter(|c| c.is_ascii_digit()).count() <= 10 * CHARS_MAX);
            prop_assert!(shown.chars().count() <= 10 * CHARS_MAX + 1);
        }
    }
}
