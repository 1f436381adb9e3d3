//! The store of many machines: Redis, Valkey, or a cluster of them.
//!
//! A space is a sorted set with its keys (all of score 0, so ordered bytewise) and a hash with its values. Both names
//! hold the space in braces, `flowmill:{p07}:keys`, so that a cluster keeps them on one node and spreads the spaces. A
//! commit is one script: it checks, writes and answers in one round trip, and Redis runs one script at a time.

mod config;
mod connection;
mod failure;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use metrics::Counter;
use redis::{Cmd, FromRedisValue, Script};

pub use self::config::Config;
use self::connection::Connection;
use self::failure::Failures;
use super::{Batch, Entry, RangeOptions, Store, check_key, check_range};
use crate::error::{Error, Kind, Result};
use crate::health::Probe;
use crate::retry::until_available;

/// A [`Store`] in Redis.
pub struct RedisStore {
    /// Carries what is short.
    quick: Connection,
    /// Carries ranges, so that a long answer does not hold up the short ones.
    bulk: Connection,
    prefix: String,
    commit: Script,
    range: Script,
    marks: Option<Marks>,
    failures: Failures,
    probe: Probe,
    /// Round trips.
    requests: Counter,
}

/// Names for batches, where the client may send one twice (it does for a cluster).
struct Marks {
    process: String,
    next: AtomicU64,
}

impl RedisStore {
    /// Connects. `Invalid` when a setting is wrong (the message names it), `Unavailable` when Redis does not answer
    /// within `start-timeout`. Warns when Redis would lose data at a restart or under memory pressure.
    pub async fn open(config: &Config) -> Result<Self> {
        if config.prefix.contains(['{', '}']) {
            return Err(Error::new(
                Kind::Invalid,
                "`store.redis.prefix` must not have braces",
            ));
        }
        let failures = Failures::new(config);
        let client = connection::Client::new(config, &failures)?;
        let connect = || async {
            client
                .connect()
                .await
                .map_err(|error| failures.starting(error))
        };
        let quick = until_available(config.start_timeout, connect).await?;
        let bulk = until_available(config.start_timeout, connect).await?;
        let store = Self {
            quick,
            bulk,
            prefix: config.prefix.clone(),
            commit: Script::new(include_str!("commit.lua")),
            range: Script::new(include_str!("range.lua")),
            marks: config.cluster.then(Marks::new),
            failures,
            probe: Probe::new("redis"),
            requests: metrics::counter!("flowmill_store_requests_total"),
        };
        until_available(config.start_timeout, || store.examine()).await?;
        Ok(store)
    }

    /// Whether Redis answers at the moment.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Whether Redis can be used, and whether it is set up to keep what it is given.
    async fn examine(&self) -> Result<()> {
        let mut probe = redis::cmd("HGET");
        probe.arg(self.values("global")).arg("");
        let _: Option<Bytes> = self
            .query(&self.quick, &probe)
            .await
            .map_err(|error| self.failures.starting(error))?;

        let mut info = redis::cmd("INFO");
        info.arg("all");
        let Ok(info) = self.quick.query::<redis::InfoDict>(&info).await else {
            tracing::warn!("redis does not tell how it keeps data (no permission for INFO)");
            return Ok(());
        };
        if info.get::<u8>("aof_enabled") == Some(0) {
            tracing::warn!(
                "redis has no append-only file (`appendonly no`): a restart of redis loses what it has not dumped"
            );
        }
        if let Some(policy) = info
            .get::<String>("maxmemory_policy")
            .filter(|policy| policy.starts_with("allkeys"))
        {
            tracing::warn!(
                policy,
                "redis discards data when its memory is full; set `maxmemory-policy noeviction`"
            );
        }
        Ok(())
    }

    /// The answer to a command that changes nothing: asked again when the connection broke.
    async fn query<T: FromRedisValue>(
        &self,
        connection: &Connection,
        command: &Cmd,
    ) -> redis::RedisResult<T> {
        self.requests.increment(1);
        match connection.query(command).await {
            Err(error) if error.is_connection_dropped() => connection.query(command).await,
            answer => answer,
        }
    }

    fn keys(&self, space: &str) -> String {
        format!("{}:{{{space}}}:keys", self.prefix)
    }

    fn values(&self, space: &str) -> String {
        format!("{}:{{{space}}}:values", self.prefix)
    }

    fn marks(&self, space: &str) -> String {
        format!("{}:{{{space}}}:marks", self.prefix)
    }

