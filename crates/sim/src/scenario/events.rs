//! Reading what happens, and where.

use super::words::{Fault, Words, fault, prose, quoted};
use super::{Loss, Place, Room, What};
use crate::config::{Method, WorldConfig};
use crate::failure::FailureKind;
use crate::incident::{Pairs, Shape};
use crate::world::DIMENSIONS;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

pub(super) const BLAMES: [(&str, FailureKind); 6] = [
    ("user", FailureKind::User),
    ("issuer", FailureKind::Issuer),
    ("network", FailureKind::Network),
    ("gateway", FailureKind::Gateway),
    ("fraud", FailureKind::Fraud),
    ("misconfiguration", FailureKind::Misconfiguration),
];

pub(super) const EVENTS: &str = "outage on, latency on, codes on, volume on, mix shift of, card testing on, \
                      retry storm on, capacity of, misrouting of";

pub(super) fn happening(
    words: &mut Words<'_>,
    config: &WorldConfig,
) -> Result<(What, Place), Fault> {
    if words.eat("outage on") {
        let place = place(words, config)?;
        let loss = loss(words)?;
        words.expect("blame")?;
        return Ok((What::Outage(loss, kind(words)?), place));
    }
    if words.eat("latency on") {
        let place = place(words, config)?;
        return Ok((What::Latency(words.factor(1.0, 1_000.0)?), place));
    }
    if words.eat("codes on") {
        let place = place(words, config)?;
        words.expect("from")?;
        let from = kind(words)?;
        words.expect("to")?;
        return Ok((What::Codes(from, kind(words)?), place));
    }
    if words.eat("volume on") {
        let place = place(words, config)?;
        return Ok((What::Volume(words.factor(0.0, 100.0)?), place));
    }
    if words.eat("mix shift of") {
        let share = words.percent(100.0)?;
        words.expect("to")?;
        return Ok((What::MixShift(share), place(words, config)?));
    }
    if words.eat("card testing on") {
        let place = place(words, config)?;
        return Ok((What::CardTesting(words.factor(0.0, 100.0)?), place));
    }
    if words.eat("retry storm on") {
        let place = place(words, config)?;
        words.expect("of")?;
        let copies = words.plain(0.0, 20.0)?;
        words.expect("copies")?;
        return Ok((What::RetryStorm(copies), place));
    }
    if words.eat("capacity of") {
        let gateway = name_of(words, config, "gateway", 0)?;
        words.expect("falls to")?;
        let room = room(words)?;
        return Ok((What::Capacity(room), Place::Slice([("gateway".into(), gateway)].into())));
    }
    if words.eat("misrouting of") {
        let share = words.percent(100.0)?;
        words.expect("to")?;
        let place = place(words, config)?;
        let has_gateway = match &place {
            Place::Slice(slice) => slice.contains_key("gateway"),
            Place::Sized(dimensions, _) => dimensions.contains(&"gateway"),
        };
        if !has_gateway {
            return fault("a slice without its gateway", "gateway=NAME among its pairs");
        }
        return Ok((What::Misrouting(share, loss(words)?), place));
    }
    words.refuse(EVENTS)
}

/// `30/s`, or `x1.3` of the ordinary load
pub(super) fn room(words: &mut Words<'_>) -> Result<Room, Fault> {
    match words.peek() {
        Some(word) if word.starts_with('x') => Ok(Room::Times(words.factor(0.0, 1_000.0)?)),
        Some(word) if word.ends_with("/s") => Ok(Room::PerS(words.per_s(0.0, 1e6)?)),
        _ => words.refuse("a rate like 30/s, or x1.3 of its ordinary load"),
    }
}

fn kind(words: &mut Words<'_>) -> Result<FailureKind, Fault> {
    Ok(BLAMES[words.one_of(&BLAMES.map(|(name, _)| name))?].1)
}

