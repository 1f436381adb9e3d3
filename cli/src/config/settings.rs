//! Every setting there is, read from the JSON schema of [`Config`](super::Config): its path, its documentation, its default and
//! the environment variable that sets it. What reads, checks and documents the configuration goes by this list.

use serde_json::{Map, Value};

/// All settings, in the order of the structs.
pub(crate) struct Settings {
    settings: Vec<Setting>,
    sections: Vec<Section>,
}

/// One setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Where it stands: `store`, `embedded`, `cache`.
    pub(crate) path: Vec<String>,
    /// What it is for.
    pub(crate) documentation: String,
    /// What it may be.
    pub(crate) form: Form,
    /// What it is when nobody sets it; null: nothing.
    pub(crate) default: Value,
}

/// A group of settings.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Where it stands; empty for the whole.
    pub(crate) path: Vec<String>,
    /// What it is for.
    pub(crate) documentation: String,
    /// The names of what is in it.
    pub(crate) members: Vec<String>,
}

/// What a setting may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text: also sizes (`64MiB`) and durations (`5s`).
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list.
    List,
    /// Names with values of any kind.
    Map,
}

impl Settings {
    /// The settings of a configuration type with this schema and these defaults.
    pub(crate) fn new(schema: &Value, defaults: &Value) -> Self {
        let mut walk = Walk {
            root: schema,
            settings: Vec::new(),
            sections: Vec::new(),
        };
        walk.visit(&mut Vec::new(), schema, defaults, None);
        Self {
            settings: walk.settings,
            sections: walk.sections,
        }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// All sections, each before what is in it.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// The section at a path.
    pub(crate) fn section(&self, path: &[String]) -> Option<&Section> {
        self.sections.iter().find(|section| section.path == path)
    }

    /// The setting at a path.
    pub(crate) fn get(&self, path: &[String]) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.path == path)
    }

    /// The setting that an environment variable sets.
    pub(crate) fn by_variable(&self, variable: &str) -> Option<&Setting> {
        self.settings
            .iter()
            .find(|setting| setting.variable() == variable)
    }
}

impl Setting {
    /// The path as we write it: `store.embedded.busy-timeout`.
    pub(crate) fn name(&self) -> String {
        shown(&self.path)
    }

    /// The environment variable that sets it: `FLOWMILL_STORE_EMBEDDED_CACHE`.
    pub(crate) fn variable(&self) -> String {
        let words: Vec<String> = self.path.iter().map(|part| upper_snake(part)).collect();
        format!("{PREFIX}{}", words.join("_"))
    }
}

/// A path as we write it, whatever the crate that reads the setting calls it: words joined by hyphens, as in Kestra's configuration.
pub(crate) fn shown(path: &[String]) -> String {
    let words: Vec<String> = path.iter().map(|part| kebab(part)).collect();
    words.join(".")
}

/// `secretKey` as `secret-key`.
pub(crate) fn kebab(name: &str) -> String {
    upper_snake(name).to_ascii_lowercase().replace('_', "-")
}

/// What the names of environment variables begin with.
pub(crate) const PREFIX: &str = "FLOWMILL_";

impl Section {
    /// The member whose name is this one, written in whatever way: `secretKey` is `secret-key`.
    pub(crate) fn member(&self, written: &str) -> Option<&str> {
        let exact = self.members.iter().find(|member| *member == written);
        exact
            .or_else(|| {
                self.members
                    .iter()
                    .find(|member| plain(member) == plain(written))
            })
            .map(String::as_str)
    }
}

/// A name without the marks between its words.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// `secret-key` and `secretKey` as `SECRET_KEY`.
fn upper_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c == '-' {
            out.push('_');
            continue;
        }
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

struct Walk<'a> {
    root: &'a Value,
    settings: Vec<Setting>,
    sections: Vec<Section>,
}

impl<'a> Walk<'a> {
    fn visit(
        &mut self,
        path: &mut Vec<String>,
        schema: &'a Value,
        defaults: &Value,
        documentation: Option<&str>,
    ) {
        let own = text(schema, "description").map(str::to_owned);
        let schema = self.resolve(schema);
        // what a field says of itself goes before what its type says of itself
        let documentation = documentation
            .map(str::to_owned)
            .or(own)
            .or_else(|| text(schema, "description").map(str::to_owned))
            .unwrap_or_default();
        match self.members(schema) {
            Some(members) => {
                let names = members.iter().map(|(name, _)| (*name).to_owned()).collect();
                self.sections.push(Section {
                    path: path.clone(),
                    documentation,
                    members: names,
                });
                for (name, member) in members {
                    path.push(name.to_owned());
                    let own = text(member, "description");
                    self.visit(
                        path,
                        member,
                        defaults.get(name).unwrap_or(&Value::Null),
                        own,
                    );
                    path.pop();
                }
            }
            None => {
                let form = self.form(schema);
                self.settings.push(Setting {
                    path: path.clone(),
                    documentation,
                    form,
                    default: defaults.clone(),
                });
            }
        }
    }

