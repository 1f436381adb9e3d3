//! What holds for a store as a whole and never changes: its identity, and over how many partitions executions are spread.
//!
//! | key | value |
//! | --- | --- |
//! | `global/meta/installation` | identity and number of partitions |

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::executions::{decode, encode};
use crate::error::{Error, Kind, Result};
use crate::store::{Batch, Store};

const KEY: &str = "global/meta/installation";

/// What a store was made as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Tells this installation from others; the same over restarts.
    pub id: String,
    /// Over how many partitions executions are spread.
    pub partitions: u16,
}

impl Installation {
    /// Reads what the store was made as; a fresh store becomes `fresh`. `Invalid` when it was made for another number of
    /// partitions than `fresh` says: executions would be looked for where they are not.
    pub async fn open(store: &Arc<dyn Store>, fresh: Self) -> Result<Self> {
        loop {
            if let Some(bytes) = store.get(KEY).await? {
                let present: Self = decode(KEY, &bytes)?;
                if present.partitions != fresh.partitions {
                    let (made, wanted) = (present.partitions, fresh.partitions);
                    let message = format!(
                        "the store was made for {made} partitions, which cannot be changed to {wanted}"
                    );
                    return Err(Error::new(Kind::Invalid, message));
                }
                return Ok(present);
            }
            let batch = Batch {
                expects: vec![(KEY.to_owned(), None)],
                puts: vec![(KEY.to_owned(), encode(&fresh)?)],
                ..Batch::default()
            };
            match store.commit(batch).await {
                Ok(()) => return Ok(fresh),
                // another process was first: read what it wrote
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }
}
