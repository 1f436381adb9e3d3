//! Ids of executions and task runs: 22 letters and digits, the base-62 form of 128 bits, as Kestra writes them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// Names one execution.
    ExecutionId
);
id!(
    /// Names one task run: one instance of a task in one execution.
    TaskRunId
);

impl ExecutionId {
    /// An id from 128 random bits.
    pub fn from_random(bits: u128) -> Self {
        Self(base62(bits).into())
    }

    /// The id that these parts always give: a trigger's instant, a subflow's parent run.
    pub fn derived(parts: &[&str]) -> Self {
        Self(base62(digest(parts)).into())
    }
}

impl TaskRunId {
    /// The id of the run of `task` under `parent` for `value` and `iteration`: replaying the events of an execution gives the
    /// same ids again. `generation` counts how often the same task was started anew (loops, restarts).
    pub fn derive(
        execution: &ExecutionId,
        parent: Option<&TaskRunId>,
        task: &str,
        iteration: Option<u64>,
        generation: u32,
    ) -> Self {
        let mut number = [0_u8; 12];
        number[..8].copy_from_slice(
            &iteration
                .map_or(u64::MAX, |iteration| iteration)
                .to_le_bytes(),
        );
        number[8..].copy_from_slice(&generation.to_le_bytes());
        let mut hasher = Sha256::new();
        hasher.update(execution.as_str());
        hasher.update([0]);
        hasher.update(parent.map_or("", TaskRunId::as_str));
        hasher.update([0]);
        hasher.update(task);
        hasher.update([0]);
        hasher.update(number);
        Self(base62(first_128_bits(&hasher.finalize())).into())
    }
}

fn digest(parts: &[&str]) -> u128 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    first_128_bits(&hasher.finalize())
}

fn first_128_bits(hash: &[u8]) -> u128 {
    let mut bits = [0_u8; 16];
    bits.copy_from_slice(&hash[..16]);
    u128::from_be_bytes(bits)
}

/// 22 characters of `0-9A-Za-z`, padded in front with zeros.
fn base62(mut bits: u128) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 22];
    for place in text.iter_mut().rev() {
        *place = DIGITS[(bits % 62) as usize];
        bits /= 62;
    }
    String::from_utf8(text.to_vec()).expect("base-62 digits are ASCII")
}

/// The partition, of `partitions`, that owns this key (an execution id, a flow's full id, …).
pub fn partition_of(key: &str, partitions: u16) -> u16 {
    // FNV-1a: stable over versions and platforms, which the standard hasher does not promise
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash % u64::from(partitions.max(1))) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_22_characters() {
        assert_eq!(ExecutionId::from_random(0).as_str().len(), 22);
        assert_eq!(ExecutionId::from_random(u128::MAX).as_str().len(), 22);
    }

    #[test]
    fn the_same_parts_give_the_same_task_run_id_and_others_another() {
        let execution = ExecutionId::from("x");
        let first = TaskRunId::derive(&execution, None, "a", None, 0);
        assert_eq!(first, TaskRunId::derive(&execution, None, "a", None, 0));
        assert_ne!(first, TaskRunId::derive(&execution, None, "a", Some(0), 0));
        assert_ne!(first, TaskRunId::derive(&execution, None, "a", None, 1));
    }

    #[test]
    fn keys_spread_over_the_partitions() {
        let mut hit = [0; 16];
        for number in 0..1600 {
            hit[usize::from(partition_of(ExecutionId::from_random(number).as_str(), 16))] += 1;
        }
        assert!(hit.iter().all(|count| (50..200).contains(count)), "{hit:?}");
    }
}
