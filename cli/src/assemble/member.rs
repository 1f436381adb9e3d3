//! A process among the others of a cluster.

use flowmill_backends::repo::members::{Member, Role};

/// The member that an executor shows itself as.
pub(super) fn executor() -> Member {
    Member {
        id: unique_id(&host_name()),
        role: Role::Executor,
        beat: 0,
        host: host_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        groups: Vec::new(),
        slots: 0,
    }
}

/// The id of a worker: its name, or the host's, and what tells this start from every other.
pub(super) fn worker_id(name: Option<&str>) -> String {
    match name {
        Some(name) => unique_id(name),
        None => unique_id(&host_name()),
    }
}

fn unique_id(name: &str) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("{name}-{}", &random[..12])
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "host".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_has_an_id_of_its_own_that_tells_its_name() {
        let (first, second) = (worker_id(Some("big")), worker_id(Some("big")));
        assert!(first.starts_with("big-") && first != second);
        assert_ne!(executor().id, executor().id);
    }
}
