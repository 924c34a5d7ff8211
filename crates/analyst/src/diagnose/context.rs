//! Everything that is neither code nor place: loss, latency, volume, onset, retries, payers,
//! amounts, our own changes. One function per symptom, each returning its reading.

use super::tables::{
    CHANGED, CONCENTRATED, FIRST_ATTEMPTS_FINE, LATENCY, ONSET, RETRIES, SEVERITY, SMALL_AMOUNTS,
    VOLUME, Z_MIN, column,
};
use super::text::{self, Visible, percent, times};
use super::{Observation, Symptoms};

pub(super) fn success_rate(symptoms: &Symptoms) -> Observation {
    let attempts = symptoms.attempts.max(1) as f64;
    let (low, high) = symptoms.rate_interval;
    let lost = 1.0 - symptoms.successes as f64 / symptoms.expected_successes.max(1e-9);
    let reading = match lost {
        _ if symptoms.loss_z() < Z_MIN => 0,
        _ if lost < 0.1 => 1,
        _ if lost < 0.4 => 2,
        _ if lost < 0.8 => 3,
        _ => 4,
    };
    Observation {
        kind: "success_rate",
        text: format!(
            "success {} (95 % CS {:.1}-{:.1}) against {} expected, {} attempts in {}",
            percent(symptoms.successes as f64 / attempts),
            low * 100.0,
            high * 100.0,
            percent(symptoms.expected_successes / attempts),
            symptoms.attempts,
            text::duration(symptoms.window_ms),
        ),
        log_likelihood: column(&SEVERITY, reading),
    }
}

pub(super) fn latency(symptoms: &Symptoms) -> Option<Observation> {
    const SLOWER: f64 = 1.5;
    const RAISED: f64 = 1.1;
    const FASTER: f64 = 0.75;
    let shift = symptoms.latency?;
    let ratio = libm::exp(shift.log_ratio);
    let reading = match ratio {
        _ if shift.z >= Z_MIN && ratio >= SLOWER => 0,
        _ if shift.z >= Z_MIN && ratio >= RAISED => 1,
        _ if shift.z <= -Z_MIN && ratio <= FASTER => 3,
        _ => 2,
    };
    let text = match (shift.p95_ms, shift.p95_expected_ms) {
        (Some(p95), Some(expected)) => {
            format!("p95 latency {} ({})", text::latency(p95), text::latency(expected))
        }
        _ if reading == 2 => "latency as usual".into(),
        _ => format!("latency {} the usual", times(ratio)),
    };
    Some(Observation { kind: "latency", text, log_likelihood: column(&LATENCY, reading) })
}

pub(super) fn volume(symptoms: &Symptoms) -> Option<Observation> {
    const SURGE: f64 = 2.5;
    const DOUBLED: f64 = 1.7;
    const UP: f64 = 1.2;
    const DOWN: f64 = 0.7;
    let shift = symptoms.volume?;
    let reading = match shift.ratio {
        r if shift.z >= Z_MIN && r >= SURGE => 0,
        r if shift.z >= Z_MIN && r >= DOUBLED => 1,
        r if shift.z >= Z_MIN && r >= UP => 2,
        r if shift.z <= -Z_MIN && r <= DOWN => 4,
        _ => 3,
    };
    let text = if reading == 3 {
        "volume as usual".into()
    } else {
        format!("volume {} the usual", times(shift.ratio))
    };
    Some(Observation { kind: "volume", text, log_likelihood: column(&VOLUME, reading) })
}

pub(super) fn onset(symptoms: &Symptoms) -> Option<Observation> {
    const ABRUPT: f64 = 0.6;
    const GRADUAL: f64 = 0.3;
    let (reading, text) = match symptoms.onset_abruptness? {
        a if a >= ABRUPT => (0, "began abruptly"),
        a if a > GRADUAL => (1, "grew within a few ticks"),
        _ => (2, "grew gradually"),
    };
    Some(Observation { kind: "onset", text: text.into(), log_likelihood: column(&ONSET, reading) })
}

pub(super) fn retries(symptoms: &Symptoms) -> Option<Observation> {
    const STORM: f64 = 2.0;
    let r = symptoms.retries?;
    let reading = match r.ratio() {
        ratio if ratio >= STORM => 0,
        _ if r.are_raised() => 1,
        _ => 2,
    };
    Some(Observation {
        kind: "retries",
        text: format!("{:.1} attempts per payment ({:.1})", r.per_payment, r.expected),
        log_likelihood: column(&RETRIES, reading),
    })
}

/// Whether first attempts do as well as ever, which leaves the retries as the failure.
pub(super) fn first_attempts(symptoms: &Symptoms) -> Option<Observation> {
    const FINE: f64 = 0.95;
    let (seen, expected) = symptoms.retries?.first_attempt_rates?;
    let fine = seen >= FINE * expected && symptoms.loss_z() >= Z_MIN;
    Some(Observation {
        kind: "first_attempts",
        text: format!("first attempts {} ({})", percent(seen), percent(expected)),
        log_likelihood: column(&FIRST_ATTEMPTS_FINE, usize::from(!fine)),
    })
}

/// The most concentrated of payers, cards and devices: they move together, so one speaks for all.
pub(super) fn concentration(symptoms: &Symptoms) -> Option<Observation> {
    const CONCENTRATED_RATIO: f64 = 3.0;
    let ratio = |c: &super::Concentration| c.per_value / c.expected.max(f64::MIN_POSITIVE);
    let most = symptoms.concentration.iter().max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
    Some(Observation {
        kind: "concentration",
        text: format!(
            "{:.1} attempts per {} ({:.1})",
            most.per_value,
            Visible(&most.of),
            most.expected
        ),
        log_likelihood: column(&CONCENTRATED, usize::from(ratio(most) < CONCENTRATED_RATIO)),
    })
}

pub(super) fn small_amounts(symptoms: &Symptoms) -> Option<Observation> {
    const POINTS: f64 = 0.15;
    let s = symptoms.small_amounts?;
    let up = s.z >= Z_MIN && s.share - s.expected >= POINTS;
    Some(Observation {
        kind: "small_amounts",
        text: format!("small amounts {} ({})", percent(s.share), percent(s.expected)),
        log_likelihood: column(&SMALL_AMOUNTS, usize::from(!up)),
    })
}

pub(super) fn changes(symptoms: &Symptoms) -> Option<Observation> {
    const SOON_MINUTES: f64 = 30.0;
    let nearest = symptoms
        .changes
        .as_ref()?
        .iter()
        .filter(|c| c.touches_slice && (0.0..=SOON_MINUTES).contains(&c.minutes_before))
        .min_by(|a, b| a.minutes_before.total_cmp(&b.minutes_before));
    let text = match nearest {
        Some(c) => format!("{} {:.0} min before", Visible(&c.what), c.minutes_before),
        None => "no change of ours before".into(),
    };
    Some(Observation {
        kind: "change",
        text,
        log_likelihood: column(&CHANGED, usize::from(nearest.is_none())),
    })
}
