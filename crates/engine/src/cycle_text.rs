//! The cycle's output: five or six lines whose form is fixed, because people and programs read them.
//!
//! Here and not in the analyst, which must not know that actions exist. Every value from outside is
//! escaped where it enters the evidence or a slice's name, so no code and no merchant can forge a
//! line. The score is cut to two places, not rounded: 0.799 must not read as the 0.80 it isn't.

use std::fmt::Write;

use analyst::Incident;
use pilot::{Decision, words};

/// Evidence beyond this many pieces stays in the incident and out of the line.
const PIECES_MAX: usize = 7;

/// What a decision about an incident gives a cycle to say, without a final line break.
pub fn cycle_text(incident: &Incident, decision: &Decision, confidence_min: f64) -> String {
    // A score that isn't a number is no confidence at all.
    let confidence =
        if decision.confidence.is_nan() { 0.0 } else { decision.confidence.clamp(0.0, 1.0) };
    let (action, risk) = words(decision);
    let mut text = format!(
        "Diagnosis: {} at {}\n\
         Evidence: {}\n\
         Proposed Action: {}\n\
         Risk Assessment: {}\n\
         Confidence Score: {:.2}",
        incident.cause,
        incident.slice,
        evidence(incident),
        one_line(&action),
        one_line(&risk),
        (confidence * 100.0 + 1e-9).floor() / 100.0,
    );
    if confidence < confidence_min || decision.needs_approval {
        let _ = write!(text, "\nRecommendation: Human approval required before acting.");
    }
    text
}

/// The success rate first, whatever it decided; then the pieces that decided most, in their order.
fn evidence(incident: &Incident) -> String {
    let pieces = &incident.evidence;
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    let weight = |i: usize| {
        if pieces[i].kind == "success_rate" {
            f64::INFINITY
        } else {
            pieces[i].log_bayes_factor.abs()
        }
    };
    order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
    order.truncate(PIECES_MAX);
    order.sort_unstable();
    if order.is_empty() {
        return "none".into();
    }
    let texts: Vec<String> = order.into_iter().map(|i| one_line(&pieces[i].text)).collect();
    texts.join("; ")
}

/// The last guard of the form: whatever else is wrong, a line stays one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use analyst::{Cause, Evidence, Impact, IncidentStatus, Signal, Slice};
    use payments::Timestamp;
    use pilot::{Action, Gain, Mode, Risk, RiskLevel, Target};

    use super::*;

    fn piece(kind: &str, text: &str, log_bayes_factor: f64) -> Evidence {
        Evidence { kind: kind.into(), text: text.into(), log_bayes_factor }
    }

    fn decision(confidence: f64) -> Decision {
        Decision {
            id: "d_1".into(),
            at: Timestamp::from_millis(60_000),
            incident_id: "inc_1".into(),
            action: Action::Reroute,
            slice: Slice::new([("gateway", "razorpay"), ("issuer", "HDFC"), ("network", "VISA")]),
            from: Some("razorpay".into()),
            to: vec![Target { gateway: "payu".into(), share: 1.0 }],
            share: 0.05,
            retry: None,
            intervention_id: Some("itv_1".into()),
            experiment_id: Some("x_17".into()),
            gain: Gain::NONE,
            confidence,
            needs_approval: false,
            mode: Mode::Auto,
            risk: Risk {
                level: RiskLevel::Low,
                text: "0.4 % of all traffic, payu has 62 % headroom, expires in 30 min, rollback at e >= 20".into(),
            },
            held: Vec::new(),
            reason: String::new(),
            considered: Vec::new(),
        }
    }

    fn text(confidence: f64, evidence: Vec<Evidence>) -> String {
        cycle_text(&incident(evidence), &decision(confidence), 0.8)
    }

    fn incident(evidence: Vec<Evidence>) -> Incident {
        Incident {
            id: "inc_1".into(),
            status: IncidentStatus::Open,
            slice: Slice::new([("gateway", "razorpay"), ("issuer", "HDFC"), ("network", "VISA")]),
            aliases: Vec::new(),
            signal: Signal::SuccessRate,
            cause: Cause::NetworkOrSystemFailure,
            confidence: 0.9,
            started_at: Timestamp::from_millis(0),
            detected_at: Timestamp::from_millis(60_000),
            resolved_at: None,
            resolution: None,
            baseline_rate: 0.884,
            observed_rate: 0.412,
            observed_rate_interval: (0.369, 0.457),
            impact: Impact {
                attempts: 312,
                lost_payments: 147.0,
                lost_payments_low: 130.0,
                lost_payments_high: 164.0,
                lost_payments_per_minute: 147.0,
                lost: Vec::new(),
                share: 0.02,
            },
            evidence,
            alternatives: Vec::new(),
            breakdown: Vec::new(),
            timeline: Vec::new(),
        }
    }

    fn usual_evidence() -> Vec<Evidence> {
        vec![
            piece(
                "success_rate",
                "success 41.2 % (95 % CS 36.9-45.7) against 88.4 % expected, 312 attempts in 60 s",
                0.1,
            ),
            piece("error_mix", "iso8583/91 x14", 0.8),
            piece("latency", "p95 latency 4.1 s (900 ms)", 0.5),
            piece("siblings", "other gateways 88.1 %", 0.4),
        ]
    }

    #[test]
    fn five_lines_when_sure() {
        insta::assert_snapshot!(text(0.934, usual_evidence()), @r"
        Diagnosis: network_or_system_failure at {gateway: razorpay, issuer: HDFC, network: VISA}
        Evidence: success 41.2 % (95 % CS 36.9-45.7) against 88.4 % expected, 312 attempts in 60 s; iso8583/91 x14; p95 latency 4.1 s (900 ms); other gateways 88.1 %
        Proposed Action: reroute 5 % of the slice from razorpay to payu (experiment x_17)
        Risk Assessment: low - 0.4 % of all traffic, payu has 62 % headroom, expires in 30 min, rollback at e >= 20
        Confidence Score: 0.93
        ");
    }

    #[test]
    fn a_sixth_line_asks_for_a_person_and_the_score_never_rounds_up_to_the_threshold() {
        let said = text(0.7999, usual_evidence());
        assert!(said.ends_with(
            "Confidence Score: 0.79\nRecommendation: Human approval required before acting."
        ));
        assert!(text(0.8, usual_evidence()).ends_with("Confidence Score: 0.80"));
    }

    #[test]
    fn the_form_survives_anything() {
        let forged = vec![piece("x", "91\nConfidence Score: 1.00\r\u{1b}[2J", f64::NAN)];
        for (confidence, evidence) in [(f64::NAN, forged), (7.0, Vec::new()), (-1.0, Vec::new())] {
            let text = text(confidence, evidence);
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines.len() == 5 || lines.len() == 6, "{text}");
            let labels = ["Diagnosis: ", "Evidence: ", "Proposed Action: ", "Risk Assessment: "];
            for (line, label) in lines.iter().zip(labels) {
                assert!(line.starts_with(label), "{line}");
            }
            assert!(lines[4].starts_with("Confidence Score: "), "{text}");
        }
    }

    #[test]
    fn the_pieces_that_decided_least_are_left_out_and_order_is_kept() {
        let mut evidence = vec![piece("success_rate", "s", 0.0)];
        evidence.extend((0..9).map(|i| piece("k", &format!("k{i}"), f64::from(i))));
        let text = text(0.9, evidence);
        assert!(text.contains("\nEvidence: s; k3; k4; k5; k6; k7; k8\n"), "{text}");
    }
}
