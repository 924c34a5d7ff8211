//! The library: every scenario is what it says, in any network.

use payments::Timestamp;
use sim::{
    Clairvoyant, Culprit, DIMENSIONS, Scenario, Stage, World, library, play_clairvoyant,
    play_untouched,
};

fn scenarios() -> impl Iterator<Item = (&'static str, Scenario)> {
    library().iter().map(|(name, text)| {
        let scenario = Scenario::parse(text).unwrap_or_else(|problems| {
            panic!("{}", problems.iter().map(|p| p.in_file(name)).collect::<Vec<_>>().join("\n"))
        });
        (*name, scenario)
    })
}

fn stage(name: &str, scenario: &Scenario, seed: u64) -> Stage {
    scenario.stage(seed).unwrap_or_else(|problem| panic!("{} seed {seed}", problem.in_file(name)))
}

fn hits(world: &World, culprit: &Culprit) -> Vec<bool> {
    let lies_in = |leaf: usize| {
        let values = world.leaf_values(leaf);
        culprit.slice.iter().all(|(name, value)| {
            let at = DIMENSIONS.iter().position(|d| d == name);
            at.is_some_and(|at| values[at] == Some(value.as_str()))
        })
    };
    (0..world.leaf_count()).map(lies_in).collect()
}

/// Points lost where they are lost, by true chances: in the middle of the incident, over ten minutes at most.
fn points_lost(stage: &Stage, culprit: &Culprit) -> (f64, f64) {
    let hits = hits(&stage.world, culprit);
    let length = culprit.to.as_millis() - culprit.from.as_millis();
    let from = culprit.from.plus_millis((length / 2 - 300_000).max(60_000.min(length / 4)));
    let to = culprit.to.min(from.plus_millis(600_000));
    let (mut count, mut lost) = (0.0, 0.0);
    for sample in stage.world.attempts(from, to).filter(|sample| hits[sample.leaf]) {
        count += 1.0;
        lost += sample.p_null - sample.p_true;
    }
    let seconds = (to.as_millis() - from.as_millis()) as f64 / 1_000.0;
    (100.0 * lost / count, count / seconds)
}

#[test]
fn whether_it_is_a_decoy_is_known_without_a_network() {
    for (name, scenario) in scenarios() {
        assert_eq!(scenario.is_decoy(), stage(name, &scenario, 1).is_decoy, "{name}");
    }
}

#[test]
fn there_are_scenarios_of_every_kind() {
    let names: Vec<&str> = library().iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted() && names.len() >= 60, "{}", names.len());
    let of = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
    assert_eq!((of("grid_"), of("brief_"), of("thin_"), of("decoy_")), (9, 9, 3, 6));
    // Few histories serve them all.
    let mut grounds: Vec<String> = scenarios().map(|(_, s)| s.ground()).collect();
    grounds.sort();
    grounds.dedup();
    assert!(grounds.len() <= 5, "{grounds:#?}");
}

#[test]
fn every_scenario_reads_back_as_written() {
    for (name, scenario) in scenarios() {
        let text = scenario.to_string();
        assert_eq!(Scenario::parse(&text), Ok(scenario), "{name}\n{text}");
    }
}

#[test]
fn every_scenario_can_be_staged_with_any_seed() {
    for (name, scenario) in scenarios() {
        for seed in [2, 3] {
            let stage = stage(name, &scenario, seed);
            assert!(stage.learn_from < stage.from && stage.from < stage.to);
            assert_eq!(stage.is_decoy, name.starts_with("decoy_"), "{name}");
            for culprit in &stage.truth {
                assert!(culprit.attempts_per_s > 0.05, "{name} {culprit:?}");
                assert!(stage.from <= culprit.from && culprit.to <= stage.to, "{name}");
            }
        }
    }
}

