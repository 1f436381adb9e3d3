//! Functions that ask the host.

use crate::evaluate::Call;
use crate::filters::{java_text, wrong_class};
use crate::formats::json_read;
use crate::host::{FileNeed, HttpNeed, Need, SubflowNeed};
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "secret",
        parameters: Parameters::Names(&["key", "namespace", "subkey"]),
        doc: Doc {
            signature: "secret(key, namespace, subkey)",
            text: "A secret of the flow's namespace or of another one; with `subkey` one entry of a secret that is a JSON map. \
                   It is masked in logs.",
            example: "{{ secret('API_KEY') }}",
            result: "the-key",
        },
        run: secret,
    },
    Function {
        name: "kv",
        parameters: Parameters::Names(&["key", "namespace", "errorOnMissing"]),
        doc: Doc {
            signature: "kv(key, namespace, errorOnMissing=true)",
            text: "A value of the key-value store, with its type.",
            example: "{{ kv('limit') + 1 }}",
            result: "43",
        },
        run: kv,
    },
    Function {
        name: "read",
        parameters: Parameters::Names(&["path", "namespace", "version"]),
        doc: Doc {
            signature: "read(path, namespace, version)",
            text: "The content of a namespace file, or of a file of this execution given by its `kestra://` address.",
            example: "{{ read('hello.txt') }}",
            result: "Hello",
        },
        run: |call| {
            let need = file(
                call,
                "read",
                "a namespace file or an internal storage URI",
                true,
            )?;
            found(call, Need::Read(need.clone()), &need)
        },
    },
    Function {
        name: "fileSize",
        parameters: Parameters::Names(&["path", "namespace"]),
        doc: Doc {
            signature: "fileSize(path, namespace)",
            text: "The size of a file in bytes.",
            example: "{{ fileSize('hello.txt') }}",
            result: "5",
        },
        run: |call| {
            let need = file(call, "fileSize", "the internal storage URI", false)?;
            found(call, Need::FileSize(need.clone()), &need)
        },
    },
    Function {
        name: "fileExists",
        parameters: Parameters::Names(&["path", "namespace"]),
        doc: Doc {
            signature: "fileExists(path, namespace)",
            text: "Whether a file exists.",
            example: "{{ fileExists('hello.txt') }}",
            result: "true",
        },
        run: |call| {
            let need = file(call, "fileExists", "the internal storage URI", false)?;
            Ok(call
                .session()
                .ask(Need::FileExists(need))?
                .unwrap_or(Value::Bool(false)))
        },
    },
    Function {
        name: "isFileEmpty",
        parameters: Parameters::Names(&["path", "namespace"]),
        doc: Doc {
            signature: "isFileEmpty(path, namespace)",
            text: "Whether a file has no content.",
            example: "{{ isFileEmpty('hello.txt') }}",
            result: "false",
        },
        run: |call| {
            let need = file(
                call,
                "isFileEmpty",
                "a namespace file or an internal storage URI",
                false,
            )?;
            found(call, Need::IsFileEmpty(need.clone()), &need)
        },
    },
    Function {
        name: "errorLogs",
        parameters: Parameters::None,
        doc: Doc {
            signature: "errorLogs()",
            text: "The error logs of this execution, as a list.",
            example: "{{ errorLogs() | length }}",
            result: "",
        },
        run: |call| match call.session().ask(Need::ErrorLogs)? {
            Some(logs) => Ok(logs),
            None => Err(Error::evaluation(
                "The 'errorLogs' function can only be used in the Worker as it access logs from the database.",
            )),
        },
    },
    Function {
        name: "http",
        parameters: Parameters::Names(&[
            "uri",
            "method",
            "query",
            "body",
            "contentType",
            "headers",
            "options",
            "accept",
        ]),
        doc: Doc {
            signature: "http(uri, method='GET', query, body, contentType='application/json', headers, options, accept)",
            text: "The body of a response, read by its content type.",
            example: "{{ http('https://example.com/users.json').items | length }}",
            result: "",
        },
        run: http,
    },
    Function {
        name: "subflow",
        parameters: Parameters::Names(&[
            "namespace",
            "id",
            "inputs",
            "revision",
            "labels",
            "timeout",
        ]),
        doc: Doc {
            signature: "subflow(namespace, id, inputs, revision, labels, timeout)",
            text: "Runs a flow while the inputs of another are rendered, and waits for its outputs.",
            example: "{{ subflow('company.team', 'list-regions').outputs.regions }}",
            result: "",
        },
        run: subflow,
    },
];

/// A text argument; `None` when it is missing or null.
fn text(call: &Call<'_, '_>, index: usize) -> Result<Option<String>, Error> {
    match call.get(index) {
        None => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text.to_string())),
        Some(other) => Err(wrong_class(other, "java.lang.String")),
    }
}

/// An argument as JSON; null when it is missing.
fn json(call: &Call<'_, '_>, index: usize) -> Result<serde_json::Value, Error> {
    call.get(index)
        .map_or(Ok(serde_json::Value::Null), Value::to_json)
}