    async fn apply(&self, space: &str, batch: &Batch) -> Result<()> {
        let mut script = self.commit.key(self.keys(space));
        script.key(self.values(space)).key(self.marks(space));
        script.arg(self.marks.as_ref().map(Marks::next).unwrap_or_default());
        match &batch.fence {
            Some((key, value)) => script.arg("1").arg(rest(space, key)).arg(value.as_ref()),
            None => script.arg("0"),
        };
        script.arg(batch.expects.len());
        for (key, value) in &batch.expects {
            script
                .arg(rest(space, key))
                .arg(u8::from(value.is_some()))
                .arg(value.as_deref().unwrap_or_default());
        }
        script.arg(batch.puts.len());
        for (key, value) in &batch.puts {
            script.arg(rest(space, key)).arg(value.as_ref());
        }
        for key in &batch.deletes {
            script.arg(rest(space, key));
        }
        self.requests.increment(1);
        let applied: redis::RedisResult<()> = self.quick.invoke(&script).await;
        applied.map_err(|error| self.failures.running(error))
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        let space = check_key(key)?;
        let mut command = redis::cmd("HGET");
        command.arg(self.values(space)).arg(rest(space, key));
        let value = self
            .query(&self.quick, &command)
            .await
            .map_err(|error| self.failures.running(error));
        self.probe.observe(value)
    }

    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        let space = check_range(from, to)?;
        if from >= to || options.limit == 0 {
            return Ok(Vec::new());
        }
        let first = [b"[", rest(space, from).as_bytes()].concat();
        let end = match to
            .strip_prefix(space)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(rest) => [b"(", rest.as_bytes()].concat(),
            None => b"+".to_vec(),
        };
        let (name, bounds) = match options.reverse {
            false => ("ZRANGEBYLEX", [first, end]),
            true => ("ZREVRANGEBYLEX", [end, first]),
        };
        let limit = i64::try_from(options.limit).unwrap_or(-1);
        let found = match options.keys_only {
            true => {
                let mut command = redis::cmd(name);
                command
                    .arg(self.keys(space))
                    .arg(&bounds)
                    .arg("LIMIT")
                    .arg(0)
                    .arg(limit);
                self.query::<Vec<Bytes>>(&self.bulk, &command)
                    .await
                    .map(|keys| keys_of(space, keys))
            }
            false => {
                let mut script = self.range.key(self.keys(space));
                script
                    .key(self.values(space))
                    .arg(name)
                    .arg(&bounds)
                    .arg(limit);
                self.requests.increment(1);
                let entries = match self.bulk.invoke::<Vec<Bytes>>(&script).await {
                    Err(error) if error.is_connection_dropped() => self.bulk.invoke(&script).await,
                    answer => answer,
                };
                entries.map(|entries| entries_of(space, entries))
            }
        };
        self.probe.observe(
            found
                .map_err(|error| self.failures.running(error))
                .and_then(|entries| entries),
        )
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        let space = batch.check()?;
        if batch.is_empty() && batch.expects.is_empty() && batch.fence.is_none() {
            return Ok(());
        }
        let since = Instant::now();
        let outcome = self.probe.observe(self.apply(space, &batch).await);
        let label = match &outcome {
            Ok(()) => "ok",
            Err(error) if error.kind() == Kind::Conflict => "conflict",
            Err(error) if error.kind() == Kind::Fenced => "fenced",
            Err(_) => "failed",
        };
        metrics::counter!("flowmill_store_commits_total", "outcome" => label).increment(1);
        metrics::counter!("flowmill_store_commit_bytes_total").increment(batch.weight() as u64);
        metrics::histogram!("flowmill_store_commit_seconds").record(since.elapsed());
        outcome
    }
}

impl Marks {
    fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let process = RandomState::new().hash_one(std::process::id());
        Self {
            process: format!("{process:x}"),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> String {
        format!(
            "{}-{:x}",
            self.process,
            self.next.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// A key without its space, as it is stored.
fn rest<'a>(space: &str, key: &'a str) -> &'a str {
    key.get(space.len() + 1..).unwrap_or_default()
}

fn keys_of(space: &str, keys: Vec<Bytes>) -> Result<Vec<Entry>> {
    keys.into_iter()
        .map(|key| entry(space, &key, Bytes::new()))
        .collect()
}

fn entries_of(space: &str, entries: Vec<Bytes>) -> Result<Vec<Entry>> {
    let mut entries = entries.into_iter();
    let mut found = Vec::with_capacity(entries.len() / 2);
    while let (Some(key), Some(value)) = (entries.next(), entries.next()) {
        found.push(entry(space, &key, value)?);
    }
    Ok(found)
}

fn entry(space: &str, rest: &[u8], value: Bytes) -> Result<Entry> {
    let rest = std::str::from_utf8(rest).map_err(|error| {
        Error::with_source(
            Kind::Internal,
            format!("a key in `{space}` is not text"),
            error,
        )
    })?;
    Ok(Entry {
        key: format!("{space}/{rest}"),
        value,
    })
}
