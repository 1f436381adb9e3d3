//! Who is alive, judged by the observer's own clock: a member is alive while its beat goes on changing. Clocks of different machines
//! are never compared.

use std::collections::HashMap;
use std::time::Duration;

/// What an observer has seen of the others.
#[derive(Clone, Debug, Default)]
pub struct Liveness {
    seen: HashMap<String, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    beat: u64,
    changed: Duration,
}

impl Liveness {
    /// Notes the members that are listed now, each with its beat. `now` is the time since any fixed point of the observer's clock.
    /// Those that are no longer listed are forgotten.
    pub fn observe<'m>(
        &mut self,
        members: impl IntoIterator<Item = (&'m str, u64)>,
        now: Duration,
    ) {
        let mut seen = HashMap::new();
        for (id, beat) in members {
            let before = self
                .seen
                .get(id)
                .copied()
                .filter(|before| before.beat == beat);
            seen.insert(id.to_owned(), before.unwrap_or(Seen { beat, changed: now }));
        }
        self.seen = seen;
    }

    /// The members whose beat has changed within `lease`, in the order of their ids.
    pub fn alive(&self, lease: Duration, now: Duration) -> Vec<String> {
        self.select(|seen| now.saturating_sub(seen.changed) < lease)
    }

    /// The members whose beat has stood still for `lease` or longer, in the order of their ids.
    pub fn dead(&self, lease: Duration, now: Duration) -> Vec<String> {
        self.select(|seen| now.saturating_sub(seen.changed) >= lease)
    }

    /// Whether this member was listed at all.
    pub fn knows(&self, id: &str) -> bool {
        self.seen.contains_key(id)
    }

    fn select(&self, keep: impl Fn(&Seen) -> bool) -> Vec<String> {
        let mut ids: Vec<String> = self
            .seen
            .iter()
            .filter(|(_, seen)| keep(seen))
            .map(|(id, _)| id.clone())
            .collect();
        ids.sort();
        ids
    }
}

/// The members' shares of the partitions: each partition goes to the member with the highest hash for it, so that a member who
/// comes or goes moves no partition between the others.
pub fn share(member: &str, members: &[String], partitions: u16) -> Vec<u16> {
    let winner = |partition: u16| {
        members
            .iter()
            .max_by_key(|id| (weight(id, partition), id.as_str()))
    };
    (0..partitions)
        .filter(|partition| winner(*partition).is_some_and(|id| id == member))
        .collect()
}

/// FNV-1a over the id and the partition, mixed so that neighbouring partitions differ.
fn weight(id: &str, partition: u16) -> u64 {
    let bytes = id.bytes().chain(partition.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    #[test]
    fn a_member_is_alive_while_its_beat_changes() {
        let mut liveness = Liveness::default();
        liveness.observe([("a", 1), ("b", 1)], Duration::ZERO);
        liveness.observe([("a", 2), ("b", 1)], Duration::from_secs(9));
        assert_eq!(liveness.alive(LEASE, Duration::from_secs(11)), ["a"]);
        assert_eq!(liveness.dead(LEASE, Duration::from_secs(11)), ["b"]);
    }

    #[test]
    fn a_member_that_left_is_forgotten() {
        let mut liveness = Liveness::default();
        liveness.observe([("a", 1)], Duration::ZERO);
        liveness.observe([], Duration::from_secs(1));
        assert!(!liveness.knows("a"));
    }

    #[test]
    fn shares_are_disjoint_and_cover_all_partitions() {
        let members: Vec<String> = ["x", "y", "z"].map(str::to_owned).into();
        let mut all: Vec<u16> = members
            .iter()
            .flat_map(|id| share(id, &members, 64))
            .collect();
        all.sort_unstable();
        assert_eq!(all, (0..64).collect::<Vec<u16>>());
        assert!(members.iter().all(|id| share(id, &members, 64).len() >= 10));
    }

    #[test]
    fn a_member_that_leaves_moves_only_its_own_partitions() {
        let members: Vec<String> = ["x", "y", "z"].map(str::to_owned).into();
        let left = &members[..2];
        for id in left {
            let (before, after) = (share(id, &members, 64), share(id, left, 64));
            assert!(before.iter().all(|partition| after.contains(partition)));
        }
    }
}
