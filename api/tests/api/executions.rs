use serde_json::json;

use crate::harness::{Executors, Server, hello};

#[tokio::test]
async fn what_was_created_can_be_read_at_once() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let created = server
        .post("/api/v1/main/executions/company.team/a?labels=env:test&labels=url:http://x,y")
        .await
        .expect(200);
    assert_eq!(created["state"]["current"], "CREATED");
    let id = created["id"].as_str().unwrap();
    assert_eq!(id.len(), 22);
    assert_eq!(
        created["labels"],
        json!([
            {"key": "team", "value": "data"},
            {"key": "env", "value": "test"},
            {"key": "url", "value": "http://x,y"},
            {"key": "system.correlationId", "value": id},
        ])
    );
    assert_eq!(
        created["url"],
        json!(format!("/ui/main/executions/company.team/a/{id}"))
    );
    assert_eq!(created["metadata"]["attemptNumber"], 1);
    let read = server
        .get(&format!("/api/v1/executions/{id}"))
        .await
        .expect(200);
    assert_eq!(
        (&read["id"], &read["flowRevision"]),
        (&created["id"], &json!(1))
    );
    assert_eq!(read.get("url"), None);
}

#[tokio::test]
async fn waiting_gives_the_execution_as_it_ended() {
    let server = Server::start().await;
    server.flow(&format!("{}outputs:\n  - id: last\n    type: STRING\n    value: \"{{{{ outputs.say.value }}}}!\"\n", hello("a"))).await;
    let ended = server.run("company.team", "a").await;
    assert_eq!(ended["state"]["current"], "SUCCESS");
    assert_eq!(ended["outputs"], json!({"last": "hi!"}));
    let run = &ended["taskRunList"][0];
    assert_eq!(
        (&run["taskId"], &run["outputs"]["value"]),
        (&json!("say"), &json!("hi"))
    );
    assert_eq!(run["state"]["current"], "SUCCESS");
    assert_eq!(run["executionId"], ended["id"]);
    assert!(
        run["attempts"][0]["state"]["duration"]
            .as_str()
            .unwrap()
            .starts_with("PT")
    );
    let histories = ended["state"]["histories"].as_array().unwrap();
    assert_eq!(
        histories.first().unwrap()["date"],
        ended["state"]["startDate"]
    );
    assert_eq!(histories.last().unwrap()["date"], ended["state"]["endDate"]);
}

#[tokio::test]
async fn creating_is_refused_for_what_is_not_there_or_not_allowed() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let unknown = server
        .post("/api/v1/executions/company.team/none")
        .await
        .expect(404);
    assert_eq!(
        unknown["message"],
        "Not Found: Requested Flow is not found."
    );
    server
        .post("/api/v1/executions/company.team/a?revision=9")
        .await
        .expect(404);
    let system = server
        .post("/api/v1/executions/company.team/a?labels=system.x:1")
        .await
        .expect(422);
    assert!(
        system["message"]
            .as_str()
            .unwrap()
            .ends_with("offending label: system.x=1"),
        "{system}"
    );
    server
        .post("/api/v1/executions/company.team/a?labels=nocolon")
        .await
        .expect(422);
    server
        .post("/api/v1/executions/company.team/a?scheduleDate=soon")
        .await
        .expect(422);
    let own = server
        .post("/api/v1/executions/company.team/a?labels=system.correlationId:mine")
        .await
        .expect(200);
    assert_eq!(
        own["labels"][1],
        json!({"key": "system.correlationId", "value": "mine"})
    );
}

