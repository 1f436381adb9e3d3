//! `flowmill validate`: reads flows as a server would, and says what is wrong with them and where.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use flowmill_common::compile::{self, compile};
use flowmill_common::yaml::{self, Diagnostic, split_documents};
use flowmill_expression::Engine;
use flowmill_tasks::Catalogue;

use crate::assemble::plugin_defaults;
use crate::config::{Config, Flags};
use crate::console::{self, Style};
use crate::diagnostics;
use crate::exit::{Exit, WrongInput};
use crate::flows::yaml_files;

/// Check flows without a server: every problem with its line, and what would be right
#[derive(Args)]
pub(crate) struct Validate {
    /// Files with one or several flows each; folders are searched for YAML files, `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Say nothing about warnings
    #[arg(long, short)]
    quiet: bool,
    /// The configuration file: its plugin defaults and limits count
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Validate {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        let config = Config::load(Flags::new(self.config.clone()))?.config;
        let options = compile::Options {
            limits: config.flow_limits.limits(),
            plugin_defaults: plugin_defaults(&config)?,
            engine: Some(Engine::new(config.expressions.options())),
            ..compile::Options::default()
        };
        let (mut flows, mut wrong) = (0, 0);
        let catalogue = Catalogue::new();
        for file in self.all_files()? {
            let (name, source) = read(&file)?;
            let bad = self.check(&name, &source, &catalogue, &options);
            flows += bad.len();
            wrong += bad.iter().filter(|bad| **bad).count();
        }
        if flows == 0 {
            return Err(WrongInput::new("there is no YAML file in what was named").into());
        }
        Ok(if wrong > 0 {
            Exit::WrongInput
        } else {
            Exit::Success
        })
    }

    /// The named files, and those in the named folders.
    fn all_files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in &self.files {
            if path.is_dir() {
                files.extend(
                    yaml_files(path)
                        .with_context(|| format!("`{}` cannot be listed", path.display()))?,
                );
            } else {
                files.push(path.clone());
            }
        }
        Ok(files)
    }

    /// Looks at each flow of a file, and says for each whether it is wrong.
    fn check(
        &self,
        name: &str,
        source: &str,
        catalogue: &Catalogue,
        options: &compile::Options,
    ) -> Vec<bool> {
        let documents = split_documents(source);
        let checked =
            documents.iter().map(
                |document| match compile(document.source, catalogue, options) {
                    Ok(compiled) => {
                        self.show(name, source, compiled.warnings, document.lines_before);
                        console::line(format!(
                            "{name}: flow `{}` is valid",
                            compiled.flow.full_id()
                        ));
                        false
                    }
                    Err(problems) => {
                        self.show(name, source, problems, document.lines_before);
                        true
                    }
                },
            );
        checked.collect()
    }

    fn show(&self, name: &str, source: &str, found: Vec<Diagnostic>, lines_before: usize) {
        for diagnostic in found
            .into_iter()
            .filter(|diagnostic| diagnostic.is_error() || !self.quiet)
        {
            let rendered = yaml::render(&diagnostic.shifted(lines_before), Some(name), source);
            console::note(format!(
                "{}\n",
                diagnostics::painted(&rendered, Style::for_stderr())
            ));
        }
    }
}

fn read(file: &Path) -> anyhow::Result<(String, String)> {
    if file == Path::new("-") {
        let mut source = String::new();
        std::io::stdin()
            .read_to_string(&mut source)
            .context("standard input cannot be read")?;
        return Ok(("<stdin>".into(), source));
    }
    Ok((file.display().to_string(), diagnostics::read_source(file)?))
}
