//! What came of leaving a plan, in words.

use serde_json::Value;

/// A line about a decision that is told again because it was judged; none: it is said for the first time.
pub fn in_words(decision: &Value) -> Option<String> {
    let judged = decision.get("hindsight")?.as_object()?;
    let number = |name: &str| judged.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let points = |name: &str| format!("{:+.1}", 100.0 * number(name));
    let what = match judged.get("verdict").and_then(Value::as_str) {
        Some("helped") => "would have helped",
        Some("harmed") => "would have harmed",
        _ => "can't be judged",
    };
    Some(format!(
        "In hindsight: {} {what}: {} points of approval for what it would have moved (95 % {} to {}), seen on {:.0} attempts that stayed",
        decision.get("id").and_then(Value::as_str).unwrap_or("the plan"),
        points("gain"),
        points("gain_low"),
        points("gain_high"),
        number("attempts"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_judged_is_told_in_hindsight() {
        assert_eq!(in_words(&json!({"id": "d_1", "hindsight": null})), None);
        assert_eq!(in_words(&json!({"id": "d_1"})), None);
        let judged = json!({"id": "d_1", "hindsight": {
            "verdict": "helped", "attempts": 312.4, "gain": 0.71, "gain_low": 0.66, "gain_high": 0.76}});
        assert_eq!(
            in_words(&judged).as_deref(),
            Some(
                "In hindsight: d_1 would have helped: +71.0 points of approval for what it would have moved (95 % +66.0 to +76.0), \
                 seen on 312 attempts that stayed"
            )
        );
    }
}
