use serde_json::{Value, json};

use crate::harness::{Server, hello};

async fn three(server: &Server) -> Vec<String> {
    server.flow(&hello("a")).await;
    server
        .flow(&hello("b").replace("company.team", "company.other"))
        .await;
    let mut ids = Vec::new();
    for path in [
        "company.team/a?labels=n:1",
        "company.other/b?labels=n:2",
        "company.team/a?labels=n:3",
    ] {
        let separator = "&wait=true";
        let ended = server
            .post(&format!("/api/v1/executions/{path}{separator}"))
            .await
            .expect(200);
        ids.push(ended["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn executions_are_found_by_flat_and_by_structured_filters() {
    let server = Server::start().await;
    let ids = three(&server).await;
    let found = async |query: &str| {
        let found = server
            .get(&format!("/api/v1/executions/search?{query}"))
            .await
            .expect(200);
        let results = found["results"].as_array().unwrap();
        let places: Vec<usize> = results
            .iter()
            .map(|one| ids.iter().position(|id| one["id"] == json!(id)).unwrap())
            .collect();
        assert_eq!(
            found["total"].as_u64().unwrap() as usize,
            places.len(),
            "{query}"
        );
        places
    };
    for (query, wanted) in [
        ("", vec![2, 1, 0]),
        ("sort=state.startDate:asc", vec![0, 1, 2]),
        ("namespace=company.team", vec![2, 0]),
        ("namespace=company", vec![2, 1, 0]),
        ("namespace=comp", vec![]),
        ("flowId=b", vec![1]),
        ("labels=n:3&labels=team:data", vec![2]),
        ("labels=n:3&labels=n:2", vec![]),
        ("state=SUCCESS,FAILED", vec![2, 1, 0]),
        ("state=FAILED&state=RUNNING", vec![]),
        ("timeRange=PT1H", vec![2, 1, 0]),
        ("endDate=2020-01-01T00:00:00Z", vec![]),
        (
            "startDate=2020-01-01T00:00:00%2B01:00&endDate=2999-01-01",
            vec![2, 1, 0],
        ),
        ("childFilter=MAIN", vec![2, 1, 0]),
        ("childFilter=CHILD", vec![]),
        ("scope=SYSTEM", vec![]),
        ("filters[labels][EQUALS][n]=2", vec![1]),
        (
            "filters%5Bstate%5D%5BNOT_IN%5D=FAILED&filters[namespace][ENDS_WITH]=team",
            vec![2, 0],
        ),
        (
            "filters[or][0][flowId][EQUALS]=b&filters[or][1][labels][EQUALS][n]=1",
            vec![1, 0],
        ),
        (
            "filters[timeRange][EQUALS]=PT1H&filters[kind][EQUALS]=NORMAL",
            vec![2, 1, 0],
        ),
        (
            "namespace=company.team&filters[flowId][EQUALS]=a",
            vec![2, 0],
        ),
        (
            "filters[namespace][EQUALS]=company.team&filters[flowId][EQUALS]=a",
            vec![2, 0],
        ),
    ] {
        assert_eq!(found(query).await, wanted, "{query}");
    }
    assert_eq!(found(&format!("q={}", ids[1])).await, [1]);
}

#[tokio::test]
async fn wrong_filters_are_named() {
    let server = Server::start().await;
    for (query, status, words) in [
        ("state=NOPE", 422, "[state] for value [NOPE]"),
        ("startDate=yesterday", 422, "[startDate]"),
        ("timeRange=P1Y", 422, "months or years"),
        (
            "timeRange=P1D&startDate=2024-01-01T00:00:00Z",
            422,
            "are mutually exclusive",
        ),
        (
            "startDate=2024-06-03T00:00:00.000%2B02:00&endDate=2023-06-05",
            422,
            "Start date must be before End Date",
        ),
        ("page=0", 422, "page: must be greater"),
        ("size=-1", 422, "size: must be greater"),
        ("sort=nope:asc", 422, "cannot sort by `nope`"),
        ("sort=id", 422, "Invalid sort parameter"),
        ("labels=nocolon", 422, "key:value"),
        ("filters[nope][EQUALS]=1", 400, "Invalid query filters"),
        (
            "filters[state][REGEX]=1",
            400,
            "not supported for field state",
        ),
        ("filters[state][IN]=NOPE", 422, "[NOPE]"),
    ] {
        let answer = server
            .get(&format!("/api/v1/executions/search?{query}"))
            .await
            .expect(status);
        assert!(
            answer["message"].as_str().unwrap().contains(words),
            "{query}: {answer}"
        );
    }
    server
        .get("/api/v1/executions?namespace=a")
        .await
        .expect(400);
}

#[tokio::test]
async fn pages_follow_one_another_whatever_the_order() {
    let server = Server::start().await;
    let ids = three(&server).await;
    for (sort, wanted) in [
        ("state.startDate:desc", [2, 1, 0]),
        ("state.startDate:asc", [0, 1, 2]),
        ("flowId:desc&sort=state.startDate:asc", [1, 0, 2]),
    ] {
        for (page, place) in (1..).zip(wanted) {
            let path = format!("/api/v1/executions/search?size=1&page={page}&sort={sort}");
            let found = server.get(&path).await.expect(200);
            assert_eq!(
                (&found["total"], &found["results"][0]["id"]),
                (&json!(3), &json!(ids[place]))
            );
        }
        let path = format!("/api/v1/executions/search?size=1&page=4&sort={sort}");
        let past = server.get(&path).await.expect(200);
        assert_eq!(past, json!({"results": [], "total": 3}));
    }
}

#[tokio::test]
async fn a_light_list_has_no_task_runs() {
    let server = Server::start().await;
    three(&server).await;
    let full = server
        .get("/api/v1/executions/search?size=1")
        .await
        .expect(200);
    assert_eq!(full["results"][0]["taskRunList"][0]["taskId"], "say");
    let light = server
        .get("/api/v1/executions/search?size=1&light=true")
        .await
        .expect(200);
    assert_eq!(light["results"][0].get("taskRunList"), None);
    let of_flow = server
        .get("/api/v1/executions?namespace=company.team&flowId=a")
        .await
        .expect(200);
    assert_eq!(of_flow["total"], 2);
    let names = json!([{"namespace": "company.team", "id": "a"}, {"namespace": "x", "id": "y"}]);
    let latest = server
        .json("POST", "/api/v1/executions/latest", names)
        .await
        .expect(200);
    assert_eq!(
        (latest.as_array().map(Vec::len), &latest[0]["status"]),
        (Some(1), &Value::from("SUCCESS"))
    );
}
