//! The engine's inputs as the journal's bytes.
//!
//! Postcard keeps floats bit for bit, which replay needs; what is longer than a few attempts is packed with zstd (a fifth of its size).
//! The first byte names the format, so that a journal outlives a change of it.

use anyhow::{Context, Result, bail};
use engine::Input;

// 1 and 2 were these before gateways had rules and promised shares.
const PLAIN: u8 = 3;
const PACKED: u8 = 4;
const PACKED_MIN: usize = 1_024;
/// What one step may unpack to: a bound on what a damaged length asks for.
const UNPACKED_MAX: usize = 512 << 20;

/// An input's bytes.
pub fn encode(input: &Input) -> Result<Vec<u8>> {
    let bytes = postcard::to_extend(input, vec![PLAIN]).context("an input can't be encoded")?;
    if bytes.len() < PACKED_MIN {
        return Ok(bytes);
    }
    let mut packed = vec![PACKED];
    packed.extend(zstd::bulk::compress(&bytes[1..], 1).context("an input can't be packed")?);
    Ok(packed)
}

/// The input of bytes.
pub fn decode(bytes: &[u8]) -> Result<Input> {
    let unpacked;
    let plain = match bytes.split_first() {
        Some((&PLAIN, rest)) => rest,
        Some((&PACKED, rest)) => {
            let size = zstd::zstd_safe::get_frame_content_size(rest).ok().flatten().unwrap_or(0);
            let size = usize::try_from(size).unwrap_or(usize::MAX).min(UNPACKED_MAX);
            unpacked = zstd::bulk::decompress(rest, size).context("a step can't be unpacked")?;
            &unpacked
        }
        _ => bail!(
            "a step has a format that this program doesn't know; use the program that wrote it"
        ),
    };
    postcard::from_bytes(plain).context("a step can't be decoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::Timestamp;
    use pilot::{Command, Limits};

    #[test]
    fn every_kind_of_input_comes_back() {
        let event = br#"{"attempt_id": "a1", "payment_id": "p1", "merchant_id": "m1", "method": "card",
            "occurred_at": "2026-02-13T18:00:00+05:30", "amount": {"minor": 49900, "currency": "INR"},
            "gateway": "payu", "status": "declined", "code": {"source": "iso8583", "value": "91"}, "propensity": 0.30000000000000004,
            "attributes": {"sub_type": "x"}}"#;
        let attempt = payments::parse_event(event).unwrap().attempt;
        let at = Timestamp::from_millis(1);
        let gateway: routing::Gateway =
            serde_json::from_str(r#"{"name": "payu", "fee": [{"bps": 190, "currency": "INR"}]}"#)
                .unwrap();
        let command = |command| Input::Command { at, command: Box::new(command) };
        for input in [
            Input::Attempts(vec![attempt.clone()]),
            Input::Attempts(vec![attempt; 100]),
            Input::Advance(at),
            Input::Rest(at),
            Input::Gateways(vec![gateway]),
            command(Command::SetLimits(Limits::default())),
            command(Command::SetModes(pilot::Modes::default())),
            Input::Tried(vec![engine::Tried {
                rollout: 1,
                stage: 2,
                payment_id: "p1".into(),
                group: pilot::rollout::Group::HoldOut,
                at,
            }]),
            Input::Rollout {
                at,
                order: Box::new(engine::RolloutOrder::Begin {
                    routing: Box::new(engine::Routing::default()),
                    plan: pilot::rollout::Plan::default(),
                    by: "ana".into(),
                }),
            },
        ] {
            assert_eq!(decode(&encode(&input).unwrap()).unwrap(), input);
        }
        assert!(decode(&[9, 1]).is_err());
        assert!(decode(&[PACKED, 1, 2, 3]).is_err());
    }
}