fn loss(words: &mut Words<'_>) -> Result<Loss, Fault> {
    if words.eat("severity") {
        return Ok(Loss::Severity(words.plain(0.0, 1.0)?));
    }
    if !words.eat("lose") {
        return words.refuse("`lose N points` or `severity X`");
    }
    let points = words.plain(0.0, 100.0)?;
    words.expect("points")?;
    Ok(Loss::Points(points))
}

pub(super) fn shape(words: &mut Words<'_>) -> Result<Shape, Fault> {
    if words.eat("growing over") {
        return Ok(Shape::Ramp { over_ms: words.time(SECOND_MS, 7 * DAY_MS)? });
    }
    if words.eat("flapping") {
        let on_ms = words.time(SECOND_MS, DAY_MS)?;
        words.expect("on")?;
        let off_ms = words.time(SECOND_MS, DAY_MS)?;
        words.expect("off")?;
        return Ok(Shape::Flapping { on_ms, off_ms });
    }
    match words.peek() {
        None => Ok(Shape::Step),
        Some(_) => {
            words.refuse("the end of the line, `growing over TIME`, `flapping TIME on TIME off`")
        }
    }
}

fn place(words: &mut Words<'_>, config: &WorldConfig) -> Result<Place, Fault> {
    if words.eat("a") || words.eat("an") {
        let mut dimensions = Vec::new();
        loop {
            let dimension = DIMENSIONS[words.one_of(&DIMENSIONS)?];
            if dimensions.contains(&dimension) {
                return fault(format!("`{dimension}` twice"), "each dimension once");
            }
            dimensions.push(dimension);
            if dimensions.len() == 3 || !words.eat("x") {
                break;
            }
        }
        words.expect("slice of about")?;
        return Ok(Place::Sized(dimensions, words.per_s(0.01, 10_000.0)?));
    }
    Ok(Place::Slice(slice(words, config)?))
}

/// `all traffic`, or `dimension=value` and more of them.
pub(super) fn slice(words: &mut Words<'_>, config: &WorldConfig) -> Result<Pairs, Fault> {
    let mut slice = Pairs::new();
    if words.eat("all traffic") {
        return Ok(slice);
    }
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        if !DIMENSIONS.contains(&name) {
            return fault(quoted(name), DIMENSIONS.join(", "));
        }
        let value = value_of(words, config, name, value)?;
        if slice.insert(name.into(), value).is_some() {
            return fault(format!("`{name}` twice"), "each dimension once");
        }
    }
    if slice.is_empty() {
        return words.refuse(
            "all traffic, dimension=value, or `a DIMENSION x DIMENSION slice of about 5/s`",
        );
    }
    Ok(slice)
}

fn value_of(
    words: &mut Words<'_>,
    config: &WorldConfig,
    name: &str,
    value: &str,
) -> Result<String, Fault> {
    // How many merchants there are is known at the end.
    if name == "merchant_id" {
        words.take();
        return prose(value);
    }
    name_of(words, config, name, name.len() + 1)
}

/// The next word, less a prefix of it: a value that the dimension has.
pub(super) fn name_of(
    words: &mut Words<'_>,
    config: &WorldConfig,
    dimension: &str,
    skip: usize,
) -> Result<String, Fault> {
    let names = |names: &mut dyn Iterator<Item = &str>| names.map(String::from).collect::<Vec<_>>();
    let known: Vec<String> = match dimension {
        "gateway" => names(&mut config.gateways.iter().map(|g| g.name.as_str())),
        "method" => names(&mut Method::ALL.iter().map(|m| m.name())),
        "network" => names(&mut config.networks.iter().map(|n| n.name.as_str())),
        "issuer" => {
            let banks = config.banks.iter().map(|b| b.name.as_str());
            names(&mut banks.chain(config.wallets.iter().map(String::as_str)))
        }
        "country" => names(&mut config.countries.iter().map(|c| c.code.as_str())),
        _ => vec!["UPI_INTENT".into(), "UPI_COLLECT".into()],
    };
    let value = words.peek().and_then(|word| word.get(skip..)).unwrap_or_default();
    if !known.iter().any(|name| name == value) {
        return words.refuse(known.join(", "));
    }
    words.take();
    Ok(value.into())
}
