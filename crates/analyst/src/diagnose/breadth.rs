//! How far the failure reaches: inside the slice, and next to it.
//!
//! One issuer across gateways is the issuer; one gateway across issuers is the gateway; everything
//! at once is us or the world. With `k` of `n` values hit and the chance `p` that a cause hits one,
//! the log-likelihood is binomial, `w (f ln p + (1 - f) ln(1 - p))` with `f = k/n`. The weight `w` is
//! `n` up to the number at which all hit, or none, would exceed the cap: values of one dimension
//! share traffic and aren't independent witnesses.

use super::shape::Shape;
use super::tables::{
    BREADTH_CAP, HIT_GATEWAY_FREE, HIT_ISSUER_FREE, HIT_MERCHANT_FREE, HIT_OTHER_GATEWAY,
    HIT_OTHER_ISSUER, HIT_OTHER_MERCHANT, HIT_OTHER_RAIL, HIT_WIDE_FREE, PerCause, SIBLINGS_CAP,
    against_unknown, weight_for,
};
use super::text::{percent, plural};
use super::{Observation, Symptoms};

/// What is hit of the dimensions that the slice leaves free.
pub(super) fn free_dimensions(symptoms: &Symptoms) -> Vec<Observation> {
    let shape = Shape::of(symptoms);
    symptoms
        .breadth
        .iter()
        // One value alone makes the free dimension an alias of the slice.
        .filter(|b| b.values >= 2)
        .filter_map(|b| {
            let chance = chance_inside(shape, &b.dimension)?;
            Some(Observation {
                kind: "breadth",
                text: format!(
                    "{} of {} {} hit",
                    b.hit.min(b.values),
                    b.values,
                    plural(&b.dimension)
                ),
                log_likelihood: witnesses(&chance, b.values, b.hit, BREADTH_CAP),
            })
        })
        .collect()
}

/// How the other values of the dimensions fare that the slice names.
pub(super) fn siblings(symptoms: &Symptoms) -> Vec<Observation> {
    symptoms
        .siblings
        .iter()
        .filter(|s| s.values >= 1)
        .map(|s| {
            let others = plural(&s.dimension);
            let text = match s.success_rate {
                Some(rate) if s.hit == 0 => format!("other {others} {}", percent(rate)),
                Some(rate) => format!(
                    "other {others} {}, {} of {} hit too",
                    percent(rate),
                    s.hit.min(s.values),
                    s.values
                ),
                None => format!("{} of {} other {others} hit too", s.hit.min(s.values), s.values),
            };
            let chance = match s.dimension.as_str() {
                "gateway" => HIT_OTHER_GATEWAY,
                "issuer" => HIT_OTHER_ISSUER,
                "merchant_id" => HIT_OTHER_MERCHANT,
                _ => HIT_OTHER_RAIL,
            };
            Observation {
                kind: "siblings",
                text,
                log_likelihood: witnesses(&chance, s.values, s.hit, SIBLINGS_CAP),
            }
        })
        .collect()
}

fn chance_inside(shape: Shape, free: &str) -> Option<PerCause> {
    use Shape::{Everything, Gateway, Issuer, Merchant, MerchantRoute, Place, Rail};
    match (shape, free) {
        (Merchant | MerchantRoute, _) => None,
        (_, "merchant_id") => Some(HIT_MERCHANT_FREE),
        (Everything | Rail | Place, "gateway" | "issuer") => Some(HIT_WIDE_FREE),
        (Issuer, "gateway") => Some(HIT_GATEWAY_FREE),
        (Gateway, "issuer") => Some(HIT_ISSUER_FREE),
        _ => None,
    }
}

fn witnesses(chance: &PerCause, values: u32, hit: u32, cap: f64) -> PerCause {
    let hit_all = against_unknown(chance.map(libm::log));
    let hit_none = against_unknown(chance.map(|p| libm::log(1.0 - p)));
    let count = f64::from(values.max(1));
    let share = f64::from(hit.min(values)) / count;
    let all = |logs: PerCause| logs.map(|l| l * count);
    let weight = count * weight_for([all(hit_all), all(hit_none)], cap);
    let mut logs = [0.0; 6];
    for ((l, yes), no) in logs.iter_mut().zip(hit_all).zip(hit_none) {
        *l = weight * (share * yes + (1.0 - share) * no);
    }
    logs
}
