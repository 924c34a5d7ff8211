//! The policy written once more, slowly and plainly, and the properties of both.

use std::collections::BTreeMap;

use payments::{NONE, Timestamp};
use proptest::prelude::*;

use crate::worlds::{NOW_MS, Payment, payment, policy, terms};
use crate::{
    Allocation, Arm, Choice, Context, Directive, Learning, Overlay, Policy, Reason, Term, Terms,
    draw,
};

type Law = BTreeMap<String, f64>;

fn eligible(terms: &Terms, context: &Context<'_>) -> Vec<String> {
    let method = context.get("method");
    let candidates: Vec<String> = context.candidates.iter().map(|c| (*c).into()).collect();
    let configured: Vec<String> = terms
        .gateways
        .iter()
        .filter(|g| g.methods.is_empty() || method.is_some_and(|m| g.methods.contains(&m.into())))
        .map(|g| g.name.clone())
        .collect();
    let seen = method.and_then(|m| terms.seen.get(m)).cloned().unwrap_or_default();
    let first = [candidates, configured, seen].into_iter().find(|list| !list.is_empty());
    // A name that is configured twice has the rules of the first.
    let refused = |name: &String| {
        let gateway = terms.gateways.iter().find(|gateway| gateway.name == *name);
        gateway.is_some_and(|g| {
            g.refuses.iter().any(|rule| rule.holds(context))
                || !g.accepts.is_empty() && !g.accepts.iter().any(|rule| rule.holds(context))
        })
    };
    let mut names = Vec::new();
    for name in first.unwrap_or_default() {
        if !names.contains(&name) && !refused(&name) {
            names.push(name);
        }
    }
    names
}

/// The overlays that fit a payment, in order.
fn fitting<'a>(terms: &'a Terms, context: &Context<'_>) -> Vec<&'a Overlay> {
    if terms.kill_switch {
        return Vec::new();
    }
    let fits = |overlay: &&Overlay| {
        let retry = matches!(overlay.directive, Directive::Retry { .. });
        let names_something = overlay.from.is_some() || (retry && !overlay.when.is_empty());
        let expired = overlay.expires_at <= context.at;
        let values: BTreeMap<&str, &str> = context.values.iter().copied().collect();
        let agrees = overlay.when.iter().all(|(d, v)| values.get(d.as_str()).unwrap_or(&NONE) == v);
        names_something && !expired && agrees
    };
    terms.allocation.overlays.iter().filter(fits).collect()
}

/// Where the overlay sends the payments of `from`, as weights that sum to 1; empty: nowhere.
fn targets(
    overlay: &Overlay,
    from: &str,
    ranking: &[String],
    fitting: &[&Overlay],
) -> Vec<(String, f64)> {
    let is_emptied = |name: &str| {
        fitting.iter().any(|o| {
            o.from.as_deref() == Some(name)
                && o.share >= 0.5
                && !matches!(o.directive, Directive::Retry { .. })
        })
    };
    let open = |name: &String| name != from && ranking.contains(name) && !is_emptied(name);
    let mut weights: Vec<(String, f64)> = match &overlay.directive {
        Directive::Reroute { to } => {
            to.iter().filter(|(name, w)| open(name) && *w > 0.0).cloned().collect()
        }
        Directive::Suppress => ranking
            .iter()
            .find(|name| open(name))
            .map(|name| (name.clone(), 1.0))
            .into_iter()
            .collect(),
        Directive::Retry { .. } => Vec::new(),
    };
    let total: f64 = weights.iter().map(|(_, w)| w).sum();
    weights.iter_mut().for_each(|(_, w)| *w /= total);
    weights
}

