//! The seeds of the fuzz targets, and all that fuzzing ever found, as an ordinary test.

use std::path::PathBuf;

use crate::hostile::STACK;
use crate::random::exercise;

/// The folder of the fuzz targets' seeds.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}

/// All seeds, as texts.
pub(crate) fn texts() -> Vec<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the seeds are part of the crate")
        .flat_map(|target| std::fs::read_dir(target.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let text = |file: &PathBuf| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
    files.iter().map(text).collect()
}

#[test]
fn no_seed_of_the_fuzz_targets_panics() {
    let run = || {
        let texts = texts();
        assert!(texts.len() > 100, "only {} seeds", texts.len());
        texts.iter().for_each(|text| exercise(text));
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(run).unwrap().join().unwrap();
}
