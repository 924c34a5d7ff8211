//! What a simulated payment network is made of: plain data with a sensible default.

use serde::{Deserialize, Serialize};

/// The words in which a gateway says why a payment failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vocabulary {
    /// It passes on the card networks' response codes.
    Iso8583,
    /// It translates them into Stripe's decline codes.
    Stripe,
}

/// What a customer pays with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Cards over a card network.
    Card,
    /// India's account-to-account rail.
    Upi,
    /// The bank's own web page.
    Netbanking,
    /// Stored value.
    Wallet,
}

impl Method {
    /// All of them, in the order of `Method as usize`.
    pub const ALL: [Self; 4] = [Self::Card, Self::Upi, Self::Netbanking, Self::Wallet];

    /// As the attempt event spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Upi => "upi",
            Self::Netbanking => "netbanking",
            Self::Wallet => "wallet",
        }
    }
}

/// A gateway and its character.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gateway {
    /// Its name in events.
    pub name: String,
    /// Traffic relative to the other gateways.
    pub weight: f64,
    /// What it can carry.
    pub methods: Vec<Method>,
    /// Better (positive) or worse than the average, in log odds of success.
    pub logit: f64,
    /// Median latency of a card payment.
    pub latency_ms_p50: f64,
    /// Standard deviation of the logarithm of its latency.
    pub latency_sigma: f64,
    /// An answer that takes longer counts as none.
    pub timeout_ms: u32,
    /// Its response codes.
    pub vocabulary: Vocabulary,
}

/// An issuing bank; traffic follows a Zipf law over their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bank {
    /// Its name in events.
    pub name: String,
    /// Home country.
    pub country: String,
    /// Log odds of success against the average.
    pub logit: f64,
}

/// A card network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Its name in events.
    pub name: String,
    /// Traffic relative to the other networks.
    pub weight: f64,
    /// Log odds of success against the average.
    pub logit: f64,
    /// Accepted in the first country only.
    pub domestic: bool,
}

/// A country and the money spent there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Country {
    /// ISO 3166 alpha-2.
    pub code: String,
    /// ISO 4217.
    pub currency: String,
    /// Minor units of that currency per unit of the first country's (rate and exponent in one).
    pub minor_per_unit: f64,
    /// Share of a foreign card's or a traveller's payments made here.
    pub weight: f64,
}

/// Waves of the day and of the week. Amplitudes are in logarithms: of volume, of the odds of success.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Season {
    /// Local time, minutes ahead of UTC.
    pub utc_offset_min: i32,
    /// Day's wave of volume: busy afternoons and evenings, quiet nights.
    pub volume_day: f64,
    /// Week's wave of volume.
    pub volume_week: f64,
    /// Day's wave of success, with a phase of its own per gateway.
    pub success_day: f64,
    /// Week's wave of success.
    pub success_week: f64,
}

/// A wandering success rate: independent normal values per gateway at knots, joined smoothly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Standard deviation in log odds.
    pub logit_sd: f64,
    /// Time between knots: minutes for a wander, days for a slow drift.
    pub knot_s: u32,
}

/// How much more outcomes vary than independent draws would, over blocks of 10 s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    /// Variance of successes over the binomial one, for slices that hold whole routes (gateway x issuer).
    pub success: f64,
    /// Variance of the number of payments over the Poisson one, for all traffic.
    pub volume: f64,
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retries {
    /// Probability that a failed attempt is tried again.
    pub share: f64,
    /// Attempts per payment at most.
    pub attempts_max: u8,
    /// Of the retries, those sent to another gateway of the merchant.
    pub failover: f64,
    /// Odds of success of a retry after the payer's own fault (no funds stay no funds).
    pub odds_after_user: f64,
    /// Mean pause before a retry.
    pub delay_ms_mean: f64,
    /// Longest pause.
    pub delay_ms_max: u32,
}

/// The whole network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorldConfig {
    /// Mean over a week, retries included.
    pub attempts_per_s: f64,
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Banks, most traffic first.
    pub banks: Vec<Bank>,
    /// Card networks.
    pub networks: Vec<Network>,
    /// Wallets, most traffic first; they stand in the place of the issuer.
    pub wallets: Vec<String>,
    /// Countries; the first is home.
    pub countries: Vec<Country>,
    /// How many merchants; traffic follows a Zipf law.
    pub merchants: u16,
    /// Gateways that each merchant has a contract with.
    pub gateways_per_merchant: u8,
    /// Share of payments by card, upi, netbanking, wallet.
    pub method_shares: [f64; 4],
    /// Exponent of the banks' Zipf law.
    pub bank_zipf: f64,
    /// Exponent of the merchants' Zipf law.
    pub merchant_zipf: f64,
    /// Standard deviation, in log odds, of each pairwise interaction (gateway x issuer, ...).
    pub interaction_sd: f64,
    /// Median amount over all merchants, in units of the home currency.
    pub amount_p50: f64,
    /// Waves of day and week.
    pub season: Season,
    /// Over-dispersion.
    pub dispersion: Dispersion,
    /// Wander of the success rate, if any.
    pub drift: Option<Drift>,
    /// Retries.
    pub retries: Retries,
}

