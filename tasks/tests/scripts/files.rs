//! Input files, output files, files inside commands.

use flowmill_common::log::Level;
use serde_json::{Value, json};

use crate::world::{World, failed};

#[tokio::test]
async fn input_files_are_text_or_copies_of_stored_files() {
    let world = World::with_variables(json!({"inputs": {"name": "config"}}));
    world.store("kestra:///a/data.bin", "stored");
    world.store("nsfile:///lib/x.txt", "of the namespace");
    let files = json!({
        "a/b/text.txt": "hello\n",
        "{{ inputs.name }}.json": {"a": 1},
        "data.bin": "kestra:///a/data.bin",
        "x.txt": "nsfile:///lib/x.txt",
        "gone.txt": null,
    });
    let commands = [
        "cat a/b/text.txt config.json data.bin x.txt",
        "test ! -e gone.txt",
    ];
    world
        .run(
            "shell.Commands",
            json!({"commands": commands, "inputFiles": files}),
        )
        .await
        .unwrap();
    assert_eq!(
        world.logged(Level::Info),
        ["hello", "{\"a\":1}storedof the namespace"]
    );
}

#[tokio::test]
async fn input_files_may_be_an_expression_or_a_stored_map() {
    let world = World::with_variables(
        json!({"outputs": {"t": {"outputFiles": {"in.csv": "kestra:///in.csv"}}}}),
    );
    world.store("kestra:///in.csv", "1,2");
    world.store("kestra:///map.json", r#"{"in.csv": "3,4"}"#);
    for (files, content) in [
        ("{{ outputs.t.outputFiles }}", "1,2"),
        ("kestra:///map.json", "3,4"),
    ] {
        world
            .run(
                "shell.Commands",
                json!({"commands": ["cat in.csv"], "inputFiles": files}),
            )
            .await
            .unwrap();
        assert_eq!(world.logged(Level::Info).last().unwrap(), content);
    }
}

#[tokio::test]
async fn an_input_file_outside_of_the_folder_is_refused() {
    for name in ["../x", "/tmp/x", "a/../../x"] {
        let world = World::new();
        let (message, _) = failed(
            world
                .run(
                    "shell.Commands",
                    json!({"commands": ["true"], "inputFiles": {name: "x"}}),
                )
                .await,
        );
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn a_file_of_the_worker_is_read_only_where_the_operator_allows_it() {
    let opened = tempfile::tempdir().unwrap();
    std::fs::write(opened.path().join("a.txt"), "opened").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", opened.path().join("way")).unwrap();
    let mut world = World::new();
    let run = async |world: &World, name: &str| {
        let files = json!({"a.txt": format!("file://{}", opened.path().join(name).display())});
        world
            .run(
                "shell.Commands",
                json!({"commands": ["cat a.txt"], "inputFiles": files}),
            )
            .await
    };
    assert!(
        failed(run(&world, "a.txt").await)
            .0
            .contains("allowedPaths")
    );
    world.config.scripts.allowed_paths = vec![opened.path().to_owned()];
    run(&world, "a.txt").await.unwrap();
    assert_eq!(world.logged(Level::Info), ["opened"]);
    assert!(failed(run(&world, "way").await).0.contains("allowedPaths"));
}

#[tokio::test]
async fn output_files_are_moved_to_the_storage_by_their_paths() {
    let world = World::new();
    let commands = [
        "mkdir data",
        "echo 1 > a.csv",
        "echo 2 > data/b.csv",
        "echo 3 > c.txt",
    ];
    let output = world
        .run(
            "shell.Commands",
            json!({"commands": commands, "outputFiles": ["**.csv", "none.*"]}),
        )
        .await
        .unwrap();
    let files = output.values["outputFiles"].as_object().unwrap();
    assert_eq!(files.keys().collect::<Vec<_>>(), ["a.csv", "data/b.csv"]);
    assert_eq!(world.stored(&files["data/b.csv"]), "2\n");
    assert!(files["a.csv"].as_str().unwrap().ends_with("-a.csv"));
    // The next task of a `WorkingDirectory` sees only what was not declared.
    assert!(!world.path("a.csv").exists() && world.path("c.txt").exists());
}

#[tokio::test]
async fn an_output_file_is_known_inside_the_commands() {
    let world = World::new();
    let properties =
        json!({"commands": ["echo x > {{ outputFiles['out.csv'] }}"], "outputFiles": ["out.csv"]});
    let output = world.run("shell.Commands", properties).await.unwrap();
    assert_eq!(
        world.stored(&output.values["outputFiles"]["out.csv"]),
        "x\n"
    );
}

#[tokio::test]
async fn an_output_file_outside_of_the_folder_is_refused_by_name_and_by_link() {
    for (command, pattern) in [
        ("true", "../*.txt"),
        ("true", "/etc/passwd"),
        ("ln -s /etc/passwd out.txt", "out.txt"),
        ("ln -s /etc/passwd out.txt", "*.txt"),
        ("ln -s /etc way", "way/passwd"),
        ("ln -s /etc way", "way/*"),
    ] {
        let world = World::new();
        let properties = json!({"commands": [command], "outputFiles": [pattern]});
        let (message, _) = failed(world.run("shell.Commands", properties).await);
        assert!(
            message.contains("out of the working directory") || message.contains("outside of"),
            "{pattern}: {message}"
        );
    }
}

#[tokio::test]
async fn a_stored_file_inside_a_command_is_a_local_path() {
    let world = World::with_variables(json!({"outputs": {"d": {"uri": "kestra:///a/data.csv"}}}));
    world.store("kestra:///a/data.csv", "content");
    let script = "cat {{ outputs.d.uri }}; echo; basename kestra:///a/data.csv | sed 's/.*\\.//'";
    world
        .run("shell.Script", json!({ "script": script }))
        .await
        .unwrap();
    assert_eq!(world.logged(Level::Info), ["content", "csv"]);
}

#[tokio::test]
async fn a_missing_stored_file_fails_the_task_before_it_runs() {
    let world = World::new();
    let (message, outputs) = failed(
        world
            .commands(&["touch ran", "cat kestra:///no/such"])
            .await,
    );
    assert!(message.contains("kestra:///no/such"), "{message}");
    assert!(outputs.is_empty() && !world.path("ran").exists());
}

#[tokio::test]
async fn the_older_runner_property_gives_an_output_folder() {
    let world = World::new();
    let commands = [
        "echo 1 > {{ outputDir }}/a.txt",
        "mkdir $OUTPUT_DIR/sub",
        "echo 2 > $OUTPUT_DIR/sub/b.txt",
    ];
    let output = world
        .run(
            "shell.Commands",
            json!({"commands": commands, "runner": "PROCESS"}),
        )
        .await
        .unwrap();
    let files = &output.values["outputFiles"];
    assert_eq!(
        (
            world.stored(&files["a.txt"]),
            world.stored(&files["sub/b.txt"])
        ),
        ("1\n".into(), "2\n".into())
    );
}

#[tokio::test]
async fn namespace_files_are_chosen_by_patterns_and_later_namespaces_win() {
    let world = World::new();
    for (uri, content) in [
        ("nsfile://company.team/lib/a.py", "1"),
        ("nsfile://company.team/b.txt", "1"),
        ("nsfile://other/b.txt", "2"),
        ("nsfile://other/secret.txt", "2"),
    ] {
        world.store(uri, content);
    }
    let files = json!({"namespaces": ["company.team", "other"], "include": ["**.py", "b.txt", "secret.txt"], "exclude": ["secret*"]});
    let properties =
        json!({"commands": ["find . -type f | sort", "cat b.txt"], "namespaceFiles": files});
    world.run("shell.Commands", properties).await.unwrap();
    let logged = world.logged(Level::Info);
    assert_eq!(logged[1..], ["./b.txt", "./lib/a.py", "2"]);
    assert!(
        logged[0].starts_with("Loaded 3 namespace files"),
        "{logged:?}"
    );
    assert_eq!(world.metrics()[0].name, "namespacefiles.count");
    let properties = json!({"commands": ["true"], "namespaceFiles": {"ifExists": "FAIL"}});
    assert!(
        failed(world.run("shell.Commands", properties).await)
            .0
            .contains("already")
    );
}

#[tokio::test]
async fn more_output_files_than_allowed_fail_the_task() {
    let mut world = World::new();
    world.config.scripts.maximum_output_files = 3;
    let properties = json!({"commands": ["touch 1 2 3 4"], "outputFiles": ["*"]});
    let (message, outputs) = failed(world.run("shell.Commands", properties).await);
    assert!(message.contains("maximumOutputFiles"), "{message}");
    assert_eq!(
        outputs["outputFiles"],
        Value::Object(serde_json::Map::new())
    );
}
