//! For tests of what uses the backends: a store in memory, and one that fails on demand.

mod faulty;
mod memory;

pub use self::faulty::{Fault, FaultyStore};
pub use self::memory::MemoryStore;
