//! How often each caller may ask.
//!
//! A bucket per caller and kind of call (GCRA, one atomic word, no lock): a caller that asks too often slows nobody but itself. Requests that show no
//! credential that counts are limited by the address they come from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::config::Limits;

type One = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;
type PerAddress = RateLimiter<
    IpAddr,
    DashMapStateStore<IpAddr>,
    MonotonicClock,
    NoOpMiddleware<std::time::Instant>,
>;

/// People whose buckets are kept while they ask nothing.
const PEOPLE_MAX: usize = 10_000;

/// A caller's buckets; none is without a limit.
pub struct Buckets {
    requests: Option<One>,
    events: Option<One>,
    route: Option<One>,
}

fn quota(per_s: u32) -> Option<Quota> {
    NonZeroU32::new(per_s).map(Quota::per_second)
}

impl Buckets {
    /// Full ones.
    pub fn new(limits: Limits) -> Arc<Self> {
        let one = |per_s| quota(per_s).map(|q| RateLimiter::direct_with_clock(q, MonotonicClock));
        Arc::new(Self {
            requests: one(limits.requests_per_s),
            events: one(limits.events_per_s),
            route: one(limits.route_per_s),
        })
    }

    /// Takes one request out; how long to wait, if there is none.
    pub fn take(&self, path: &str) -> Result<(), Duration> {
        let bucket = if path == "/v1/events" {
            &self.events
        } else if path.starts_with("/v1/route/")
            || path == "/v1/route"
            || path == "/v1/retry-advice"
        {
            &self.route
        } else {
            &self.requests
        };
        let Some(bucket) = bucket else { return Ok(()) };
        bucket.check().map_err(|not| not.wait_time_from(MonotonicClock.now()))
    }
}

/// Everybody's.
pub struct Everybody {
    limits: Limits,
    people: Mutex<BTreeMap<String, Arc<Buckets>>>,
    strangers: Option<PerAddress>,
}

impl Everybody {
    /// As configured.
    pub fn new(limits: Limits) -> Self {
        let strangers = quota(limits.requests_per_s)
            .map(|quota| RateLimiter::new(quota, DashMapStateStore::default(), MonotonicClock));
        let people = Mutex::new(BTreeMap::new());
        Self { limits, people, strangers }
    }

    /// New ones, for a key or for whoever sits at this machine.
    pub fn fresh(&self) -> Arc<Buckets> {
        Buckets::new(self.limits)
    }

    /// A person's.
    pub fn of(&self, subject: &str) -> Arc<Buckets> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = people.get(subject) {
            return known.clone();
        }
        if people.len() >= PEOPLE_MAX {
            people.retain(|_, buckets| Arc::strong_count(buckets) > 1);
        }
        let fresh = Buckets::new(self.limits);
        people.insert(subject.to_owned(), fresh.clone());
        fresh
    }

    /// Takes one request of somebody unknown out.
    pub fn stranger(&self, from: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.strangers else { return Ok(()) };
        // A network is given 2^64 addresses at once.
        let from = match from {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
            v4 => v4,
        };
        limiter.check_key(&from).map_err(|not| not.wait_time_from(MonotonicClock.now()))
    }

    /// Forgets addresses that have been quiet.
    pub fn forget(&self) {
        if let Some(limiter) = &self.strangers {
            limiter.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_call_has_its_own() {
        let limits = Limits { requests_per_s: 2, events_per_s: 1, route_per_s: 0 };
        let everybody = Everybody::new(limits);
        let buckets = everybody.fresh();
        assert!(buckets.take("/v1/me").is_ok() && buckets.take("/v1/routes").is_ok());
        let wait = buckets.take("/v1/me").unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(500), "{wait:?}");
        assert!(buckets.take("/v1/events").is_ok() && buckets.take("/v1/events").is_err());
        assert!((0..1_000).all(|_| buckets.take("/v1/route").is_ok()));
        assert!((0..1_000).all(|_| buckets.take("/v1/retry-advice").is_ok()));
        assert!(everybody.fresh().take("/v1/me").is_ok(), "another caller isn't slowed");
        assert!(Arc::ptr_eq(&everybody.of("ann"), &everybody.of("ann")));
    }

    #[test]
    fn a_network_of_addresses_is_one_stranger() {
        let limits = Limits { requests_per_s: 1, ..Limits::default() };
        let everybody = Everybody::new(limits);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(everybody.stranger(ip("2001:db8::1")).is_ok());
        assert!(everybody.stranger(ip("2001:db8::2")).is_err());
        assert!(everybody.stranger(ip("2001:db8:0:1::1")).is_ok());
        assert!(everybody.stranger(ip("10.0.0.1")).is_ok());
        assert!(everybody.stranger(ip("10.0.0.2")).is_ok());
    }
}