#[test]
fn every_incident_moves_what_it_says() {
    for (name, scenario) in scenarios() {
        let stage = stage(name, &scenario, 1);
        let first = &stage.truth[0];
        let (points, per_s) = points_lost(&stage, first);
        let told: Vec<f64> = name.split('_').filter_map(|word| word.parse().ok()).collect();
        match (name.split('_').next(), &told[..]) {
            (Some("grid" | "brief" | "thin"), [traffic, drop]) => {
                assert!((points - drop).abs() < 1.5, "{name} {points}");
                assert!((0.6..1.67).contains(&(per_s / traffic)), "{name} {per_s}");
                let share = first.attempts_per_s / stage.world.attempts_per_s_at(first.from);
                assert!(share < 0.4, "{name} {share}");
            }
            _ if name == "decoy_payday" => assert!((points - 14.0).abs() < 1.5, "{points}"),
            // What moves here is no slice's own chance.
            (Some("decoy"), _) => assert!(points.abs() < 1e-9 || name == "decoy_fraud_wave"),
            _ if name == "latency_only" => assert!(points > 0.3, "{points}"),
            _ if name == "outage_in_spike" => assert!(points > 5.0, "{points}"),
            _ if name == "throttled" => {}
            _ => assert!(points > 10.0, "{name} {points}"),
        }
    }
}

#[test]
fn decoys_look_like_incidents() {
    let mean = |world: &World, hits: Option<&[bool]>, from: Timestamp| {
        let all = world.attempts(from, from.plus_millis(600_000));
        let seen = all.filter(|s| hits.is_none_or(|hits| hits[s.leaf]));
        let (mut count, mut sum) = (0.0, 0.0);
        for sample in seen {
            count += 1.0;
            sum += sample.p_true;
        }
        (count / 600.0, 100.0 * sum / count)
    };
    for (name, scenario) in scenarios().filter(|(name, _)| name.starts_with("decoy_")) {
        let stage = stage(name, &scenario, 1);
        let hits = hits(&stage.world, &stage.truth[0]);
        // A mix shift moves the sum and no part of it.
        let hits = (name != "decoy_mix_shift").then_some(&hits[..]);
        let middle = stage.truth[0].from.plus_millis(900_000);
        let (volume_before, before) = mean(&stage.world, hits, stage.from.plus_millis(-600_000));
        let (volume, after) = mean(&stage.world, hits, middle);
        let growth = volume / volume_before;
        match name {
            "decoy_payday" | "decoy_fraud_wave" | "decoy_mix_shift" => {
                assert!(after < before - 10.0, "{name} {before} {after}");
            }
            "decoy_spike" => assert!((2.5..3.8).contains(&growth), "{growth}"),
            "decoy_night_dip" => assert!((0.2..0.4).contains(&growth), "{growth}"),
            _ => assert!((0.9..1.4).contains(&growth), "{name} {growth}"),
        }
    }
}

#[test]
fn one_who_knows_gains_where_routing_helps() {
    const HOPELESS: [&str; 3] = ["one_issuer", "upi_rail", "network_everywhere"];
    // The largest of the grid differ from the others in their size alone.
    let is_large = |name: &str| name.starts_with("grid_50") || name.starts_with("brief_50");
    for (name, scenario) in scenarios().filter(|(name, _)| !is_large(name)) {
        let stage = stage(name, &scenario, 1);
        let nobody = play_untouched(&stage.world, &stage.setup, &mut |_| {});
        let mut clairvoyant = Clairvoyant::default();
        let mut worse = 0.0;
        let played = play_clairvoyant(&stage.world, &stage.setup, &mut clairvoyant, &mut |a| {
            worse += f64::from(u8::from(a.p_chosen < a.p_natural && !a.is_copy));
        });
        assert_eq!(worse, 0.0, "{name}");
        assert!(clairvoyant.gain().share_max <= 0.5, "{name}");
        let gain = played.paid_expected - nobody.paid_expected;
        if stage.is_decoy || HOPELESS.contains(&name) {
            assert_eq!(gain, 0.0, "{name}");
        } else {
            assert!(gain > 30.0, "{name} {gain}");
        }
    }
}

#[test]
fn scenarios_of_the_same_ground_share_their_history() {
    let of = |wanted: &str| scenarios().find(|(name, _)| *name == wanted).unwrap();
    let ((a, first), (b, second)) = (of("hard_outage"), of("decoy_spike"));
    assert_eq!(first.ground(), second.ground());
    let (first, second) = (stage(a, &first, 4), stage(b, &second, 4));
    assert_eq!((first.from, first.learn_from), (second.from, second.learn_from));
    let from = first.from.plus_millis(-300_000);
    let history = |stage: &Stage| stage.world.attempts(from, stage.from).collect::<Vec<_>>();
    assert!(history(&first) == history(&second) && !history(&first).is_empty());
}
