//! `flowmill eval`: what an expression gives.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use axum::body::Body;
use axum::http::Method;
use clap::Args;
use flowmill_common::yaml::{self, Limits};
use flowmill_expression::{Answer, Engine, Host, Need};
use serde_json::{Map, Value};

use crate::assemble::{self, Foundation, LocalApi, default_directory, default_run_directory};
use crate::config::{Config, Flags};
use crate::console;
use crate::exit::{Exit, WrongInput};

/// Show what an expression gives: `flowmill eval "{{ outputs.api.body | jq('.products') }}" --execution ID`
#[derive(Args)]
pub(crate) struct Eval {
    /// A template, or a single expression without its braces
    #[arg(value_name = "EXPR")]
    expression: String,
    /// See what this execution sees
    #[arg(long, value_name = "ID", conflicts_with = "context")]
    execution: Option<String>,
    /// … and one of its task runs
    #[arg(long, value_name = "ID", requires = "execution")]
    task_run: Option<String>,
    /// The variables, as a JSON or YAML file: `{"inputs": {"name": "x"}}`
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// The data directory that holds the execution [default: those of `flowmill server` and `flowmill run`]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Ask a running server instead: http://127.0.0.1:8080
    #[arg(long, value_name = "URL", env = "FLOWMILL_URL", requires = "execution")]
    server: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Eval {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        let config = Config::load(Flags::new(self.config.clone()))?.config;
        let template = template(&self.expression);
        let Some(execution) = &self.execution else {
            console::line(self.locally(&config, &template)?);
            return Ok(Exit::Success);
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let answer = runtime.block_on(async {
            match &self.server {
                Some(server) => self.ask_server(server, execution, template).await,
                None => self.ask_data(&config, execution, template).await,
            }
        })?;
        match (
            answer.get("result"),
            answer.get("error").and_then(Value::as_str),
        ) {
            (_, Some(error)) => Err(WrongInput::new(error).into()),
            (Some(Value::String(text)), None) => {
                console::line(text);
                Ok(Exit::Success)
            }
            (Some(other), None) => {
                console::line(other.to_string());
                Ok(Exit::Success)
            }
            (None, None) => bail!("the answer has no result: {answer}"),
        }
    }

    /// With the variables of a file, or none.
    fn locally(&self, config: &Config, template: &str) -> anyhow::Result<String> {
        let mut root = match &self.context {
            Some(file) => read_context(file)?,
            None => Map::new(),
        };
        let settings = assemble::settings(config)?;
        for (name, value) in [
            ("envs", &settings.envs),
            ("globals", &settings.globals),
            ("kestra", &settings.kestra),
        ] {
            root.entry(name).or_insert_with(|| (**value).clone());
        }
        let engine = Engine::new(config.expressions.options());
        let variables = flowmill_expression::Value::from(Value::Object(root));
        let root = variables.as_object().context("the variables are a map")?;
        let text = engine
            .render(template, root, &LocalHost)
            .map_err(|error| WrongInput::new(error.to_string()))?;
        Ok(text)
    }

    async fn ask_server(
        &self,
        server: &str,
        execution: &str,
        template: String,
    ) -> anyhow::Result<Value> {
        let url = format!("{}{}", server.trim_end_matches('/'), self.path(execution));
        let request = reqwest::Client::new()
            .post(&url)
            .header("content-type", "text/plain")
            .body(template);
        let response = request
            .send()
            .await
            .with_context(|| format!("the server at `{server}` does not answer"))?;
        match response.status().as_u16() {
            404 => Err(WrongInput::new(format!(
                "the server at `{server}` has no execution `{execution}`"
            ))
            .into()),
            status if status >= 300 => bail!(
                "the server at `{server}` refuses with status {status}: {}",
                response.text().await?
            ),
            _ => response
                .json()
                .await
                .context("the server's answer is not JSON"),
        }
    }

    /// Looks for the execution in the data directories of this user.
    async fn ask_data(
        &self,
        config: &Config,
        execution: &str,
        template: String,
    ) -> anyhow::Result<Value> {
        let folders = self.folders(config)?;
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let foundation = Foundation::open(config, folder).await.with_context(|| {
                "if a server has it, ask that server: `--server http://127.0.0.1:8080`".to_owned()
            })?;
            let api = LocalApi::new(assemble::api(&foundation, config, None));
            let body = Some(("text/plain", Body::from(template.clone())));
            let answer = api.call(Method::POST, &self.path(execution), body).await;
            drop(api);
            foundation.close().await;
            let answer = answer?;
            if answer.status != 404 {
                if !answer.is_success() {
                    return Err(WrongInput::new(answer.messages().join("; ")).into());
                }
                return answer.json();
            }
        }
        let looked: Vec<String> = folders
            .iter()
            .map(|folder| format!("`{}`", folder.display()))
            .collect();
        Err(WrongInput::new(format!(
            "no execution `{execution}` in {}",
            looked.join(", ")
        ))
        .into())
    }

    fn folders(&self, config: &Config) -> anyhow::Result<Vec<PathBuf>> {
        match self
            .data_dir
            .clone()
            .or_else(|| config.data_directory.clone())
        {
            Some(folder) => Ok(vec![folder]),
            None => Ok(vec![default_run_directory(1)?, default_directory()?]),
        }
    }

    fn path(&self, execution: &str) -> String {
        match &self.task_run {
            Some(run) => format!("/api/v1/executions/{execution}/eval/{run}"),
            None => format!("/api/v1/executions/{execution}/eval"),
        }
    }
}

/// An expression as a template.
fn template(expression: &str) -> String {
    if expression.contains("{{") || expression.contains("{%") || expression.contains("{#") {
        expression.to_owned()
    } else {
        format!("{{{{ {expression} }}}}")
    }
}

fn read_context(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let shown = file.display().to_string();
    let source = std::fs::read_to_string(file)
        .map_err(|error| WrongInput::new(format!("`{shown}` cannot be read: {error}")))?;
    let node = yaml::parse(&source, &Limits::default()).map_err(|problems| {
        WrongInput::new(format!(
            "`{shown}` is wrong\n{}",
            yaml::render_all(&problems, Some(&shown), &source)
        ))
    })?;
    match node.to_json() {
        Value::Object(members) => Ok(members),
        _ => Err(WrongInput::new(format!(
            "`{shown}` must hold names with values: `{{\"inputs\": {{…}}}}`"
        ))
        .into()),
    }
}

/// The world of an expression on the command line: time and chance, but no server behind it.
struct LocalHost;

impl Host for LocalHost {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn random(&self) -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0
    }

    fn ask(&self, need: &Need) -> Answer {
        Answer::Failed(format!(
            "`{}()` needs an execution: name one with `--execution`",
            need.name()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_may_be_left_out() {
        assert_eq!(template("1 + 1"), "{{ 1 + 1 }}");
        assert_eq!(template("a {{ b }}"), "a {{ b }}");
        assert_eq!(
            template("{% if true %}x{% endif %}"),
            "{% if true %}x{% endif %}"
        );
    }
}
