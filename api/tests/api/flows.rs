use serde_json::{Value, json};

use crate::harness::{Server, hello};

const YAML: &str = "application/x-yaml";

#[tokio::test]
async fn a_flow_is_created_read_changed_and_deleted() {
    let server = Server::start().await;
    let created = server.flow(&hello("a")).await;
    assert_eq!(
        (&created["revision"], &created["source"]),
        (&json!(1), &json!(hello("a")))
    );
    assert_eq!(created["labels"], json!([{"key": "team", "value": "data"}]));
    assert_eq!(
        (&created["disabled"], &created["deleted"]),
        (&json!(false), &json!(false))
    );

    let path = "/api/v1/main/flows/company.team/a";
    assert_eq!(server.get(path).await.expect(200).get("source"), None);
    let same = server.call("PUT", path, YAML, hello("a")).await.expect(200);
    assert_eq!(
        (&same["revision"], &same["updated"]),
        (&json!(1), &created["updated"])
    );
    let changed = format!("# why\n{}", hello("a"));
    let second = server
        .call("PUT", path, YAML, changed.clone())
        .await
        .expect(200);
    assert_eq!(second["revision"], 2);
    assert_eq!(
        server.get(&format!("{path}?source=true")).await.expect(200)["source"],
        json!(changed)
    );
    assert_eq!(
        server
            .get(&format!("{path}?source=true&revision=1"))
            .await
            .expect(200)["source"],
        json!(hello("a"))
    );
    server.get(&format!("{path}?revision=9")).await.expect(404);

    let deleted = server.delete(path).await;
    assert_eq!((deleted.status.as_u16(), deleted.body.len()), (204, 0));
    assert!(!deleted.headers.contains_key("content-type"));
    server.delete(path).await.expect(404);
    server.get(path).await.expect(404);
    assert_eq!(
        server
            .get(&format!("{path}?allowDeleted=true"))
            .await
            .expect(200)["deleted"],
        true
    );
    let revisions = server.get(&format!("{path}/revisions")).await.expect(200);
    let deleted: Vec<_> = revisions
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["deleted"].clone())
        .collect();
    assert_eq!(deleted, [json!(false), json!(false), json!(true)]);
    assert_eq!(server.flow(&hello("a")).await["revision"], 4);
}

#[tokio::test]
async fn what_is_wrong_with_a_flow_is_said_in_kestras_words_with_its_place() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let refused = async |source: &str| {
        server
            .call("POST", "/api/v1/flows", YAML, source.to_owned())
            .await
            .expect(422)
    };

    let exists = refused(&hello("a")).await;
    assert_eq!(
        exists["message"],
        "Invalid entity: flow.id: Flow id already exists"
    );
    let no_tasks = refused("id: empty\nnamespace: company.team\n").await;
    assert!(
        no_tasks["message"]
            .as_str()
            .unwrap()
            .contains("tasks: must not be empty"),
        "{no_tasks}"
    );
    let unknown = refused(&hello("b").replace("debug.Return", "debug.Retrun")).await;
    assert!(
        unknown["message"]
            .as_str()
            .unwrap()
            .contains("Invalid type: io.kestra.plugin.core.debug.Retrun")
    );
    let diagnostic = &unknown["diagnostics"][0];
    assert_eq!(
        (&diagnostic["line"], &diagnostic["column"]),
        (&json!(7), &json!(11))
    );
    assert!(
        diagnostic["hint"]
            .as_str()
            .unwrap()
            .contains("debug.Return"),
        "{diagnostic}"
    );
    let broken = refused("id: x\n namespace: [").await;
    assert!(
        broken["message"]
            .as_str()
            .unwrap()
            .starts_with("Invalid entity: Illegal flow yaml"),
        "{broken}"
    );
    let message = broken["message"].as_str().unwrap();
    assert!(
        message.contains("in line 2, column 11:")
            && message.contains("2 |  namespace: [\n  |           ^"),
        "{message}"
    );
    assert_eq!(broken["_embedded"]["errors"][0]["path"], "yaml");
    assert_eq!(broken["status"], 422);
    assert_eq!(
        refused("").await["message"],
        "Invalid route params: Required Body [flow] not specified"
    );
    assert_eq!(refused("").await["_links"]["self"]["href"], "/api/v1/flows");

    let path = "/api/v1/flows/company.team/a";
    let other = hello("z").replace("company.team", "other");
    let moved = server.call("PUT", path, YAML, other).await.expect(422);
    let message = moved["message"].as_str().unwrap();
    assert!(
        message.contains("flow.id: Illegal flow id update") && message.contains("flow.namespace: "),
        "{message}"
    );
    server
        .call(
            "PUT",
            "/api/v1/flows/company.team/none",
            YAML,
            hello("none"),
        )
        .await
        .expect(404);
}

