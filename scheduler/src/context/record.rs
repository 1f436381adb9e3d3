//! Which outputs a template reads, found by rendering it: `outputs.t[taskrun.value]` is one entry of a thousand, and only a rendering
//! knows which. Nothing of the rendered text is used.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use flowmill_expression::{Answer, Engine, Error, Host, Need, Object, Value};

use super::root::Root;

/// The paths below `outputs` that these texts read; none where a rendering fails, and nothing is known.
pub(super) fn outputs_read(
    engine: &Engine,
    root: &Root<'_>,
    texts: &[&str],
) -> Option<BTreeSet<Vec<String>>> {
    let seen = Seen::default();
    let recording = RecordingRoot {
        root,
        seen: seen.clone(),
    };
    for text in texts {
        engine.render(text, &recording, &NoFacts).ok()?;
    }
    let paths = seen
        .lock()
        .expect("nothing panics while it holds this lock");
    Some(paths.clone())
}

type Seen = Arc<Mutex<BTreeSet<Vec<String>>>>;

/// The root whose `outputs` notes what is read of it. Names that only the worker knows are anything.
#[derive(Debug)]
struct RecordingRoot<'r> {
    root: &'r Root<'r>,
    seen: Seen,
}

impl Object for RecordingRoot<'_> {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        match self.root.get(key)? {
            Some(Value::Object(inner)) if key == "outputs" => {
                let path = vec![key.to_owned()];
                Ok(Some(Value::Object(Arc::new(Recorder {
                    inner,
                    path,
                    seen: self.seen.clone(),
                }))))
            }
            None => Ok(Some(Value::Object(Arc::new(Anything)))),
            found => Ok(found),
        }
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.seen
            .lock()
            .expect("nothing panics while it holds this lock")
            .insert(vec!["outputs".to_owned()]);
        self.root.keys()
    }
}

/// A part of `outputs` that is still a lazy map.
#[derive(Debug)]
struct Recorder {
    inner: Arc<dyn Object>,
    path: Vec<String>,
    seen: Seen,
}

impl Recorder {
    fn note(&self, path: Vec<String>) {
        self.seen
            .lock()
            .expect("nothing panics while it holds this lock")
            .insert(path);
    }
}

impl Object for Recorder {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        match self.inner.get(key)? {
            Some(Value::Object(inner)) => {
                // outputs that lie in a file are fetched by whoever looks into them: the worker
                if inner.get("").is_err() {
                    self.note(path);
                    return Ok(Some(Value::Object(Arc::new(Anything))));
                }
                Ok(Some(Value::Object(Arc::new(Recorder {
                    inner,
                    path,
                    seen: self.seen.clone(),
                }))))
            }
            found => {
                self.note(path);
                Ok(found)
            }
        }
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.note(self.path.clone());
        self.inner.keys()
    }

    fn contains(&self, key: &str) -> Result<bool, Error> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.note(path);
        self.inner.contains(key)
    }
}

/// Has every member, each like itself.
#[derive(Debug)]
struct Anything;

impl Object for Anything {
    fn get(&self, _key: &str) -> Result<Option<Value>, Error> {
        Ok(Some(Value::Object(Arc::new(Anything))))
    }

    fn keys(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// Knows no facts: a rendering that asks for one may go another way on the worker, so nothing is known of it here.
struct NoFacts;

impl Host for NoFacts {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn random(&self) -> u64 {
        0
    }

    fn ask(&self, _need: &Need) -> Answer {
        Answer::Pending
    }
}
