//! `kill -9` of the server at random instants, then a restart on the same data: nothing is lost, nothing hangs, nothing is applied twice.
//!
//! Scripts leave a token outside the server each time they are started. Together with what the server says of its attempts, the
//! tokens show what really ran. `CRASH_ROUNDS` and `CRASH_SEED` in the environment repeat or lengthen a test.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Server, ServerOptions, api::state, in_tests};

/// How often the server is killed.
const ROUNDS: u32 = 200;
/// The longest a server lives in a round.
const LONGEST_LIFE: Duration = Duration::from_millis(300);

#[test]
fn a_server_that_is_killed_at_any_instant_loses_nothing_and_repeats_nothing_that_ended() {
    let rounds = number("CRASH_ROUNDS").map_or(ROUNDS, |rounds| rounds as u32);
    let seed =
        number("CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ nanoseconds());
    let mut test = CrashTest::new(seed);
    for round in 0..rounds {
        test.round(round);
    }
    test.finish();
    eprintln!(
        "{rounds} kills with CRASH_SEED={seed}: {} executions, {} script starts, {} of them repeated",
        test.accepted.len(),
        test.tokens().values().map(Vec::len).sum::<usize>(),
        test.repeated,
    );
}

struct CrashTest {
    seed: u64,
    chance: u64,
    scratch: tempfile::TempDir,
    /// Ids of the executions that the server has accepted, with their flow.
    accepted: BTreeMap<String, &'static str>,
    /// Executions that were seen to be over, as they were then.
    over: HashMap<String, Value>,
    /// Task runs that were seen to have succeeded, with how often their script had been started by then.
    succeeded: HashMap<String, usize>,
    repeated: usize,
}

/// The flows; each is over in some milliseconds.
const FLOWS: [(&str, usize); 3] = [("chain", 6), ("scripts", 4), ("loop", 10)];

impl CrashTest {
    fn new(seed: u64) -> Self {
        eprintln!("CRASH_SEED={seed}");
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("tokens")).unwrap();
        let test = Self {
            seed,
            chance: seed,
            scratch,
            accepted: BTreeMap::new(),
            over: HashMap::new(),
            succeeded: HashMap::new(),
            repeated: 0,
        };
        let server = test.start();
        for (flow, _) in FLOWS {
            let source =
                std::fs::read_to_string(in_tests(&format!("flows/crash/{flow}.yaml"))).unwrap();
            server.api.save(&source);
        }
        server.kill();
        test
    }

    fn round(&mut self, round: u32) {
        let server = self.start();
        let life = Duration::from_micros(self.random() % LONGEST_LIFE.as_micros() as u64);
        let until = Instant::now() + life;
        // the thread kills at its instant, whatever the requests below wait for
        let pid = server.pid();
        let killer = std::thread::spawn(move || {
            // the instant is the input of this test, not something it waits for
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        });
        while Instant::now() < until {
            let (flow, _) = FLOWS[(self.random() % FLOWS.len() as u64) as usize];
            let path = format!("/api/v1/executions/crash/{flow}");
            let body = Some(("text/plain", Vec::new()));
            // an answer that did not come says nothing: the execution may be there or not
            let Ok(answer) = server.api.try_call(Method::POST, &path, body) else {
                break;
            };
            assert_eq!(
                answer.status,
                200,
                "round {round}, seed {}: {}",
                self.seed,
                answer.text()
            );
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            self.accepted.insert(id, flow);
            if self.random().is_multiple_of(4) {
                self.look(&server);
            }
        }
        killer.join().unwrap();
        drop(server);
    }

    /// Remembers what one of the accepted executions looks like.
    fn look(&mut self, server: &Server) {
        let place = (self.random() % self.accepted.len() as u64) as usize;
        let id = self.accepted.keys().nth(place).unwrap().clone();
        let Ok(answer) =
            server
                .api
                .try_call(Method::GET, &format!("/api/v1/executions/{id}"), None)
        else {
            return;
        };
        assert_eq!(
            answer.status,
            200,
            "accepted execution {id} is lost, seed {}: {}",
            self.seed,
            answer.text()
        );
        let execution = answer.json();
        self.check_against_the_past(&id, &execution);
        let tokens = self.tokens();
        for run in runs(&execution)
            .iter()
            .filter(|run| state(run) == "SUCCESS")
        {
            let id = run["id"].as_str().unwrap();
            self.succeeded
                .entry(id.to_owned())
                .or_insert_with(|| tokens.get(id).map_or(0, Vec::len));
        }
        if state(&execution) == "SUCCESS" {
            self.over.insert(id, execution);
        }
    }

    fn check_against_the_past(&self, id: &str, now: &Value) {
        if let Some(then) = self.over.get(id) {
            assert_eq!(
                then, now,
                "execution {id} was over and has changed since, seed {}",
                self.seed
            );
        }
        for run in runs(now) {
            let id = run["id"].as_str().unwrap();
            assert!(
                !self.succeeded.contains_key(id) || state(run) == "SUCCESS",
                "task run {id} had succeeded and is {}, seed {}",
                state(run),
                self.seed
            );
        }
    }

    /// After the last kill: everything that was accepted ends, and adds up.
    fn finish(&mut self) {
        let server = self.start();
        let tasks: HashMap<&str, usize> = FLOWS.into_iter().collect();
        let accepted: Vec<_> = self
            .accepted
            .iter()
            .map(|(id, flow)| (id.clone(), *flow))
            .collect();
        let executions: Vec<Value> = accepted.iter().map(|(id, _)| server.api.wait(id)).collect();
        let tokens = self.tokens();
        for ((id, flow), execution) in accepted.iter().zip(&executions) {
            let seed = self.seed;
            assert_eq!(
                state(execution),
                "SUCCESS",
                "execution {id}, seed {seed}: {execution:#}"
            );
            assert_eq!(
                runs(execution).len(),
                tasks[flow],
                "task runs of {id}, seed {seed}: {execution:#}"
            );
            self.check_against_the_past(id, execution);
            for run in runs(execution) {
                self.check_run(&server, id, run, &tokens);
            }
            self.repeated += runs(execution)
                .iter()
                .map(|run| starts(run, &tokens).saturating_sub(1))
                .sum::<usize>();
        }
        let all = server
            .api
            .get("/api/v1/executions/search?size=10000")
            .json();
        let open: Vec<_> = all["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| state(one) != "SUCCESS")
            .collect();
        assert!(
            open.is_empty(),
            "also those that were not answered have ended, seed {}: {open:#?}",
            self.seed
        );
        server.terminate();
    }

    fn check_run(
        &self,
        server: &Server,
        execution: &str,
        run: &Value,
        tokens: &HashMap<String, Vec<String>>,
    ) {
        let (id, seed) = (run["id"].as_str().unwrap(), self.seed);
        assert_eq!(state(run), "SUCCESS", "task run {id}, seed {seed}");
        let attempts = run["attempts"].as_array().map_or(0, Vec::len);
        let starts = starts(run, tokens);
        if starts == 0 {
            return;
        }
        if let Some(before) = self.succeeded.get(id) {
            assert_eq!(
                starts, *before,
                "task run {id} had succeeded and was started again, seed {seed}"
            );
        }
        if starts > 1 {
            let log = server.api.log(execution);
            assert!(
                log.contains("again"),
                "task run {id} ran {starts} times in {attempts} attempts, and its log does not say so, seed {seed}:\n{log}"
            );
        }
    }

    fn start(&self) -> Server {
        let environment = vec![(
            "ENV_TOKENS".to_owned(),
            self.tokens_folder().display().to_string(),
        )];
        let data_directory = Some(self.scratch.path().join("data"));
        Server::with(ServerOptions {
            data_directory,
            environment,
            ..ServerOptions::default()
        })
    }

    /// For each task run, the tokens that its scripts left.
    fn tokens(&self) -> HashMap<String, Vec<String>> {
        let mut found: HashMap<String, Vec<String>> = HashMap::new();
        for entry in std::fs::read_dir(self.tokens_folder()).unwrap() {
            let path = entry.unwrap().path();
            let run = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            found.insert(run, text.lines().map(str::to_owned).collect());
        }
        found
    }

    fn tokens_folder(&self) -> PathBuf {
        Path::new(self.scratch.path()).join("tokens")
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn runs(execution: &Value) -> &[Value] {
    execution["taskRunList"]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

fn starts(run: &Value, tokens: &HashMap<String, Vec<String>>) -> usize {
    tokens.get(run["id"].as_str().unwrap()).map_or(0, Vec::len)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn nanoseconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .subsec_nanos()
        .into()
}