fn secret(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let Some(key) = text(call, 0)? else {
        return Err(Error::evaluation(
            "The 'secret' function expects an argument 'key'.",
        ));
    };
    let need = Need::Secret {
        key: key.clone(),
        namespace: text(call, 1)?,
    };
    let missing = || Error::evaluation(format!("Cannot find secret for key '{key}'."));
    let secret = call.session().ask(need)?.ok_or_else(missing)?;
    let Some(subkey) = text(call, 2)? else {
        return Ok(secret);
    };
    let missing = || {
        Error::evaluation(format!(
            "Cannot find secret sub-key '{subkey}' in secret '{key}'."
        ))
    };
    let map = json_read::read_first(
        secret.as_str().unwrap_or_default(),
        call.session().limits().value_depth,
    );
    let part = map
        .ok()
        .unwrap_or_default()
        .get(&subkey)?
        .ok_or_else(missing)?;
    call.session().host.reveal(&java_text(call, &part)?);
    Ok(part)
}

fn kv(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let Some(key) = text(call, 0)? else {
        return Err(Error::evaluation(
            "The 'kv' function expects an argument 'key'.",
        ));
    };
    let namespace = text(call, 1)?;
    let need = Need::Kv {
        key: key.clone(),
        namespace: namespace.clone(),
    };
    if let Some(value) = call.session().ask(need)? {
        return Ok(value);
    }
    if call
        .get(2)
        .is_some_and(|flag| !crate::evaluate::is_true(flag))
    {
        return Ok(Value::Null);
    }
    let namespace = namespace_or_own(call, namespace)?;
    Err(Error::evaluation(format!(
        "The key '{key}' does not exist in the namespace '{namespace}'."
    )))
}

fn namespace_or_own(call: &Call<'_, '_>, namespace: Option<String>) -> Result<String, Error> {
    match namespace {
        Some(namespace) => Ok(namespace),
        None => Ok(call
            .context_text(["flow", "namespace"])?
            .unwrap_or_default()),
    }
}

fn file(
    call: &Call<'_, '_>,
    function: &str,
    what: &str,
    versioned: bool,
) -> Result<FileNeed, Error> {
    let missing =
        format!("The '{function}' function expects an argument 'path' that is a path to {what}.");
    let path = call.require(0, &missing)?;
    let Some(path) = path.as_str() else {
        return Err(Error::evaluation(format!(
            "Unable to read the file {}",
            java_text(call, path)?
        )));
    };
    let version = match call.get(2) {
        Some(version) if versioned => Some(
            version
                .as_int()
                .ok_or_else(|| wrong_class(version, "java.lang.Integer"))?,
        ),
        _ => None,
    };
    Ok(FileNeed {
        path: path.to_owned(),
        namespace: text(call, 1)?,
        version,
    })
}

/// The answer about a file that must exist.
fn found(call: &Call<'_, '_>, need: Need, file: &FileNeed) -> Result<Value, Error> {
    if let Some(value) = call.session().ask(need)? {
        return Ok(value);
    }
    if file.path.contains("://") {
        let message = format!(
            "Unable to read the file '{}' as it does not exist",
            file.path
        );
        return Err(Error::evaluation(message));
    }
    let namespace = namespace_or_own(call, file.namespace.clone())?;
    let path = file.path.trim_start_matches('/');
    Err(Error::evaluation(format!(
        "File '/{path}' was not found in namespace '{namespace}'."
    )))
}

fn http(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let uri = call.require(0, "The 'http' function expects an argument 'uri'.")?;
    let need = HttpNeed {
        uri: java_text(call, uri)?,
        method: text(call, 1)?
            .unwrap_or_else(|| "GET".to_owned())
            .to_uppercase(),
        query: json(call, 2)?,
        body: json(call, 3)?,
        content_type: text(call, 4)?.unwrap_or_else(|| "application/json".to_owned()),
        headers: json(call, 5)?,
        options: json(call, 6)?,
        accept: text(call, 7)?,
    };
    Ok(call
        .session()
        .ask(Need::Http(Box::new(need)))?
        .unwrap_or_default())
}

fn subflow(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let (Some(namespace), Some(id)) = (text(call, 0)?, text(call, 1)?) else {
        return Err(Error::evaluation(
            "The 'subflow' function expects the arguments 'namespace' and 'id'.",
        ));
    };
    if call.variable("taskrun")?.is_some() || call.variable("trigger")?.is_some() {
        return Err(Error::evaluation(
            "The 'subflow' function can only be used at flow-input render time (e.g. an input's 'values'); \
             it is not supported inside task or trigger properties.",
        ));
    }
    let revision = match call.get(3) {
        None => None,
        Some(revision) => Some(
            revision
                .as_int()
                .ok_or_else(|| wrong_class(revision, "java.lang.Integer"))?,
        ),
    };
    let need = SubflowNeed {
        namespace: namespace.clone(),
        id: id.clone(),
        inputs: json(call, 2)?,
        revision,
        labels: json(call, 4)?,
        timeout: text(call, 5)?,
    };
    let missing = || Error::evaluation(format!("Unable to find flow '{namespace}'.'{id}'."));
    call.session()
        .ask(Need::Subflow(Box::new(need)))?
        .ok_or_else(missing)
}
