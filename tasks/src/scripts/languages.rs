//! The languages that are nothing but an image, a file ending and a command.

use schemars::JsonSchema;
use serde::Deserialize;

use super::language::{self, Facts, Language};
use crate::task::Definition;

pub(super) fn definitions() -> impl Iterator<Item = Definition> {
    let all = [
        language::definitions::<Bun>(),
        language::definitions::<Deno>(),
        language::definitions::<Dotnet>(),
        language::definitions::<Go>(),
        language::definitions::<Groovy>(),
        language::definitions::<Jbang>(),
        language::definitions::<Julia>(),
        language::definitions::<Lua>(),
        language::definitions::<Perl>(),
        language::definitions::<Php>(),
        language::definitions::<Powershell>(),
        language::definitions::<R>(),
        language::definitions::<Ruby>(),
    ];
    all.into_iter().flatten()
}

/// One language: its type, what people call it, its package, its image, the ending of its files, the command, and a script that runs.
macro_rules! language {
    ($type:ident, $name:literal, $package:literal, $image:literal, $ending:literal, $command:literal, $script:literal
     $(, $field:ident: $value:expr)*) => {
        #[derive(Deserialize, JsonSchema)]
        struct $type {}

        impl Language for $type {
            const FACTS: Facts = Facts {
                examples: [
                    concat!("id: ", $package, "_script\nnamespace: company.team\n\ntasks:\n  - id: run\n    type: io.kestra.plugin.scripts.",
                        $package, ".Script\n    script: |\n      ", $script, "\n"),
                    concat!("id: ", $package, "_commands\nnamespace: company.team\n\ntasks:\n  - id: run\n    type: io.kestra.plugin.scripts.",
                        $package, ".Commands\n    inputFiles:\n      main", $ending, ": |\n        ", $script, "\n    commands:\n      - >-\n        ",
                        $command, " main", $ending, "\n"),
                ],
                $($field: $value,)*
                ..Facts::new(
                    $name,
                    [concat!("io.kestra.plugin.scripts.", $package, ".Script"), concat!("io.kestra.plugin.scripts.", $package, ".Commands")],
                    $image,
                    $ending,
                )
            };

            fn command(&self, file: &str, _: &str) -> String {
                format!(concat!($command, " {}"), file)
            }
        }
    };
}

language!(
    Bun,
    "Bun",
    "bun",
    "oven/bun",
    ".ts",
    "bun run",
    "console.log('hello');"
);
language!(
    Deno,
    "Deno",
    "deno",
    "denoland/deno",
    ".ts",
    "deno run",
    "console.log('hello');"
);
language!(
    Dotnet,
    ".NET",
    "dotnet",
    "mcr.microsoft.com/dotnet/sdk:10.0",
    ".csx",
    "(command -v dotnet-script || dotnet tool install --global dotnet-script) > /dev/null; PATH=\"$PATH:$HOME/.dotnet/tools\" dotnet-script",
    "Console.WriteLine(1);"
);
language!(
    Go,
    "Go",
    "go",
    "golang",
    ".go",
    "go run",
    "package main; func main() { println(1) }"
);
language!(Groovy, "Groovy", "groovy", "groovy", ".groovy", "groovy", "println 'hello'", user: Some("root"));
language!(
    Jbang,
    "JBang",
    "jbang",
    "jbangdev/jbang-action",
    ".java",
    "jbang --quiet",
    "class main { public static void main(String[] a) {} }"
);
language!(
    Julia,
    "Julia",
    "julia",
    "julia",
    ".jl",
    "julia",
    "println(1)"
);
language!(
    Lua,
    "Lua",
    "lua",
    "nickblah/lua",
    ".lua",
    "lua",
    "print('hello')"
);
language!(Perl, "Perl", "perl", "perl", ".pl", "perl", "print \"hello\\n\";", fail_fast: [Some(super::command_line::FAIL_FAST), None]);
language!(
    Php,
    "PHP",
    "php",
    "php",
    ".php",
    "php",
    "<?php echo 'hello';"
);
language!(Powershell, "PowerShell", "powershell", "ghcr.io/kestra-io/powershell:latest", ".ps1", "&", "Write-Output hello",
    interpreter: &["pwsh", "-NoProfile", "-NonInteractive", "-Command"],
    fail_fast: [Some("$ErrorActionPreference = 'Stop'"), Some("$ErrorActionPreference = 'Stop'")]);
language!(R, "R", "r", "r-base", ".R", "Rscript", "print('hello')");
language!(Ruby, "Ruby", "ruby", "ruby", ".rb", "ruby", "puts 'hello'");
