//! The reader of scenarios: it answers every text, says what is wrong harmlessly, and reads back what it prints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim::{Problem, Scenario};

fuzz_target!(|text: &str| {
    let scenario = match Scenario::parse(text) {
        Ok(scenario) => scenario,
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= 50);
            return problems.iter().for_each(harmless);
        }
    };
    let printed = scenario.to_string();
    assert_eq!(Scenario::parse(&printed).as_ref(), Ok(&scenario), "{printed}");
    // A network of many merchants takes too long to draw.
    if scenario.world.merchants > 2 {
        return;
    }
    match scenario.stage(1) {
        Ok(stage) => {
            assert!(stage.learn_from < stage.from && stage.from < stage.to);
            for culprit in &stage.truth {
                assert!(stage.from <= culprit.from && culprit.to <= stage.to);
                assert!(culprit.attempts_per_s > 0.0 && !culprit.cause.is_empty());
            }
        }
        Err(problem) => harmless(&problem),
    }
});

fn harmless(problem: &Problem) {
    let shown = problem.in_file("file");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(shown.len() < 4_000, "{shown:?}");
}