/// The choice given the ordinary one, and the probabilities of all gateways.
fn slow(terms: &Terms, terms_of_score: &[Term], context: &Context<'_>) -> Option<(Choice, Law)> {
    let eligible = eligible(terms, context);
    if eligible.is_empty() {
        return None;
    }
    let ranking: Vec<String> = terms_of_score.iter().map(|t| t.gateway.clone()).collect();
    let base: Law = terms_of_score.iter().map(|t| (t.gateway.clone(), t.base)).collect();
    let fitting = fitting(terms, context);
    let deciding = |from: &str| {
        fitting.iter().find(|o| o.from.as_deref().is_none_or(|own| own == from)).copied()
    };

    let mut law: Law = eligible.iter().map(|name| (name.clone(), 0.0)).collect();
    for (from, p) in &base {
        let moved = deciding(from).map(|o| (o.share, targets(o, from, &ranking, &fitting)));
        let (share, weights) = moved.filter(|(_, w)| !w.is_empty()).unwrap_or_default();
        *law.get_mut(from).unwrap() += p * (1.0 - share);
        for (to, weight) in weights {
            *law.get_mut(&to).unwrap() += p * share * weight;
        }
    }

    let u = draw::of_attempt(terms.seed, context.payment_id, context.attempt_number);
    let mut below = 0.0;
    let mut ordinary = ranking[0].clone();
    if base[&ranking[0]] < 1.0 {
        // Rounding may leave a sliver above the last.
        ordinary = eligible.iter().rfind(|name| base[*name] > 0.0).unwrap().clone();
        for name in &eligible {
            if u >= below && u < below + base[name] {
                ordinary = name.clone();
            }
            below += base[name];
        }
    }
    let mut choice = Choice {
        gateway: ordinary.clone(),
        propensity: 0.0,
        ranking: Vec::new(),
        reason: if terms.learning == Learning::Off { Reason::Fallback } else { Reason::Learned },
        policy_version: terms.version,
        assignment: None,
        retry: None,
    };
    if let Some(overlay) = deciding(&ordinary) {
        let weights = targets(overlay, &ordinary, &ranking, &fitting);
        let retry = matches!(overlay.directive, Directive::Retry { .. });
        if retry || !weights.is_empty() {
            let arm = overlay.arm(context.payment_id);
            let tested = overlay.experiment_id.is_some();
            choice.reason = if tested { Reason::Experiment } else { Reason::Overlay };
            choice.assignment = Some(crate::Assignment {
                intervention_id: overlay.intervention_id.clone(),
                experiment_id: overlay.experiment_id.clone(),
                arm,
            });
            if arm == Arm::Treatment {
                if let Directive::Retry { attempts_max, delay_s_min } = overlay.directive {
                    choice.retry = Some(crate::RetryAdvice { attempts_max, delay_s_min });
                }
                let (u, mut below) = (draw::of_target(overlay.salt, context.payment_id), 0.0);
                for (name, weight) in weights {
                    if u >= below && u < below + weight {
                        choice.gateway = name;
                    }
                    below += weight;
                }
            }
        }
    }
    choice.propensity = law[&choice.gateway];
    Some((choice, law))
}

fn law_of(policy: &Policy, context: &Context<'_>) -> Law {
    let terms = policy.explain(context).unwrap();
    terms.into_iter().map(|term| (term.gateway, term.propensity)).collect()
}

