//! Rows as bytes, for the external sort.

use payments::{Attempt, Currency, Money, Timestamp};

/// A row of counts: values stand in the order of the dimensions kept, empty where absent.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// Start of the bucket.
    pub at: Timestamp,
    /// One per dimension.
    pub values: Vec<String>,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Those approved.
    pub successes: u64,
    /// What they asked for together.
    pub amount: Option<Money>,
}

impl Counted {
    /// Appends it to `out`; gives the length of the part that says which bucket it belongs to.
    pub fn pack(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        for value in &self.values {
            out.extend_from_slice(&(value.len() as u16).to_le_bytes());
            out.extend_from_slice(value.as_bytes());
        }
        match &self.amount {
            Some(money) => out.extend_from_slice(money.currency.as_str().as_bytes()),
            None => out.extend_from_slice(b"---"),
        }
        let key = out.len() - start;
        let minor = self.amount.map_or(0, |m| m.minor);
        out.extend_from_slice(&self.attempts.to_le_bytes());
        out.extend_from_slice(&self.successes.to_le_bytes());
        out.extend_from_slice(&minor.to_le_bytes());
        key
    }

    /// The reverse of `pack`, for rows that this process has packed.
    pub fn unpack(at: Timestamp, key: usize, bytes: &[u8]) -> Self {
        let (mut head, numbers) = bytes.split_at(key);
        let mut values = Vec::new();
        while head.len() > 3 {
            let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
            values.push(String::from_utf8_lossy(&head[2..2 + length]).into_owned());
            head = &head[2 + length..];
        }
        let word =
            |at: usize| u64::from_le_bytes(numbers[at..at + 8].try_into().expect("eight bytes"));
        let currency = std::str::from_utf8(head).ok().and_then(Currency::parse);
        Self {
            at,
            values,
            attempts: word(0),
            successes: word(8),
            amount: currency.map(|currency| Money { minor: word(16) as i64, currency }),
        }
    }

    /// Takes in another row of the same bucket.
    pub fn merge(&mut self, other: &Self) {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.successes = self.successes.saturating_add(other.successes);
        if let (Some(mine), Some(theirs)) = (&mut self.amount, other.amount) {
            mine.minor = mine.minor.saturating_add(theirs.minor);
        }
    }
}

/// Appends an attempt to `out`.
pub fn pack_attempt(attempt: &Attempt, out: &mut Vec<u8>) -> std::io::Result<()> {
    postcard::to_io(attempt, out).map(|_| ()).map_err(std::io::Error::other)
}

/// The reverse of `pack_attempt`.
pub fn unpack_attempt(bytes: &[u8]) -> std::io::Result<Attempt> {
    postcard::from_bytes(bytes).map_err(std::io::Error::other)
}
