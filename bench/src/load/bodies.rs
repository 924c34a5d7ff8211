//! Bodies of requests, encoded beforehand: what differs from one to the next is written over, so that the generator takes little from the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};

/// Records of a body, and bytes of each with its line's end.
pub const RECORDS: usize = 1_000;
pub const RECORD_BYTES: usize = 450;

/// What ids look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// UUIDv7 (RFC 9562, 5.7): each greater than those before it.
    Ascending,
    /// UUIDv4: anywhere.
    Random,
}

/// Gives every record of a run an id of its own.
pub struct Counter {
    next: AtomicU64,
    ids: Ids,
}

impl Counter {
    /// From a number on that no other run has used.
    pub fn new(ids: Ids, from: u64) -> Self {
        Self { next: AtomicU64::new(from), ids }
    }
}

const ID: &str = "00000000-0000-7000-8000-000000000000";

/// A body.
#[derive(Clone)]
pub struct Body {
    bytes: BytesMut,
    /// Of each record: where its ids and its time are.
    places: Arc<[[usize; 3]]>,
}

impl Body {
    /// A body of plausible records.
    pub fn new() -> Self {
        let gateways = ["payu", "razorpay", "cashfree", "paytm", "stripe", "adyen"];
        let issuers = ["HDFC", "ICICI", "SBI", "AXIS", "KOTAK", "PNB", "YES"];
        let (mut bytes, mut places) = (Vec::<u8>::new(), Vec::new());
        for n in 0..RECORDS {
            let outcome = match n % 10 {
                0 => r#""declined","code":{"source":"iso8583","value":"51"}"#,
                _ => r#""approved""#,
            };
            let record = format!(
                r#"{{"attempt_id":"{ID}","payment_id":"{ID}","occurred_at":1700000000000,"merchant_id":"merchant_{:03}","amount":{{"minor":{},"currency":"INR"}},"gateway":"{}","method":"card","network":"VISA","issuer":"{}","country":"IN","latency_ms":{},"status":{outcome},"customer_ref":""#,
                n % 97,
                100 + n % 90_000,
                gateways[n % gateways.len()],
                issuers[n % issuers.len()],
                300 + n % 900,
            );
            let at = |text: &str| bytes.len() + record.find(text).expect("written above");
            let attempt = at(ID);
            places.push([attempt, bytes.len() + record.rfind(ID).expect("twice"), at("1700000")]);
            let end = "\"}\n";
            let filler = RECORD_BYTES.saturating_sub(record.len() + end.len());
            bytes.extend_from_slice(record.as_bytes());
            bytes.extend((0..filler).map(|i| b'a' + (i % 26) as u8));
            bytes.extend_from_slice(end.as_bytes());
        }
        Self { bytes: BytesMut::from(&*bytes), places: places.into() }
    }

    /// Its bytes, to be sent without a copy.
    pub fn into_bytes(self) -> (Bytes, Places) {
        (self.bytes.freeze(), Places(self.places))
    }

    /// The same for new attempts of this instant.
    pub fn renew(&mut self, counter: &Counter) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ms = since.as_millis() as u64;
        let from = counter.next.fetch_add(RECORDS as u64, Ordering::Relaxed);
        for (n, [attempt, payment, time]) in (from..).zip(self.places.iter().copied()) {
            let (high, low) = match counter.ids {
                Ids::Ascending => (ms << 16 | 0x7000 | n & 0xfff, scrambled(n)),
                Ids::Random => (scrambled(n) & !0xf000 | 0x4000, scrambled(!n)),
            };
            write_id(&mut self.bytes[attempt..attempt + ID.len()], high, low);
            write_id(&mut self.bytes[payment..payment + ID.len()], high, low ^ 1);
            write_digits(&mut self.bytes[time..time + 13], ms);
        }
    }

    /// Its records as they are.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
    }
}

/// Where a body's ids are, while its bytes are sent.
pub struct Places(Arc<[[usize; 3]]>);

impl Places {
    /// The body again, once nobody else holds its bytes.
    pub fn body(self, bytes: Bytes) -> Option<Body> {
        let bytes = bytes.try_into_mut().ok()?;
        Some(Body { bytes, places: self.0 })
    }
}

/// The finalizer of SplitMix64: a bijection, so that no two are alike.
fn scrambled(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The variant's bits are those of RFC 9562.
fn write_id(into: &mut [u8], high: u64, low: u64) {
    let low = low & !(0xc << 60) | 0x8 << 60;
    let mut nibbles = (0..16)
        .rev()
        .map(|i| high >> (4 * i) & 0xf)
        .chain((0..16).rev().map(|i| low >> (4 * i) & 0xf));
    for byte in into.iter_mut().filter(|byte| **byte != b'-') {
        *byte = b"0123456789abcdef"[nibbles.next().unwrap_or(0) as usize];
    }
}

fn write_digits(into: &mut [u8], mut number: u64) {
    for byte in into.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn records_are_attempts_with_ids_of_their_own() {
        for ids in [Ids::Ascending, Ids::Random] {
            let counter = Counter::new(ids, 0);
            let mut body = Body::new();
            let (mut seen, mut refused) = (BTreeSet::new(), 0);
            let mut in_order = true;
            for _ in 0..3 {
                body.renew(&counter);
                for line in body.lines() {
                    assert_eq!(line.len() + 1, RECORD_BYTES);
                    // One in some thousand random ids reads like a card's number, and is refused.
                    let Ok(read) = payments::parse_event(line.as_bytes()) else {
                        refused += 1;
                        continue;
                    };
                    let id = read.attempt.attempt_id;
                    in_order &= seen.last().is_none_or(|last| *last < id);
                    assert!(seen.insert(id));
                }
            }
            assert!(refused < 20, "{refused}");
            assert_eq!(in_order, ids == Ids::Ascending);
        }
    }
}
