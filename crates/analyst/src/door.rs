//! From an attempt's names to its leaf.
//!
//! Most attempts fall into a combination that was seen a moment ago, and looking six names up one by one is
//! most of what counting an attempt costs. So the names are hashed once, all together (64 bits, keyed;
//! two of 24,576 leaves collide with probability 2e-11), and the leaf that they led to last time is
//! remembered. Only a short cut: it holds what the dictionaries would answer and is emptied when
//! any of them gives up a name, so results don't depend on it and no snapshot holds it.

use payments::Attempt;
use serde::{Deserialize, Serialize};
use stats::window::fingerprint_of_bytes;

/// Places of the short cut, two to three per leaf.
const PLACES: usize = 1 << 16;
/// Neither occurs in UTF-8.
const END: u8 = 0xff;
const ABSENT: u8 = 0xfe;

/// Which field of the event a dimension is.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Field {
    Gateway,
    Method,
    Network,
    Issuer,
    Country,
    Merchant,
    Bin,
    Mcc,
    IpCountry,
    Attribute(String),
}

impl Field {
    fn of(dimension: &str) -> Self {
        match dimension {
            "gateway" => Self::Gateway,
            "method" => Self::Method,
            "network" => Self::Network,
            "issuer" => Self::Issuer,
            "country" => Self::Country,
            "merchant_id" => Self::Merchant,
            "bin" => Self::Bin,
            "mcc" => Self::Mcc,
            "ip_country" => Self::IpCountry,
            name => Self::Attribute(name.to_owned()),
        }
    }
}

/// The dimensions' fields, and which leaf their names led to lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Door {
    fields: Vec<Field>,
    #[serde(skip)]
    text: Vec<u8>,
    #[serde(skip)]
    lately: Vec<(u64, u32)>,
}

impl Door {
    /// For these dimensions.
    pub fn new(dimensions: &[String]) -> Self {
        let fields = dimensions.iter().map(|name| Field::of(name)).collect();
        Self { fields, text: Vec::new(), lately: Vec::new() }
    }

    /// The name that an attempt has in a dimension.
    #[inline]
    pub fn name<'a>(&self, attempt: &'a Attempt, dimension: usize) -> Option<&'a str> {
        match &self.fields[dimension] {
            Field::Gateway => Some(&attempt.gateway),
            Field::Method => Some(&attempt.method),
            Field::Network => attempt.network.as_deref(),
            Field::Issuer => attempt.issuer.as_deref(),
            Field::Country => attempt.country.as_deref(),
            Field::Merchant => Some(&attempt.merchant_id),
            Field::Bin => attempt.bin.as_deref(),
            Field::Mcc => attempt.mcc.as_deref(),
            Field::IpCountry => attempt.ip_country.as_deref(),
            Field::Attribute(name) => attempt.attributes.get(name).map(String::as_str),
        }
    }

    /// Fingerprint of all names of an attempt.
    #[inline]
    pub fn fingerprint<'a>(&mut self, names: impl Iterator<Item = Option<&'a str>>) -> u64 {
        self.text.clear();
        for name in names {
            match name {
                Some(name) => self.text.extend_from_slice(name.as_bytes()),
                None => self.text.push(ABSENT),
            }
            self.text.push(END);
        }
        fingerprint_of_bytes(0, &self.text)
    }

    /// Reads where each of these would be, so that memory answers for all of them at once.
    #[inline]
    pub fn touch(&self, fingerprints: &[u64]) {
        let place = |&fingerprint: &u64| self.lately.get(fingerprint as usize % PLACES);
        std::hint::black_box(
            fingerprints.iter().filter_map(place).fold(0, |sum, known| sum ^ known.0),
        );
    }

    /// The leaf that these names led to.
    #[inline]
    pub fn leaf(&self, fingerprint: u64) -> Option<u32> {
        let &(known, leaf) = self.lately.get(fingerprint as usize % PLACES)?;
        (known == fingerprint && known != 0).then_some(leaf)
    }

    /// Remembers where these names led.
    pub fn remember(&mut self, fingerprint: u64, leaf: u32) {
        if self.lately.is_empty() {
            self.lately = vec![(0, 0); PLACES];
        }
        // Zero marks an empty place.
        if fingerprint != 0 {
            self.lately[fingerprint as usize % PLACES] = (fingerprint, leaf);
        }
    }

    /// A leaf or a name is gone.
    pub fn forget(&mut self) {
        self.lately.clear();
    }
}