#[tokio::test]
async fn validation_answers_for_each_document() {
    let server = Server::start().await;
    let source = format!(
        "{}---\n{}---\nid: old\nnamespace: a.b\nrevision: 7\ntasks:\n  - id: e\n    type: io.kestra.core.tasks.debugs.Return\n    format: x\n",
        hello("good"),
        "id: 1 bad\nnamespace: x\n"
    );
    let found = server
        .call("POST", "/api/v1/flows/validate", YAML, source)
        .await
        .expect(200);
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(
        (&found[0]["flow"], found[0].get("constraints")),
        (&json!("good"), None)
    );
    let constraints = found[1]["constraints"].as_str().unwrap();
    assert!(
        constraints.contains("id: must match") && constraints.contains("tasks: must not be empty"),
        "{constraints}"
    );
    assert_eq!(
        (&found[1]["flow"], &found[1]["index"]),
        (&json!("1 bad"), &json!(1))
    );
    assert_eq!(found[2]["outdated"], true);
    let replaced =
        "io.kestra.core.tasks.debugs.Return is replaced by io.kestra.plugin.core.debug.Return";
    assert_eq!(found[2]["infos"], json!([replaced]));
    let first_line_of_third = 1 + hello("good").lines().count() + 1 + 2 + 1;
    assert_eq!(found[2]["diagnostics"][0]["line"], first_line_of_third + 5);
}

#[tokio::test]
async fn one_task_is_validated_alone() {
    let server = Server::start().await;
    let task = "id: t\ntype: io.kestra.plugin.core.debug.Return\nformatt: x\n";
    let found = server
        .call("POST", "/api/v1/flows/validate/task", YAML, task)
        .await
        .expect(200);
    assert!(
        found["constraints"]
            .as_str()
            .unwrap()
            .contains("Unrecognized field \"formatt\""),
        "{found}"
    );
    let right = json!({"id": "t", "type": "io.kestra.plugin.core.debug.Return", "format": "x"});
    let found = server
        .json("POST", "/api/v1/flows/validate/task?section=TASKS", right)
        .await
        .expect(200);
    assert_eq!(found.get("constraints"), None, "{found}");
    server
        .call("POST", "/api/v1/flows/validate/task?section=X", YAML, task)
        .await
        .expect(422);
}

#[tokio::test]
async fn flows_are_searched_sorted_and_paged() {
    let server = Server::start().await;
    for id in ["b", "a", "c"] {
        server.flow(&hello(id)).await;
    }
    server
        .flow(
            &hello("d")
                .replace("company.team", "other")
                .replace("team: data", "team: ops"),
        )
        .await;
    let ids = async |query: &str| {
        let found = server
            .get(&format!("/api/v1/flows/search?{query}"))
            .await
            .expect(200);
        let ids: Vec<Value> = found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect();
        (ids, found["total"].as_u64().unwrap())
    };
    assert_eq!(
        ids("sort=id:desc&size=2").await,
        (vec![json!("d"), json!("c")], 4)
    );
    assert_eq!(
        ids("namespace=company&page=2&size=2").await,
        (vec![json!("c")], 3)
    );
    assert_eq!(ids("labels=team:ops").await, (vec![json!("d")], 1));
    assert_eq!(
        ids("filters[namespace][NOT_EQUALS]=other&filters[flowId][IN]=a,d").await,
        (vec![json!("a")], 1)
    );
    assert_eq!(ids("q=TEAM+b").await, (vec![json!("b")], 1));
    server.get("/api/v1/flows/search?size=0").await.expect(422);
    server
        .get("/api/v1/flows/search?filters[state][EQUALS]=x")
        .await
        .expect(400);
    assert_eq!(
        server
            .get("/api/v1/flows/distinct-namespaces?q=comp")
            .await
            .expect(200),
        json!(["company.team"])
    );
    assert_eq!(
        server
            .get("/api/v1/flows/company.team")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        server.get("/api/v1/flows/company").await.expect(200),
        json!([])
    );
    let hits = server
        .get("/api/v1/flows/source?q=format:&namespace=other")
        .await
        .expect(200);
    assert!(
        hits["results"][0]["fragments"][0]
            .as_str()
            .unwrap()
            .contains("[mark]format:[/mark] hi"),
        "{hits}"
    );
}