fn ids(n: usize) -> impl Iterator<Item = String> {
    (0..n).map(|at| format!("pay_{at}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_fast_policy_is_the_slow_one(policy in policy(), payment in payment()) {
        for id in ids(12) {
            let context = payment.context(&id);
            let explained = policy.explain(&context).unwrap_or_default();
            let wanted = slow(policy.terms(), &explained, &context);
            let got = policy.choose(&context).ok();
            prop_assert_eq!(got.is_some(), wanted.is_some());
            let (Some(got), Some((wanted, law))) = (got, wanted) else { continue };
            prop_assert!((got.propensity - wanted.propensity).abs() < 1e-12);
            for (name, propensity) in law_of(&policy, &context) {
                prop_assert!((law[&name] - propensity).abs() < 1e-12);
            }
            let comparable = Choice { propensity: wanted.propensity, ranking: Vec::new(), ..got.clone() };
            prop_assert_eq!(comparable, wanted);
            let ranked: Vec<_> = got.ranking.iter().map(|r| (&r.gateway, r.score)).collect();
            let terms: Vec<_> = explained.iter().map(|t| (&t.gateway, t.score)).collect();
            prop_assert_eq!(ranked, terms);
        }
    }

    #[test]
    fn propensities_sum_to_one_and_stay_inside(policy in policy(), payment in payment()) {
        let context = payment.context("p");
        let Ok(choice) = policy.choose(&context) else { return Ok(()) };
        let law = law_of(&policy, &context);
        prop_assert!((law.values().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(choice.propensity > 0.0 && choice.propensity <= 1.0);
        prop_assert_eq!(choice.propensity, law[&choice.gateway]);
        let mut names: Vec<_> = choice.ranking.iter().map(|r| r.gateway.clone()).collect();
        names.sort();
        let mut allowed = eligible(policy.terms(), &context);
        allowed.sort();
        prop_assert_eq!(names, allowed);
    }

    #[test]
    fn a_gateway_under_test_keeps_its_share(policy in policy(), payment in payment()) {
        let context = payment.context("p");
        let Ok(explained) = policy.explain(&context) else { return Ok(()) };
        let fitting = fitting(policy.terms(), &context);
        let held = |gateway: &str| {
            let about = |o: &&&Overlay| o.from.as_deref().is_none_or(|own| own == gateway);
            let moving = |o: &&Overlay| !matches!(o.directive, Directive::Retry { .. });
            fitting.iter().find(about).copied().filter(moving).map_or(0.0, |o| o.holds)
        };
        let all: f64 = explained.iter().map(|term| held(&term.gateway)).sum();
        prop_assert!((explained.iter().map(|term| term.base).sum::<f64>() - 1.0).abs() < 1e-9);
        // Who is kept where the card is goes nowhere for a test.
        let is_own = |term: &&Term| payment.sticky == Some(term.gateway.as_str());
        let is_kept = explained.iter().find(is_own).is_some_and(|own| own.base == 1.0);
        let learns = policy.terms().learning != Learning::Off && !is_kept;
        for term in explained.iter().filter(|_| learns) {
            prop_assert!(term.base >= held(&term.gateway) / all.max(1.0) - 1e-9, "{term:?}");
        }
    }

    #[test]
    fn the_ranking_is_in_order(policy in policy(), payment in payment()) {
        let Ok(choice) = policy.choose(&payment.context("p")) else { return Ok(()) };
        let learns = policy.terms().learning != Learning::Off;
        let in_order = |a: f64, b: f64| if learns { a >= b } else { a < b };
        prop_assert!(choice.ranking.is_sorted_by(|a, b| in_order(a.score, b.score)));
    }

    #[test]
    fn the_kill_switch_leaves_neither_overlay_nor_chance(terms in terms(), payment in payment()) {
        let policy = Policy::new(Terms { kill_switch: true, ..terms });
        for id in ids(5) {
            let Ok(choice) = policy.choose(&payment.context(&id)) else { return Ok(()) };
            prop_assert_eq!(choice.propensity, 1.0);
            let is_sticky = payment.sticky.is_some();
            prop_assert!(is_sticky || choice.gateway == choice.ranking[0].gateway);
            prop_assert_eq!((choice.assignment, choice.retry), (None, None));
            prop_assert!(matches!(choice.reason, Reason::Learned | Reason::Fallback));
        }
    }

    #[test]
    fn expired_overlays_do_nothing(terms in terms(), payment in payment()) {
        let live = |overlay: &Overlay| overlay.is_in_force(Timestamp::from_millis(NOW_MS));
        let mut without = terms.clone();
        without.allocation.overlays.retain(live);
        let (with, without) = (Policy::new(terms), Policy::new(without));
        for id in ids(5) {
            let context = payment.context(&id);
            prop_assert_eq!(with.choose(&context), without.choose(&context));
        }
    }

    #[test]
    fn a_larger_share_only_adds(overlay in terms().prop_filter_map("one overlay", |terms| {
        terms.allocation.overlays.into_iter().next()
    }), more in 0.0..1.0_f64) {
        let larger = Overlay { share: overlay.share + (1.0 - overlay.share) * more, ..overlay.clone() };
        for id in ids(50) {
            prop_assert!(overlay.arm(&id) <= larger.arm(&id));
        }
    }

    #[test]
    fn a_snapshot_survives_its_journey(terms in terms(), payment in payment()) {
        let policy = Policy::new(terms);
        let bytes = postcard::to_stdvec(&policy).unwrap();
        let back: Policy = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(back.terms(), policy.terms());
        for id in ids(5) {
            let context = payment.context(&id);
            prop_assert_eq!(back.choose(&context), policy.choose(&context));
            prop_assert_eq!(back.decision_id(&context), policy.decision_id(&context));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn frequencies_are_the_propensities(policy in policy(), payment in payment()) {
        let n = 4_000;
        if policy.choose(&payment.context("p")).is_err() {
            return Ok(());
        }
        let law = law_of(&policy, &payment.context("p"));
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        for id in ids(n) {
            let choice = policy.choose(&payment.context(&id)).unwrap();
            *counts.entry(choice.gateway).or_default() += 1.0;
        }
        // What floors and pins promise is kept by the ordinary choice.
        for (name, p) in law {
            let got = counts.get(&name).copied().unwrap_or(0.0) / n as f64;
            let sd = (p * (1.0 - p) / n as f64).sqrt();
            prop_assert!((got - p).abs() <= 5.0 * sd + 1e-9, "{name}: {got} of {p}");
        }
    }
}

fn plain(gateways: &[&str], overlays: Vec<Overlay>) -> Policy {
    let gateways = gateways
        .iter()
        .map(|name| crate::Gateway { name: (*name).into(), ..crate::Gateway::default() });
    let allocation = Allocation { version: 1, overlays };
    Policy::new(Terms { gateways: gateways.collect(), allocation, ..Terms::default() })
}

fn reroute(from: &str, to: &[(&str, f64)], share: f64) -> Overlay {
    Overlay {
        intervention_id: "i_1".into(),
        experiment_id: Some("x_1".into()),
        when: BTreeMap::new(),
        from: Some(from.into()),
        directive: Directive::Reroute { to: to.iter().map(|(g, w)| ((*g).into(), *w)).collect() },
        share,
        holds: 0.0,
        salt: 11,
        expires_at: Timestamp::from_millis(NOW_MS + 1),
    }
}

const CARD: &[(&str, &str)] = &[("method", "card")];

fn card(candidates: &[&'static str]) -> Payment {
    Payment { values: CARD.to_vec(), candidates: candidates.to_vec(), amount: None, sticky: None }
}

#[test]
fn an_empty_context_touches_only_its_gateway() {
    let policy = plain(&["a", "b"], vec![reroute("b", &[("a", 1.0)], 1.0)]);
    for id in ids(50) {
        assert_eq!(policy.choose(&card(&[]).context(&id)).unwrap().assignment, None);
        let other_first = policy.choose(&card(&["b", "a"]).context(&id)).unwrap();
        assert_eq!((other_first.gateway.as_str(), other_first.propensity), ("a", 1.0));
    }
    let everything = Overlay { from: None, ..reroute("b", &[("a", 1.0)], 1.0) };
    let directive = Directive::Retry { attempts_max: 1, delay_s_min: 0 };
    let retry = Overlay { directive, ..everything.clone() };
    let policy = plain(&["b", "a"], vec![everything, retry]);
    let choice = policy.choose(&card(&[]).context("p")).unwrap();
    assert_eq!(
        (choice.gateway.as_str(), choice.reason, choice.retry),
        ("b", Reason::Fallback, None)
    );
}

#[test]
fn a_test_holds_nobody_who_is_kept_elsewhere() {
    let held = Overlay { holds: 0.9, ..reroute("a", &[("c", 1.0)], 0.5) };
    let terms = plain(&["a", "b", "c"], vec![held]).terms().clone();
    let policy = Policy::new(Terms { learning: Learning::Explore, ..terms });
    let of = |sticky| Payment { sticky, ..card(&[]) };
    let base = |payment: Payment, gateway: &str| {
        let terms = policy.explain(&payment.context("p")).unwrap();
        terms.into_iter().find(|term| term.gateway == gateway).unwrap().base
    };
    assert!(base(of(None), "a") >= 0.9 - 1e-9);
    assert_eq!((base(of(Some("b")), "a"), base(of(Some("b")), "b")), (0.0, 1.0));
}

#[test]
fn without_a_target_a_payment_is_in_neither_arm() {
    let policy = plain(&["a", "b"], vec![reroute("a", &[("z", 1.0)], 0.5)]);
    for id in ids(50) {
        let choice = policy.choose(&card(&[]).context(&id)).unwrap();
        assert_eq!((choice.gateway.as_str(), choice.reason), ("a", Reason::Fallback));
        assert_eq!(choice.assignment, None);
    }
}

#[test]
fn nothing_is_moved_to_where_things_are_moved_away() {
    let overlays = |share| {
        vec![reroute("a", &[("b", 0.5), ("c", 0.5)], 1.0), reroute("b", &[("a", 1.0)], share)]
    };
    let to_b = |share| {
        let policy = plain(&["a", "b", "c"], overlays(share));
        ids(100).filter(|id| policy.choose(&card(&[]).context(id)).unwrap().gateway == "b").count()
    };
    assert_eq!(to_b(0.5), 0);
    assert!(to_b(0.49) > 20);
}

#[test]
fn retries_stay_on_their_side() {
    let policy = plain(&["a", "b", "c"], vec![reroute("a", &[("b", 0.5), ("c", 0.5)], 0.5)]);
    for id in ids(100) {
        let payment = card(&[]);
        let at = |attempt_number| {
            let context = Context { attempt_number, ..payment.context(&id) };
            let choice = policy.choose(&context).unwrap();
            (choice.gateway, choice.assignment.unwrap().arm)
        };
        assert_eq!(at(1), at(2));
        assert_eq!(at(1), at(7));
    }
}

#[test]
fn an_id_belongs_to_one_body_and_version() {
    let policy = plain(&["a", "b"], vec![reroute("a", &[("b", 1.0)], 1.0)]);
    let payment = card(&[]);
    let context = payment.context("p");
    let id = policy.decision_id(&context);
    insta::assert_snapshot!(id, @"d_212a93256f90gfdaf4aa68e72g01acaad7");
    let at = |ms| Context { at: Timestamp::from_millis(NOW_MS + ms), ..context };
    assert_eq!(policy.decision_id(&at(-5_000)), id);
    assert_ne!(policy.decision_id(&at(1)), id, "the overlay has expired");
    let candidates = card(&["a"]);
    let others = [
        Context { attempt_number: 2, ..context },
        Context { values: &[("method", "upi")], ..context },
        Context { values: &[("metho", "dcard")], ..context },
        candidates.context("p"),
        payment.context("q"),
        Context { risk: Some(0.1), ..context },
        Context { margin_bps: Some(100), ..context },
        Context { sticky: Some("a"), ..context },
    ];
    for other in others {
        assert_ne!(policy.decision_id(&other), id);
    }
    let next = Policy::new(Terms { version: 1, ..policy.terms().clone() });
    assert_ne!(next.decision_id(&context), id);
}

#[test]
fn what_is_missing_is_said() {
    let error = |payment: Payment| {
        plain(&[], Vec::new()).choose(&payment.context("p")).unwrap_err().to_string()
    };
    insta::assert_snapshot!(error(card(&[])), @"no gateway is eligible for method `card`: none was sent as `candidates`, no [[gateways]] table lists it in `methods`, and none was seen for it in the last 24 h; send candidates or configure a gateway");
    let bare = Payment { values: Vec::new(), ..card(&[]) };
    insta::assert_snapshot!(error(bare), @"no gateway is eligible for a payment without method: none was sent as `candidates`, no [[gateways]] table lists it in `methods`, and none was seen for it in the last 24 h; send candidates or configure a gateway");
}
