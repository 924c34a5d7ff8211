//! What the slice names, as a symptom.
//!
//! The localiser has already done the work: the smallest slice that explains the failures names the
//! part that failed. Issuer, gateway and merchant outrank the rail they were seen on.

use super::tables::{SHAPE, column};
use super::text::percent;
use super::{Observation, Symptoms};

/// A slice that holds this much of all traffic is all traffic, whatever its attributes say.
const EVERYTHING_SHARE: f64 = 0.8;

/// Columns of [`SHAPE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Everything,
    Issuer,
    Gateway,
    Route,
    Rail,
    Merchant,
    MerchantRoute,
    Place,
}

impl Shape {
    pub(super) fn of(symptoms: &Symptoms) -> Self {
        let slice = &symptoms.slice;
        if slice.order() == 0 || symptoms.share_of_traffic >= EVERYTHING_SHARE {
            return Self::Everything;
        }
        let names = |dimension| slice.get(dimension).is_some();
        match (names("merchant_id"), names("gateway"), names("issuer")) {
            (true, false, false) => Self::Merchant,
            (true, _, _) => Self::MerchantRoute,
            (false, true, true) => Self::Route,
            (false, true, false) => Self::Gateway,
            (false, false, true) => Self::Issuer,
            (false, false, false) if slice.order() == 1 && names("country") => Self::Place,
            (false, false, false) => Self::Rail,
        }
    }
}

pub(super) fn where_it_is(symptoms: &Symptoms) -> Observation {
    let shape = Shape::of(symptoms);
    let of_all = percent(symptoms.share_of_traffic);
    let text = match shape {
        Shape::Everything => "all traffic at once".into(),
        Shape::Issuer => format!("one issuer ({of_all} of all traffic)"),
        Shape::Gateway => format!("one gateway ({of_all} of all traffic)"),
        Shape::Route => format!("one gateway with one issuer ({of_all} of all traffic)"),
        Shape::Rail => format!("neither gateway nor issuer singled out ({of_all} of all traffic)"),
        Shape::Merchant => format!("one merchant ({of_all} of all traffic)"),
        Shape::MerchantRoute => format!("one route of one merchant ({of_all} of all traffic)"),
        Shape::Place => format!("one country ({of_all} of all traffic)"),
    };
    Observation { kind: "slice", text, log_likelihood: column(&SHAPE, shape as usize) }
}
