//! The five flows that the project was begun for, as their authors wrote them; only the host that they fetch from is another.

use serde_json::Value;

use crate::harness::api::{state, task_run};
use crate::harness::{Api, Cluster, Server, in_tests, products, skip};

/// A seed with its hosts replaced; the id may be made unique, as two of them share one.
fn seed(name: &str, products: &str, page: &str) -> String {
    let source = std::fs::read_to_string(in_tests(&format!("fixtures/seeds/{name}.yaml"))).unwrap();
    source
        .replace("https://dummyjson.com/products", products)
        .replace("https://kestra.io", page)
}

/// Saves a seed and runs it to its end.
fn run(api: &Api, name: &str, flow: &str) -> Value {
    let web = products();
    let source = seed(name, &web.url("/products"), &web.url("/"));
    api.save_or_replace(&format!("company.team/{flow}"), &source);
    let execution = api.run(&format!("company.team/{flow}"), &[]);
    let id = execution["id"].as_str().unwrap().to_owned();
    assert_eq!(
        state(&execution),
        "SUCCESS",
        "{execution:#}\n{}",
        api.log(&id)
    );
    execution
}

fn download(api: &Api, execution: &Value, uri: &Value) -> Vec<u8> {
    let (id, uri) = (
        execution["id"].as_str().unwrap(),
        uri.as_str().expect("a file's URI"),
    );
    let answer = api.get(&format!("/api/v1/executions/{id}/file?path={uri}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

/// Brands with the average price of their products, by price from the highest, worked out from the fixture.
fn average_prices() -> Vec<(Option<String>, f64)> {
    let text = std::fs::read_to_string(in_tests("fixtures/products.json")).unwrap();
    let products: Value = serde_json::from_str(&text).unwrap();
    let mut sums: Vec<(Option<String>, f64, u32)> = Vec::new();
    for product in products["products"].as_array().unwrap() {
        let brand = product["brand"].as_str().map(str::to_owned);
        let price = product["price"].as_f64().unwrap();
        match sums.iter_mut().find(|(other, ..)| *other == brand) {
            Some((_, sum, count)) => (*sum, *count) = (*sum + price, *count + 1),
            None => sums.push((brand, price, 1)),
        }
    }
    let mut averages: Vec<_> = sums
        .into_iter()
        .map(|(brand, sum, count)| (brand, (sum / f64::from(count) * 100.0).round() / 100.0))
        .collect();
    averages.sort_by(|a, b| b.1.total_cmp(&a.1));
    averages
}

fn check_pipeline(api: &Api, execution: &Value) {
    let csv = download(
        api,
        execution,
        &task_run(execution, "python")["outputs"]["outputFiles"]["products.csv"],
    );
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.starts_with("brand,price\n"), "{csv}");

    let query = &task_run(execution, "sqlQuery")["outputs"];
    let expected = average_prices();
    assert_eq!(query["size"], expected.len(), "{query}");
    let stored = download(api, execution, &query["uri"]);
    assert!(!stored.is_empty());
    let (id, uri) = (
        execution["id"].as_str().unwrap(),
        query["uri"].as_str().unwrap(),
    );
    let preview = api
        .get(&format!(
            "/api/v1/executions/{id}/file/preview?path={uri}&maxRows=1000"
        ))
        .json();
    let rows = preview["content"]
        .as_array()
        .unwrap_or_else(|| panic!("rows: {preview:#}"));
    assert_eq!(rows.len(), expected.len());
    for (row, (_, average)) in rows.iter().zip(&expected) {
        let shown = row["avg_price"].as_f64().unwrap();
        assert!((shown - average).abs() < 0.011, "{row} {average}");
    }
    let brands = |rows: &mut dyn Iterator<Item = Option<String>>| {
        let mut brands: Vec<_> = rows.collect();
        brands.sort();
        brands
    };
    let shown = brands(
        &mut rows
            .iter()
            .map(|row| row["brand"].as_str().map(str::to_owned)),
    );
    assert_eq!(
        shown,
        brands(&mut expected.into_iter().map(|(brand, _)| brand))
    );
}

fn one(api: &Api) {
    let execution = run(api, "1-http-request", "myflow");
    let outputs = &task_run(&execution, "make_request")["outputs"];
    assert_eq!(outputs["code"], 200);
    assert!(
        outputs["body"]
            .as_str()
            .unwrap()
            .contains("<h1>A page</h1>")
    );
    assert_eq!(outputs["headers"]["content-type"][0], "text/html");
    assert!(
        outputs["uri"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1")
    );
}

fn two(api: &Api) {
    let execution = run(api, "2-dynamic-flow", "myflow");
    api.log_with(execution["id"].as_str().unwrap(), &["Status Code: 200"]);
}

fn three(api: &Api) {
    if !docker_answers() {
        return skip("seed 3", "no Docker daemon with python:slim answers");
    }
    let execution = run(api, "3-outputs-to-script", "getting_started_output");
    let outputs = &task_run(&execution, "python")["outputs"];
    assert_eq!(outputs["exitCode"], 0);
    let csv = download(api, &execution, &outputs["outputFiles"]["products.csv"]);
    assert!(csv.starts_with(b"brand,price\n"));
}

fn four(api: &Api) {
    if !docker_answers() {
        return skip("seed 4", "no Docker daemon with python:slim answers");
    }
    let execution = run(api, "4-pipeline-docker", "getting_started");
    check_pipeline(api, &execution);
}

fn five(api: &Api) {
    if !polars_is_here() {
        return skip("seed 5", "python3 cannot install polars here");
    }
    let execution = run(api, "5-pipeline-process", "getting_started");
    check_pipeline(api, &execution);
}

#[test]
fn seed_1_makes_a_request_by_the_old_name_of_its_type() {
    one(&Server::start().api);
}

#[test]
fn seed_2_logs_the_status_code_that_the_task_before_gave() {
    two(&Server::start().api);
}

#[test]
fn seed_3_gives_a_response_to_python_in_a_container() {
    three(&Server::start().api);
}

#[test]
fn seed_4_queries_what_python_wrote_in_a_container() {
    four(&Server::start().api);
}

#[test]
fn seed_5_does_the_same_without_a_container() {
    five(&Server::start().api);
}

#[test]
fn the_seeds_run_on_many_processes() {
    let Some(cluster) = Cluster::new("seeds", "", &[]) else {
        return;
    };
    let cluster = cluster.start(2, 3, 2);
    for (number, seed) in [one, two, three, four, five].iter().enumerate() {
        seed(&cluster.apis[number % 2].api);
    }
}

fn docker_answers() -> bool {
    let image = std::process::Command::new("docker")
        .args(["image", "inspect", "python:slim"])
        .output();
    image.is_ok_and(|output| output.status.success())
}

fn polars_is_here() -> bool {
    let install = std::process::Command::new("pip")
        .args(["install", "--quiet", "polars"])
        .output();
    install.is_ok_and(|output| output.status.success())
}
