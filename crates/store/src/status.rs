//! Statuses as numbers, which tables and roll-ups hold.

use payments::Status;

/// In the order of their numbers.
pub const STATUSES: [Status; 6] = [
    Status::Approved,
    Status::Declined,
    Status::Error,
    Status::Timeout,
    Status::Unknown,
    Status::Abandoned,
];

/// Its number.
pub fn number(status: Status) -> i64 {
    match status {
        Status::Approved => 0,
        Status::Declined => 1,
        Status::Error => 2,
        Status::Timeout => 3,
        Status::Unknown => 4,
        Status::Abandoned => 5,
    }
}

/// The status of a number.
pub fn of(number: i64) -> Option<Status> {
    STATUSES.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_statuses_are_inverse() {
        for (at, status) in (0..).zip(STATUSES) {
            assert_eq!((number(status), of(at)), (at, Some(status)));
        }
        assert_eq!(of(6), None);
        assert_eq!(of(-1), None);
    }
}
