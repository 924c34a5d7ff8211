//! A question about a retry, in plain values, and how they are drawn.

use stats::stream::Stream;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2021-01-01 and 2027-01-01.
const ASKED: (i64, i64) = (1_609_459_200_000, 1_798_761_600_000);

/// An earlier try.
#[derive(Clone, Debug)]
pub struct Past {
    pub at: i64,
    pub status: &'static str,
    pub codes: Vec<(String, String)>,
    pub amount: Option<(i64, &'static str)>,
    pub initiator: Option<&'static str>,
    pub gateway: &'static str,
    pub same_payment: bool,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Case {
    pub network: Option<&'static str>,
    pub gateway: &'static str,
    pub initiator: Option<&'static str>,
    pub amount: Option<(i64, &'static str)>,
    pub region: Option<&'static str>,
    pub card_present: Option<bool>,
    pub history: Vec<Past>,
    pub now: i64,
}

/// Draws questions.
pub struct Drawer {
    /// Every listed code.
    codes: Vec<(String, String)>,
    /// Those after which nothing is refused for good, so that histories can grow long.
    lasting: Vec<(String, String)>,
}

impl Drawer {
    /// From the listed codes, each with whether it may come again and again.
    pub fn new(codes: Vec<((String, String), bool)>) -> Self {
        let lasting = codes.iter().filter(|(_, lasts)| *lasts).map(|(code, _)| code.clone());
        Self {
            lasting: lasting.collect(),
            codes: codes.into_iter().map(|(code, _)| code).collect(),
        }
    }

    /// The next one.
    pub fn case(&self, stream: &mut Stream) -> Case {
        let s = stream;
        let network = *pick(
            s,
            &[
                Some("VISA"),
                Some("visa"),
                Some("Visa"),
                Some("MASTERCARD"),
                Some("Master-Card"),
                Some("mastercard"),
                Some("mastercard"),
                Some("rupay"),
                None,
            ],
        );
        let gateways = ["payu", "stripe", "razorpay"];
        let (mut now, is_long) =
            (ASKED.0 + s.below((ASKED.1 - ASKED.0) as u64) as i64, s.bernoulli(0.35));
        if s.bernoulli(0.2) {
            // Around midnight of a day, where rules begin and end.
            let offset = *pick(s, &[-1, 0, 1]);
            now = now / DAY * DAY + offset;
        }
        let amounts = 1 + s.below(3);
        let length = if is_long { 8 + s.below(40) } else { s.below(6) };
        let gap = *pick(s, &[5 * MINUTE, HOUR, 3 * HOUR, 20 * HOUR, 4 * DAY]);
        let (likely, clean) = (s.range(0.5, 1.0), s.bernoulli(0.8));
        let payer = *pick(s, &[Some("cit"), Some("mit")]);
        let amount = |s: &mut Stream| {
            let minor = 49_900 + s.below(amounts) as i64;
            if s.bernoulli(0.03) {
                None
            } else {
                Some((minor, *pick(s, &["INR", "INR", "INR", "USD"])))
            }
        };
        let initiator = |s: &mut Stream| {
            if s.bernoulli(likely) { payer } else { *pick(s, &[None, Some("cit"), Some("mit")]) }
        };
        let mut at = now;
        let mut history = Vec::new();
        for _ in 0..length {
            at -= match s.below(12) {
                0 => 0,
                1 => DAY,
                2 => 30 * DAY / length.max(1) as i64,
                _ => 1 + s.below(2 * gap as u64) as i64,
            };
            let status = match s.below(if is_long && clean { 400 } else { 24 }) {
                0 => "approved",
                1 => "error",
                2 => "timeout",
                3 => "unknown",
                4 => "abandoned",
                _ => "declined",
            };
            history.push(Past {
                at,
                status,
                codes: self.codes(s, is_long && clean),
                amount: amount(s),
                initiator: initiator(s),
                gateway: pick::<&str>(s, &gateways),
                same_payment: status != "approved" && s.bernoulli(0.6) || s.bernoulli(0.05),
            });
        }
        s.shuffle(&mut history);
        Case {
            network,
            gateway: pick::<&str>(s, &gateways),
            initiator: initiator(s),
            amount: amount(s),
            region: *pick(s, &[None, Some("US"), Some("CA"), Some("EU"), Some("IN")]),
            card_present: *pick(s, &[None, Some(false), Some(false), Some(true)]),
            history,
            now,
        }
    }

    fn codes(&self, s: &mut Stream, lasting: bool) -> Vec<(String, String)> {
        let from = if lasting { &self.lasting } else { &self.codes };
        let count = *pick(s, &[0, 1, 1, 1, 1, 2]);
        let code = |s: &mut Stream| match s.below(30) {
            0 => ("iso8583".to_owned(), "ZZ".to_owned()),
            _ => pick(s, from).clone(),
        };
        (0..count).map(|_| code(s)).collect()
    }
}

fn pick<'a, T>(s: &mut Stream, of: &'a [T]) -> &'a T {
    &of[s.below(of.len() as u64) as usize]
}
