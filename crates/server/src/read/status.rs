//! Outcomes, by the event's names and by those that exporters use.

/// What messages offer.
pub const ALLOWED: &str = "approved, declined, error, timeout, unknown, abandoned";

/// The event's name of an outcome, and whether it was given by that name.
pub fn parse(text: &str) -> Option<(&'static str, bool)> {
    const OWN: [&str; 6] = ["approved", "declined", "error", "timeout", "unknown", "abandoned"];
    if let Some(own) = OWN.iter().find(|own| **own == text) {
        return Some((own, true));
    }
    let status = match text.to_lowercase().as_str() {
        "approved" | "success" | "successful" | "succeeded" | "captured" | "authorized"
        | "authorised" | "charged" | "paid" | "settled" | "completed" | "ok" => "approved",
        "declined"
        | "decline"
        | "failed"
        | "failure"
        | "fail"
        | "rejected"
        | "refused"
        | "authorization_failed"
        | "authentication_failed" => "declined",
        "error" | "errored" => "error",
        "timeout" | "timed_out" | "timedout" | "time_out" => "timeout",
        "unknown" | "pending" | "processing" | "initiated" => "unknown",
        "abandoned" | "cancelled" | "canceled" | "dropped" | "user_dropped" => "abandoned",
        _ => return None,
    };
    Some((status, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_names_are_exact_and_others_are_told() {
        assert_eq!(parse("timeout"), Some(("timeout", true)));
        assert_eq!(parse("SUCCESS"), Some(("approved", false)));
        assert_eq!(parse("maybe"), None);
    }
}
