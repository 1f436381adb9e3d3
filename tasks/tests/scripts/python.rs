//! Python: its prelude, its program, its packages.

use flowmill_common::log::Level;
use serde_json::json;

use crate::world::{World, failed};

#[tokio::test]
async fn json_can_be_pasted_into_a_script() {
    let world = World::with_variables(
        json!({"outputs": {"api": {"body": "[{\"a\": true, \"b\": null}]"}}}),
    );
    let script = "import json\ndata = {{ outputs.api.body }}\nprint('::' + json.dumps({'outputs': data[0]}) + '::')";
    let output = world
        .run("python.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert_eq!(output.values["vars"], json!({"a": true, "b": null}));
}

#[tokio::test]
async fn a_traceback_counts_the_three_lines_in_front() {
    let world = World::new();
    let (message, _) = failed(
        world
            .run(
                "python.Script",
                json!({"script": "x = 1\nraise ValueError('no')"}),
            )
            .await,
    );
    assert_eq!(message, "Command failed with exit code 1");
    let errors = world.logged(Level::Error);
    assert!(
        errors.iter().any(|line| line.contains("line 5")),
        "{errors:?}"
    );
    assert_eq!(errors.last().unwrap(), "ValueError: no");
}

#[tokio::test]
async fn input_files_can_be_imported_and_the_folder_is_the_current_one() {
    let world = World::new();
    let properties = json!({
        "script": "import os, helper\nprint(helper.VALUE, os.getcwd() == '{{ workingDir }}', os.environ['PYTHONUNBUFFERED'])",
        "inputFiles": {"helper.py": "VALUE = 7"},
    });
    world.run("python.Script", properties).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["7 True true"]);
}

#[tokio::test]
async fn a_virtual_environment_that_was_activated_before_is_used() {
    let world = World::new();
    let properties = json!({
        "beforeCommands": ["python3 -m venv --without-pip venv", ". venv/bin/activate"],
        "script": "import sys\nprint(sys.prefix)",
    });
    world.run("python.Script", properties).await.unwrap();
    assert_eq!(
        world.logged(Level::Info),
        [world.path("venv").to_str().unwrap()]
    );
}

#[tokio::test]
async fn dependencies_are_installed_once_and_then_kept() {
    let cache = tempfile::tempdir().unwrap();
    let package = tempfile::tempdir().unwrap();
    std::fs::write(package.path().join("pyproject.toml"), PROJECT).unwrap();
    std::fs::write(package.path().join("backend.py"), BACKEND).unwrap();

    let mut world = World::new();
    world.config.scripts.cache_directory = Some(cache.path().to_owned());
    let properties = json!({
        "dependencies": [package.path().to_str().unwrap()],
        "packageManager": "PIP",
        "env": {"PIP_NO_INDEX": "1"},
        "script": "import flowmill_probe\nprint(flowmill_probe.VALUE)",
    });
    world
        .run("python.Script", properties.clone())
        .await
        .unwrap();
    // What is kept needs neither the package nor a network.
    drop(package);
    world.run("python.Script", properties).await.unwrap();
    assert_eq!(world.logged(Level::Info), ["1", "1"]);
    let metrics: Vec<_> = world
        .metrics()
        .into_iter()
        .map(|metric| metric.name)
        .collect();
    assert_eq!(
        metrics,
        ["deps.cache.upload.duration", "deps.cache.download.duration"]
    );
}

/// A package that needs no network to be built.
pub(crate) const PROJECT: &str = "[project]\nname = \"flowmill-probe\"\nversion = \"1.0\"\n[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";

/// The smallest build backend: a wheel with one module.
pub(crate) const BACKEND: &str = "
import zipfile, os
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = 'flowmill_probe-1.0-py3-none-any.whl'
    info = 'flowmill_probe-1.0.dist-info/'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.writestr('flowmill_probe.py', 'VALUE = 1')
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: flowmill-probe\\nVersion: 1.0\\n')
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        wheel.writestr(info + 'RECORD', '')
    return name
";

#[tokio::test]
async fn dependencies_that_cannot_be_installed_fail_the_task_before_the_script() {
    let cache = tempfile::tempdir().unwrap();
    let mut world = World::new();
    world.config.scripts.cache_directory = Some(cache.path().to_owned());
    let properties = json!({
        "dependencies": ["flowmill-no-such-package"],
        "packageManager": "PIP",
        "env": {"PIP_NO_INDEX": "1"},
        "script": "print('ran')",
    });
    let (message, outputs) = failed(world.run("python.Script", properties).await);
    assert!(
        message.contains("cannot be installed") && message.contains("flowmill-no-such-package"),
        "{message}"
    );
    assert!(outputs.is_empty() && world.logged(Level::Info).is_empty());
    let kept = std::fs::read_dir(cache.path().join("python"))
        .unwrap()
        .count();
    assert_eq!(kept, 0, "a half-made folder is left");
}
