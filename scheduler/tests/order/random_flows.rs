//! Random flows, random orders, repeats, losses and kills: what always holds is held after each event, everything comes to an end,
//! and the accepted events give the same execution again.

use serde_json::json;

use crate::world::World;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

#[test]
fn every_random_execution_comes_to_an_end_whatever_happens() {
    let seed = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(0..400, |seed: u64| seed..seed + 1);
    for seed in seeds {
        println!("seed {seed} (run again with SEED={seed})");
        let mut chance = Chance(seed);
        let yaml = random_flow(&mut chance);
        let mut world = World::new(&yaml, json!({}));
        let pristine = world.execution.clone();
        world.create();
        disturb(&mut world, &mut chance);
        assert!(
            world.ended,
            "seed {seed}: not ended\n{yaml}\n{}",
            world.picture()
        );
        assert!(
            world.state().is_terminal(),
            "seed {seed}\n{}",
            world.picture()
        );
        replay(&mut world, pristine, seed);
    }
}

/// Answers, repeats, loses and kills until nothing is on its way.
fn disturb(world: &mut World, chance: &mut Chance) {
    let kills = chance.one_in(5);
    for round in 0..5_000 {
        if world.jobs.is_empty() && world.timers.is_empty() {
            return;
        }
        if kills && round > 3 && chance.one_in(20) {
            world.kill();
        }
        if !world.timers.is_empty() && (world.jobs.is_empty() || chance.one_in(4)) {
            let place = chance.below(world.timers.len());
            world.fire(place);
            continue;
        }
        if world.jobs.is_empty() {
            continue;
        }
        let (run, dispatch) = world.jobs[chance.below(world.jobs.len())].clone();
        match chance.below(10) {
            0..3 => world.start(&run, dispatch),
            3 => {
                world.jobs.retain(|job| *job != (run.clone(), dispatch));
                world.lose(&run, dispatch);
            }
            _ => {
                world.jobs.retain(|job| *job != (run.clone(), dispatch));
                world.finish(&run, dispatch);
                if chance.one_in(3) {
                    let before = world.picture();
                    world.finish(&run, dispatch);
                    assert_eq!(world.picture(), before, "a repeated result changes nothing");
                }
            }
        }
    }
    panic!("the execution does not come to an end\n{}", world.picture());
}

/// The accepted events, once more from the beginning, give the same execution; given again at the end they change nothing.
fn replay(world: &mut World, pristine: flowmill_common::Execution, seed: u64) {
    let (events, picture) = (std::mem::take(&mut world.events), world.picture());
    for event in &events {
        assert!(
            !world.feed(event),
            "seed {seed}: a stale event changed something: {event:?}"
        );
    }
    world.execution = pristine;
    world.ended = false;
    for event in &events {
        world.feed(event);
    }
    assert_eq!(world.picture(), picture, "seed {seed}");
}

fn random_flow(chance: &mut Chance) -> String {
    let mut yaml = String::from("id: f\nnamespace: a.b\ntasks:\n");
    let mut writer = Writer {
        yaml: &mut yaml,
        next: 0,
    };
    for _ in 0..=chance.below(3) {
        writer.task(chance, 1, 3);
    }
    for list in ["errors", "finally", "afterExecution"] {
        if chance.one_in(3) {
            writer.yaml.push_str(&format!("{list}:\n"));
            writer.task(chance, 1, 1);
        }
    }
    yaml
}

struct Writer<'y> {
    yaml: &'y mut String,
    next: u32,
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        self.yaml.push_str(&"  ".repeat(depth));
        self.yaml.push_str(text);
        self.yaml.push('\n');
    }

    fn task(&mut self, chance: &mut Chance, depth: usize, levels: usize) {
        let id = format!("t{}", self.next);
        self.next += 1;
        self.line(depth, &format!("- id: {id}"));
        let inner = depth + 1;
        self.extras(chance, inner);
        let kind = if levels == 0 { 0 } else { chance.below(9) };
        let flow = "io.kestra.plugin.core.flow";
        match kind {
            1 => self.flowable(chance, inner, levels, &format!("{flow}.Sequential"), &[]),
            2 => {
                let concurrent = format!("concurrent: {}", chance.below(3));
                self.flowable(
                    chance,
                    inner,
                    levels,
                    &format!("{flow}.Parallel"),
                    &[&concurrent],
                );
            }
            3 => {
                let limit = format!("concurrencyLimit: {}", chance.below(4));
                let lines = ["values: [a, b, c, d]", &limit];
                self.flowable(chance, inner, levels, &format!("{flow}.ForEach"), &lines);
            }
            4 => self.flowable(chance, inner, levels, &format!("{flow}.AllowFailure"), &[]),
            5 => {
                self.line(inner, &format!("type: {flow}.If"));
                self.line(
                    inner,
                    if chance.one_in(2) {
                        "condition: true"
                    } else {
                        "condition: false"
                    },
                );
                self.line(inner, "then:");
                self.task(chance, inner, levels - 1);
            }
            6 => self.flowable(
                chance,
                inner,
                levels,
                &format!("{flow}.EachParallel"),
                &["value: '[\"x\", \"y\"]'"],
            ),
            _ => {
                let kinds = [
                    "test.Ok",
                    "test.Ok",
                    "test.Ok",
                    "test.Fail",
                    "test.FailOnce",
                ];
                self.line(
                    inner,
                    &format!("type: {}", kinds[chance.below(kinds.len())]),
                );
                if chance.one_in(4) {
                    self.line(
                        inner,
                        "retry: {type: constant, interval: PT1S, maxAttempts: 2}",
                    );
                }
            }
        }
    }

    fn extras(&mut self, chance: &mut Chance, depth: usize) {
        for (line, rarity) in [
            ("allowFailure: true", 5),
            ("disabled: true", 12),
            ("runIf: \"{{ false }}\"", 10),
        ] {
            if chance.one_in(rarity) {
                self.line(depth, line);
            }
        }
    }

    fn flowable(
        &mut self,
        chance: &mut Chance,
        depth: usize,
        levels: usize,
        kind: &str,
        lines: &[&str],
    ) {
        self.line(depth, &format!("type: {kind}"));
        for line in lines {
            self.line(depth, line);
        }
        self.line(depth, "tasks:");
        for _ in 0..=chance.below(3) {
            self.task(chance, depth, levels - 1);
        }
        for list in ["errors", "finally"] {
            if chance.one_in(5) {
                self.line(depth, &format!("{list}:"));
                self.task(chance, depth, 0);
            }
        }
    }
}