#[tokio::test]
async fn without_an_executor_creating_says_so() {
    let config = flowmill_api::Config {
        visible_within: std::time::Duration::from_millis(50),
        ..Default::default()
    };
    let server = Server::with(config, Executors::None).await;
    server.flow(&hello("a")).await;
    let answer = server
        .post("/api/v1/executions/company.team/a")
        .await
        .expect(503);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("no executor has taken the execution"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_future_execution_is_killed_and_then_deleted_with_everything() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let created = server
        .post("/api/v1/executions/company.team/a?scheduleDate=2999-01-01T00:00:00Z")
        .await
        .expect(200);
    assert_eq!(created["scheduleDate"], "2999-01-01T00:00:00.000000Z");
    let path = format!("/api/v1/executions/{}", created["id"].as_str().unwrap());
    server.delete(&path).await.expect(409);
    let killed = server.delete(&format!("{path}/kill")).await.expect(202);
    assert!(
        killed["state"]["current"]
            .as_str()
            .unwrap()
            .starts_with("KILL"),
        "{killed}"
    );
    let ended = server.get(&format!("{path}/follow")).await;
    assert!(
        ended.text().contains("\"current\":\"KILLED\""),
        "{}",
        ended.text()
    );
    server
        .delete(&format!("{path}/actions/kill"))
        .await
        .expect(202);
    server
        .delete(&format!("{path}/kill?isOnKillCascade=false"))
        .await
        .expect(409);
    assert_eq!(server.delete(&path).await.status, 204);
    server.get(&path).await.expect(404);
    server.delete(&path).await.expect(404);
    server
        .delete("/api/v1/executions/none/kill")
        .await
        .expect(404);
    let id = created["id"].as_str().unwrap();
    assert_eq!(
        server.get(&format!("/api/v1/logs/{id}")).await.expect(200),
        json!([])
    );
    for partition in 0..4 {
        let space = format!("p{partition:02}");
        let rows = server
            .store
            .range(
                &format!("{space}/"),
                &format!("{space}0"),
                Default::default(),
            )
            .await
            .unwrap();
        let left: Vec<_> = rows
            .iter()
            .map(|row| row.key.as_str())
            .filter(|key| key.contains(id))
            .collect();
        assert_eq!(left, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn many_are_acted_upon_or_none() {
    let server = Server::start().await;
    server.flow(&hello("a")).await;
    let later = "/api/v1/executions/company.team/a?scheduleDate=2999-01-01T00:00:00Z";
    let waiting = server.post(later).await.expect(200)["id"].clone();
    let done = server.run("company.team", "a").await["id"].clone();
    let ids = json!([waiting, done, "none"]);
    let refused = server
        .json("DELETE", "/api/v1/executions/kill/by-ids", ids)
        .await
        .expect(400);
    let messages: Vec<_> = refused["invalids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"].clone())
        .collect();
    assert_eq!(
        messages,
        ["execution already finished", "execution not found"]
    );
    assert_eq!(refused["message"], "invalid bulk kill");
    let refused = server
        .json(
            "DELETE",
            "/api/v1/executions/by-ids",
            json!([waiting, done]),
        )
        .await
        .expect(400);
    assert_eq!(refused["invalids"].as_array().unwrap().len(), 1);
    let killed = server
        .delete("/api/v1/executions/kill/by-query?flowId=a&state=CREATED")
        .await
        .expect(200);
    assert_eq!(killed["count"], 1);
    let follow = format!("/api/v1/executions/{}/follow", waiting.as_str().unwrap());
    assert!(server.get(&follow).await.text().contains("id: end"));
    let deleted = server
        .json(
            "DELETE",
            "/api/v1/executions/by-ids",
            json!([waiting, done]),
        )
        .await
        .expect(200);
    assert_eq!(
        (&deleted["count"], deleted["operationId"].is_string()),
        (&json!(2), true)
    );
    assert_eq!(
        server.get("/api/v1/executions/search").await.expect(200)["total"],
        0
    );
}

#[tokio::test]
async fn flow_graph_and_task_runs_of_an_execution_are_given() {
    let server = Server::start().await;
    let source = "id: loop\nnamespace: company.team\ntasks:\n  - id: each\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [\"a\", \"b\"]\n    tasks:\n      - id: inner\n        type: io.kestra.plugin.core.debug.Return\n        format: \"{{ taskrun.value }}\"\n";
    server.flow(source).await;
    let ended = server.run("company.team", "loop").await;
    let path = format!("/api/v1/executions/{}", ended["id"].as_str().unwrap());
    let flow = server.get(&format!("{path}/flow")).await.expect(200);
    let inner = json!({"id": "inner", "type": "io.kestra.plugin.core.debug.Return"});
    assert_eq!(flow["tasks"][0]["tasks"], json!([inner]));
    assert_eq!(flow["tasks"][0].get("values"), None);
    assert_eq!(flow["triggers"], json!([]));
    let graph = server.get(&format!("{path}/graph")).await.expect(200);
    let nodes = graph["nodes"].as_array().unwrap();
    let node = nodes
        .iter()
        .find(|node| node["values"] == json!(["b"]))
        .unwrap();
    assert_eq!(node["taskRun"]["outputs"]["value"], "b");
    let page = server
        .get(&format!(
            "{path}/taskruns?taskId=inner&state=SUCCESS&page=2&size=1"
        ))
        .await
        .expect(200);
    assert_eq!(
        (&page["total"], &page["results"][0]["value"]),
        (&json!(2), &json!("b"))
    );
    let top = server
        .get(&format!("{path}/taskruns?parent=root"))
        .await
        .expect(200);
    assert_eq!(
        (&top["total"], &top["results"][0]["taskId"]),
        (&json!(1), &json!("each"))
    );

    let tasks = server
        .get(&format!(
            "/api/v1/outputs/tasks/{}",
            ended["id"].as_str().unwrap()
        ))
        .await
        .expect(200);
    assert_eq!(
        (&tasks[0]["value"], &tasks[0]["inline"]),
        (&json!("a"), &json!(true))
    );
    let run = tasks[1]["taskRunId"].as_str().unwrap();
    let outputs = server
        .get(&format!(
            "/api/v1/main/outputs/{}/{run}",
            ended["id"].as_str().unwrap()
        ))
        .await
        .expect(200);
    assert_eq!(outputs, json!({"value": "b"}));
}

#[tokio::test]
async fn expressions_are_evaluated_without_showing_secrets() {
    let server = Server::start().await;
    let source = hello("a").replace("tasks:", "inputs:\n  - id: pin\n    type: SECRET\n    defaults: \"1234\"\nvariables:\n  x: 5\ntasks:");
    server.flow(&source).await;
    let ended = server.run("company.team", "a").await;
    assert_eq!(ended["state"]["current"], "SUCCESS", "{ended}");
    let id = ended["id"].as_str().unwrap();
    let run = ended["taskRunList"][0]["id"].as_str().unwrap();
    let eval = async |place: &str, text: &str| {
        server
            .call(
                "POST",
                &format!("/api/v1/executions/{id}/eval{place}"),
                "text/plain",
                text.to_owned(),
            )
            .await
            .expect(200)
    };
    assert_eq!(
        eval("", "{{ outputs.say.value }} {{ vars.x + 1 }}").await,
        json!({"result": "hi 6"})
    );
    assert_eq!(
        eval(&format!("/{run}"), "{{ taskrun.id }}").await,
        json!({"result": run})
    );
    assert_eq!(
        eval("", "{{ outputs }}").await,
        json!({"result": "{\"say\":{\"value\":\"hi\"}}"})
    );
    assert_eq!(
        eval("", "{{ inputs.pin }} {{ secret('TOKEN') }}").await,
        json!({"result": "****** ******"})
    );
    let failed = eval("", "{{ outputs.nope.x }}").await;
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .starts_with("Unable to find `nope`"),
        "{failed}"
    );
    assert!(failed["stackTrace"].is_string());
    server
        .call(
            "POST",
            &format!("/api/v1/executions/{id}/eval/none"),
            "text/plain",
            "x",
        )
        .await
        .expect(404);
    server
        .call("POST", "/api/v1/executions/none/eval", "text/plain", "x")
        .await
        .expect(404);
    let body = json!({"executionId": id, "expressions": ["{{ outputs.say.value }}", "{{ nope }}"]});
    let rendered = server
        .json("POST", "/api/v1/expressions/render", body)
        .await
        .expect(200);
    assert_eq!(
        rendered["rendered"],
        json!({"{{ outputs.say.value }}": "hi"})
    );
    assert!(rendered["errors"]["{{ nope }}"].is_string());
}

#[tokio::test]
async fn a_flow_may_be_called_like_an_action() {
    let server = Server::start().await;
    server.flow(&hello("eval")).await;
    server.flow(&hello("replay")).await;
    assert_eq!(server.run("company.team", "eval").await["flowId"], "eval");
    let ended = server.run("company.team", "replay").await;
    let replayed = server
        .post(&format!(
            "/api/v1/executions/{}/replay",
            ended["id"].as_str().unwrap()
        ))
        .await
        .expect(501);
    assert!(
        replayed["message"].as_str().unwrap().contains("`replay`"),
        "{replayed}"
    );
    server
        .post("/api/v1/executions/none/replay")
        .await
        .expect(404);
}