impl Default for WorldConfig {
    fn default() -> Self {
        use Method::{Card, Netbanking, Upi, Wallet};
        let gateway = |name: &str, weight, methods: &[Method], logit, p50, vocabulary| Gateway {
            name: name.into(),
            weight,
            methods: methods.to_vec(),
            logit,
            latency_ms_p50: p50,
            latency_sigma: 0.55,
            timeout_ms: 30_000,
            vocabulary,
        };
        let all = [Card, Upi, Netbanking, Wallet];
        let iso = Vocabulary::Iso8583;
        let bank = |(name, country, logit): (&str, &str, f64)| Bank {
            name: name.into(),
            country: country.into(),
            logit,
        };
        let country = |(code, currency, minor_per_unit, weight): (&str, &str, f64, f64)| Country {
            code: code.into(),
            currency: currency.into(),
            minor_per_unit,
            weight,
        };
        Self {
            attempts_per_s: 20.0,
            gateways: vec![
                gateway("RAZORPAY", 0.30, &all, 0.10, 900.0, iso),
                gateway("PAYU", 0.22, &all, -0.05, 1_100.0, iso),
                gateway("CASHFREE", 0.16, &all, 0.05, 800.0, iso),
                gateway("PAYTM", 0.14, &all, -0.20, 1_000.0, iso),
                gateway("STRIPE", 0.10, &[Card, Wallet], 0.15, 700.0, Vocabulary::Stripe),
                gateway("ADYEN", 0.08, &[Card, Wallet], 0.10, 750.0, iso),
            ],
            banks: [
                ("HDFC", "IN", 0.10),
                ("ICICI", "IN", 0.05),
                ("SBI", "IN", -0.30),
                ("AXIS", "IN", 0.0),
                ("KOTAK", "IN", 0.10),
                ("PNB", "IN", -0.35),
                ("BOB", "IN", -0.20),
                ("YES", "IN", -0.05),
                ("IDFC", "IN", 0.05),
                ("INDUSIND", "IN", 0.0),
                ("CANARA", "IN", -0.25),
                ("FEDERAL", "IN", 0.05),
                ("CHASE", "US", 0.10),
                ("EMIRATES_NBD", "AE", 0.0),
                ("DBS", "SG", 0.05),
                ("BARCLAYS", "GB", 0.0),
            ]
            .map(bank)
            .to_vec(),
            networks: vec![
                Network { name: "VISA".into(), weight: 0.45, logit: 0.05, domestic: false },
                Network { name: "MASTERCARD".into(), weight: 0.30, logit: 0.0, domestic: false },
                Network { name: "RUPAY".into(), weight: 0.25, logit: -0.10, domestic: true },
            ],
            wallets: ["PAYTM_WALLET", "AMAZONPAY", "MOBIKWIK", "AIRTELMONEY"]
                .map(String::from)
                .to_vec(),
            countries: [
                ("IN", "INR", 100.0, 0.6),
                ("US", "USD", 1.2, 0.15),
                ("AE", "AED", 4.4, 0.12),
                ("SG", "SGD", 1.6, 0.07),
                ("GB", "GBP", 0.94, 0.06),
            ]
            .map(country)
            .to_vec(),
            merchants: 24,
            gateways_per_merchant: 4,
            method_shares: [0.45, 0.35, 0.12, 0.08],
            bank_zipf: 0.9,
            merchant_zipf: 0.9,
            interaction_sd: 0.2,
            amount_p50: 650.0,
            season: Season {
                utc_offset_min: 330,
                volume_day: 0.9,
                volume_week: 0.12,
                success_day: 0.10,
                success_week: 0.04,
            },
            dispersion: Dispersion { success: 1.5, volume: 1.2 },
            drift: None,
            retries: Retries {
                share: 0.35,
                attempts_max: 3,
                failover: 0.3,
                odds_after_user: 0.5,
                delay_ms_mean: 20_000.0,
                delay_ms_max: 60_000,
            },
        }
    }
}
