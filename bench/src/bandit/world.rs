//! What a simulator hands over: payments, what would become of each at every gateway, and what each gateway charges.

use routing::Gateway;

use crate::kept::digest;

/// The dimension of a world that says an amount's band: rivals learn from it, the product bands amounts itself.
pub const AMOUNT_BAND: &str = "amount_band";

/// One payment of a simulated stream.
#[derive(Clone, Debug)]
pub struct Payment {
    pub at_ms: i64,
    /// By dimension: which of its values.
    pub values: Vec<u16>,
    pub amount_minor: i64,
    /// Gateways it may go to.
    pub eligible: Vec<u16>,
    /// True success rate by gateway; of those not eligible it says nothing.
    pub rates: Vec<f64>,
    /// Share of the amount that is left after fees, by gateway.
    pub kept: Vec<f64>,
    /// It succeeds where this lies below the rate: the same luck for every policy.
    pub luck: f64,
    /// After this time its outcome is known.
    pub delay_ms: i64,
}

impl Payment {
    /// Expected share of the amount that arrives.
    pub fn utility(&self, gateway: u16) -> f64 {
        let gateway = usize::from(gateway);
        self.rates[gateway] * self.kept[gateway]
    }

    pub fn best(&self) -> f64 {
        self.eligible.iter().map(|g| self.utility(*g)).fold(0.0, f64::max)
    }

    pub fn succeeds(&self, gateway: u16) -> bool {
        self.luck < self.rates[usize::from(gateway)]
    }
}

/// A stream of payments.
#[derive(Clone, Debug)]
pub struct World {
    pub dimensions: Vec<String>,
    /// Names of values, by dimension.
    pub values: Vec<Vec<String>>,
    pub gateways: Vec<Gateway>,
    pub payments: Vec<Payment>,
}

impl World {
    /// Gateways named g0, g1 and so on, without fees.
    pub fn free_gateways(count: usize) -> Vec<Gateway> {
        let name = |number| Gateway { name: format!("g{number}"), ..Gateway::default() };
        (0..count).map(name).collect()
    }

    /// Dimension and value by name.
    pub fn named_values(&self, values: &[u16]) -> Vec<(&str, &str)> {
        let names = self.dimensions.iter().zip(&self.values).zip(values);
        names.map(|((name, of), value)| (name.as_str(), of[usize::from(*value)].as_str())).collect()
    }

    /// Tells it from every other.
    pub fn digest(&self) -> String {
        let names = format!("{:?} {:?} {:?}", self.dimensions, self.values, self.gateways);
        let bytes = |payment: &Payment| {
            let Payment { at_ms, values, amount_minor, eligible, rates, kept, luck, delay_ms } =
                payment;
            let mut bytes: Vec<u8> =
                values.iter().chain(eligible).flat_map(|v| v.to_le_bytes()).collect();
            bytes.extend([*at_ms, *amount_minor, *delay_ms].iter().flat_map(|v| v.to_le_bytes()));
            let floats = rates.iter().chain(kept).chain([luck]);
            bytes.extend(floats.flat_map(|v| v.to_le_bytes()));
            bytes
        };
        digest([names.into_bytes()].into_iter().chain(self.payments.iter().map(bytes)))
    }

    /// Names of a dimension's values.
    pub fn named(prefix: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{prefix}{number}")).collect()
    }
}
