//! `io.kestra.core.tasks.scripts.*`

use flowmill_common::log::Level;
use serde_json::json;

use crate::world::{World, failed};

#[tokio::test]
async fn output_files_are_names_whose_paths_the_commands_know() {
    let world = World::new();
    let properties = json!({
        "commands": ["echo 1 > {{ outputFiles.report }}", "echo 2 > {{ outputDirs.out }}/b.txt", "echo line; echo other >&2", "false", "echo not reached"],
        "outputsFiles": ["report", "never.csv"],
        "outputDirs": ["out"],
    });
    let (message, outputs) = failed(
        world
            .run_type("io.kestra.core.tasks.scripts.Bash", properties)
            .await,
    );
    assert_eq!(message, "Command failed with exit code 1");
    assert_eq!(
        (&outputs["stdOutLineCount"], &outputs["stdErrLineCount"]),
        (&json!(1), &json!(1))
    );
    let files = outputs["outputFiles"].as_object().unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["report", "out/b.txt"]);
    assert_eq!(
        (
            world.stored(&files["report"]),
            world.stored(&files["out/b.txt"])
        ),
        ("1\n".into(), "2\n".into())
    );
    assert_eq!(outputs["files"], outputs["outputFiles"]);
}

#[tokio::test]
async fn python_and_node_run_their_main_file_with_the_helper_beside_it() {
    let world = World::new();
    let python = "import sys\nfrom kestra import Kestra\nKestra.outputs({'a': sys.argv[1]})\nKestra.counter('n', 2)\n";
    let properties = json!({"inputFiles": {"main.py": python}, "args": ["x"]});
    let output = world
        .run_type("io.kestra.core.tasks.scripts.Python", properties)
        .await
        .unwrap();
    assert_eq!(
        (&output.values["vars"]["a"], world.metrics()[0].value),
        (&json!("x"), 2.0)
    );
    let node =
        "const Kestra = require('./kestra');\nKestra.outputs({b: 1});\nKestra.timer('t', 1.5);";
    let output = world
        .run_type(
            "io.kestra.core.tasks.scripts.Node",
            json!({"inputFiles": {"main.js": node}}),
        )
        .await
        .unwrap();
    assert_eq!(
        (&output.values["vars"]["b"], world.metrics()[1].value),
        (&json!(1), 1500.0)
    );
    assert_eq!(world.logged(Level::Error), [""; 0]);
}

#[tokio::test]
async fn a_main_file_must_be_there() {
    let world = World::new();
    let (message, _) = failed(
        world
            .run_type(
                "io.kestra.core.tasks.scripts.Python",
                json!({"inputFiles": {"a.py": ""}}),
            )
            .await,
    );
    assert!(message.contains("`main.py`"), "{message}");
}