#[tokio::test]
async fn the_flows_of_a_namespace_are_replaced_as_a_whole_or_not_at_all() {
    let server = Server::start().await;
    for id in ["a", "b"] {
        server.flow(&hello(id)).await;
    }
    let path = "/api/v1/flows/company.team";
    let broken = format!("{}---\nid: x\nnamespace: company.team\n", hello("c"));
    server.call("POST", path, YAML, broken).await.expect(422);
    server
        .call(
            "POST",
            path,
            YAML,
            format!("{}---\n{}", hello("c"), hello("c")),
        )
        .await
        .expect(422);
    server
        .call(
            "POST",
            path,
            YAML,
            hello("c").replace("company.team", "other"),
        )
        .await
        .expect(422);
    assert_eq!(
        server.get(path).await.expect(200).as_array().unwrap().len(),
        2
    );

    let bodies = format!(
        "{}---\n{}",
        hello("a"),
        hello("c").replace("company.team", "other")
    );
    let saved = server
        .call("POST", &format!("{path}?override=true"), YAML, bodies)
        .await
        .expect(200);
    let mut shown: Vec<_> = saved
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].to_string(), one["deleted"] == true))
        .collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            ("\"a\"".into(), false),
            ("\"b\"".into(), true),
            ("\"c\"".into(), false)
        ]
    );
    server.get(&format!("{path}/b")).await.expect(404);
}

#[tokio::test]
async fn disabling_edits_the_text_and_stops_executions() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let names = json!([{"namespace": "company.team", "id": "a"}, {"namespace": "x", "id": "y"}]);
    let answer = server
        .json("POST", "/api/v1/flows/disable/by-ids", names.clone())
        .await
        .expect(200);
    assert_eq!(
        (&answer["count"], &answer["totalItems"]),
        (&json!(1), &json!(1))
    );
    let again = server
        .json("POST", "/api/v1/flows/disable/by-ids", names)
        .await
        .expect(200);
    assert_eq!(again["count"], 0);
    let flow = server
        .get("/api/v1/flows/company.team/a?source=true")
        .await
        .expect(200);
    assert_eq!(
        (&flow["disabled"], &flow["revision"]),
        (&json!(true), &json!(2))
    );
    let refused = server
        .post("/api/v1/executions/company.team/a")
        .await
        .expect(409);
    assert_eq!(
        refused["message"],
        "Illegal state: Requested Flow is disabled."
    );
    assert_eq!(
        server
            .post("/api/v1/flows/enable/by-query?namespace=company")
            .await
            .expect(200)["count"],
        1
    );
    let flow = server
        .get("/api/v1/flows/company.team/a?source=true")
        .await
        .expect(200);
    assert_eq!(
        (&flow["disabled"], &flow["source"]),
        (&json!(false), &json!(hello("a")))
    );
    assert_eq!(
        server
            .delete("/api/v1/flows/delete/by-query?namespace=company.team")
            .await
            .expect(200)["count"],
        1
    );
}

#[tokio::test]
async fn a_task_and_a_graph_are_given() {
    let server = Server::start().await;
    let source = "id: loop\nnamespace: company.team\ntasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [\"a\", \"b\"]\n    tasks:\n      - id: inner\n        type: io.kestra.plugin.core.debug.Return\n        format: \"{{ taskrun.value }}\"\n";
    server.flow(source).await;
    let task = server
        .get("/api/v1/flows/company.team/loop/tasks/inner")
        .await
        .expect(200);
    assert_eq!(task["type"], "io.kestra.plugin.core.debug.Return");
    server
        .get("/api/v1/flows/company.team/loop/tasks/none")
        .await
        .expect(404);
    let graph = server
        .get("/api/v1/flows/company.team/loop/graph")
        .await
        .expect(200);
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 6);
    assert_eq!(graph["clusters"][0]["cluster"]["uid"], "cluster_root.each");
    assert_eq!(graph["flowables"], json!(["each"]));
    assert!(graph["edges"].as_array().unwrap().contains(
        &json!({"source": "root.each", "target": "root.each.inner", "relation": {"relationType": "DYNAMIC"}})
    ));
    let posted = server
        .call("POST", "/api/v1/flows/graph", YAML, source)
        .await
        .expect(200);
    assert_eq!(posted["edges"], graph["edges"]);
    server
        .get("/api/v1/flows/company.team/none/graph")
        .await
        .expect(404);
}