    /// What a reference, or an optional value, is about.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = text(schema, "$ref") {
            let pointer = reference.trim_start_matches('#');
            return self
                .root
                .pointer(pointer)
                .map_or(schema, |target| self.resolve(target));
        }
        let alternatives = schema.get("anyOf").and_then(Value::as_array);
        let mut others = alternatives
            .into_iter()
            .flatten()
            .filter(|other| text(other, "type") != Some("null"));
        match (others.next(), others.next()) {
            (Some(only), None) => self.resolve(only),
            _ => schema,
        }
    }

    /// The named members of a section; of one with alternatives (`type: embedded | redis`) those of all of them. None: it is a setting.
    fn members(&self, schema: &'a Value) -> Option<Vec<(&'a str, &'a Value)>> {
        let mut found: Vec<(&str, &Value)> = properties(schema).into_iter().flatten().collect();
        let mut tags = Vec::new();
        for alternative in schema
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let alternative = self.resolve(alternative);
            for (name, member) in properties(alternative).into_iter().flatten() {
                if member.get("const").is_some() {
                    tags.push(name);
                }
                if !found.iter().any(|(other, _)| *other == name) {
                    found.push((name, member));
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }

    fn form(&self, schema: &Value) -> Form {
        if let Some(words) = words(schema) {
            return Form::Choice(words);
        }
        let named = match schema.get("type") {
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(Value::as_str)
                .find(|name| *name != "null"),
            Some(Value::String(one)) => Some(one.as_str()),
            _ => None,
        };
        match named {
            Some("integer") => Form::Integer,
            Some("number") => Form::Number,
            Some("boolean") => Form::Flag,
            Some("array") => Form::List,
            Some("object") => Form::Map,
            _ => Form::Text,
        }
    }
}

fn properties(schema: &Value) -> Option<impl Iterator<Item = (&str, &Value)>> {
    let properties: &Map<String, Value> = schema.get("properties")?.as_object()?;
    Some(
        properties
            .iter()
            .map(|(name, member)| (name.as_str(), member)),
    )
}

/// The words of an enum without data.
fn words(schema: &Value) -> Option<Vec<String>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(
            words
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        );
    }
    if let Some(word) = text(schema, "const") {
        return Some(vec![word.to_owned()]);
    }
    // variants with documentation stand alone, those without stand together
    let alternatives = schema.get("oneOf").and_then(Value::as_array)?;
    let words: Option<Vec<_>> = alternatives.iter().map(words).collect();
    words.map(|words| words.concat())
}

fn text<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Serialize;

    use super::*;

    /// The whole.
    #[derive(Default, Serialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    struct Sample {
        /// How many.
        slots: u32,
        /// Where to.
        target_folder: Option<String>,
        /// The inner one.
        inner: Option<Inner>,
        level: Level,
        names: Vec<String>,
        globals: Map<String, Value>,
    }

    #[derive(Default, Serialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        /// Quietly.
        no_noise: bool,
    }

    #[derive(Default, Serialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Level {
        #[default]
        Low,
        /// Very high.
        #[allow(dead_code, reason = "only its documentation is read")]
        High,
    }

    fn settings() -> Settings {
        let defaults = serde_json::to_value(Sample {
            inner: Some(Inner::default()),
            ..Sample::default()
        })
        .unwrap();
        Settings::new(schemars::schema_for!(Sample).as_value(), &defaults)
    }

    #[test]
    fn each_setting_has_a_path_a_form_a_default_and_a_variable() {
        let settings = settings();
        let seen: Vec<_> = settings
            .iter()
            .map(|s| {
                (
                    s.name(),
                    s.form.clone(),
                    s.default.to_string(),
                    s.variable(),
                )
            })
            .collect();
        let expected = [
            ("slots", Form::Integer, "0", "FLOWMILL_SLOTS"),
            (
                "target-folder",
                Form::Text,
                "null",
                "FLOWMILL_TARGET_FOLDER",
            ),
            (
                "inner.no-noise",
                Form::Flag,
                "false",
                "FLOWMILL_INNER_NO_NOISE",
            ),
            (
                "level",
                Form::Choice(vec!["low".into(), "high".into()]),
                "\"low\"",
                "FLOWMILL_LEVEL",
            ),
            ("names", Form::List, "[]", "FLOWMILL_NAMES"),
            ("globals", Form::Map, "{}", "FLOWMILL_GLOBALS"),
        ];
        let expected = expected.map(|(name, form, default, variable)| {
            (
                name.to_owned(),
                form,
                default.to_owned(),
                variable.to_owned(),
            )
        });
        assert_eq!(seen, expected);
        assert_eq!(
            settings
                .by_variable("FLOWMILL_INNER_NO_NOISE")
                .unwrap()
                .documentation,
            "Quietly."
        );
    }

    #[test]
    fn a_member_is_found_in_whatever_way_its_words_are_joined() {
        let settings = settings();
        let whole = settings.section(&[]).unwrap();
        for written in ["target-folder", "targetFolder", "target_folder"] {
            assert_eq!(whole.member(written), Some("target-folder"));
        }
        assert_eq!(whole.member("folder"), None);
    }
}
