//! A safe face for DuckDB's C interface: libraries, databases, connections, statements, results. Everything closes itself
//! when dropped, and borrows what it needs.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;

use serde_json::Value as Json;

use crate::ffi::{self, Api, Handle, QueryResult};
use crate::types::Type;
use crate::vector::Chunk;

/// What DuckDB says went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) out_of_memory: bool,
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            out_of_memory: false,
        }
    }
}

/// The loaded library.
pub(crate) struct Library {
    api: Api,
}

impl Library {
    /// Loads the library at `path`, or of that name if it is bare.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        // SAFETY: loading runs the library's initialisers. The operator chose this file to be DuckDB's library, and this is a
        // process of its own.
        let library = unsafe { libloading::Library::new(path) }
            .map_err(|error| Error::new(error.to_string()))?;
        // SAFETY: the operator chose this file to be DuckDB's library; a library that lacks a function is refused.
        let api = unsafe { Api::of(library) }.map_err(|error| {
            Error::new(format!(
                "this is no DuckDB library of version 1.2 or newer: {error}"
            ))
        })?;
        Ok(Self { api })
    }

    /// `v1.5.6`
    pub(crate) fn version(&self) -> String {
        // SAFETY: the function takes nothing and gives a static text.
        unsafe { text((self.api.library_version)()) }.unwrap_or_default()
    }

    /// Opens a database under some settings.
    pub(crate) fn open(
        &self,
        path: &str,
        settings: &[(&str, String)],
    ) -> Result<Database<'_>, Error> {
        let api = &self.api;
        let path = c_string(path)?;
        let mut config = Config {
            api,
            handle: ptr::null_mut(),
        };
        // SAFETY: the out-pointer is valid; the handle is destroyed by `Config`.
        if unsafe { (api.create_config)(&mut config.handle) } != 0 {
            return Err(Error::new("cannot make a configuration for DuckDB"));
        }
        for (name, value) in settings {
            let (c_name, c_value) = (c_string(name)?, c_string(value)?);
            // SAFETY: the configuration is live, both texts end in NUL and outlive the call.
            if unsafe { (api.set_config)(config.handle, c_name.as_ptr(), c_value.as_ptr()) } != 0 {
                return Err(Error::new(format!(
                    "DuckDB refuses the setting `{name}` = `{value}`"
                )));
            }
        }
        let mut database = Database {
            api,
            handle: ptr::null_mut(),
        };
        let mut message: *mut c_char = ptr::null_mut();
        // SAFETY: path and configuration are live, the out-pointers valid; `Database` closes the handle.
        let state = unsafe {
            (api.open_ext)(
                path.as_ptr(),
                &mut database.handle,
                config.handle,
                &mut message,
            )
        };
        // SAFETY: the message is null or a text that is ours to free.
        let message = unsafe { owned_text(api, message) };
        if state != 0 {
            return Err(Error::new(
                message.unwrap_or_else(|| "cannot open the database".to_owned()),
            ));
        }
        Ok(database)
    }
}

struct Config<'lib> {
    api: &'lib Api,
    handle: Handle,
}

impl Drop for Config<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `create_config` or null, destroyed once.
        unsafe { (self.api.destroy_config)(&mut self.handle) }
    }
}

/// An open database.
pub(crate) struct Database<'lib> {
    api: &'lib Api,
    handle: Handle,
}

impl Database<'_> {
    pub(crate) fn connect(&self) -> Result<Connection<'_>, Error> {
        let mut connection = Connection {
            api: self.api,
            handle: ptr::null_mut(),
        };
        // SAFETY: the database is open, the out-pointer valid; `Connection` disconnects the handle.
        if unsafe { (self.api.connect)(self.handle, &mut connection.handle) } != 0 {
            return Err(Error::new("cannot connect to the database"));
        }
        Ok(connection)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `open_ext` or null, closed once, after its connections, which borrow it.
        unsafe { (self.api.close)(&mut self.handle) }
    }
}

/// A session.
pub(crate) struct Connection<'db> {
    api: &'db Api,
    handle: Handle,
}

impl Connection<'_> {
    /// Parses a text into its statements.
    pub(crate) fn extract(&self, sql: &str) -> Result<Statements<'_>, Error> {
        let sql = c_string(sql)?;
        let mut statements = Statements {
            connection: self,
            handle: ptr::null_mut(),
            count: 0,
        };
        // SAFETY: the connection is live, the text ends in NUL, the out-pointer is valid; `Statements` destroys the handle.
        statements.count = unsafe {
            (self.api.extract_statements)(self.handle, sql.as_ptr(), &mut statements.handle)
        };
        // SAFETY: the handle was just filled; its error text lives as long as it.
        let error = unsafe { text((self.api.extract_statements_error)(statements.handle)) };
        match error {
            Some(message) if !message.is_empty() => Err(Error::new(message)),
            _ => Ok(statements),
        }
    }

    /// Runs a statement of our own, whose rows do not matter.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), Error> {
        let statements = self.extract(sql)?;
        for index in 0..statements.count() {
            statements.prepare(index)?.execute()?;
        }
        Ok(())
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `connect` or null, disconnected once, after its statements, which borrow it.
        unsafe { (self.api.disconnect)(&mut self.handle) }
    }
}

/// Parsed statements.
pub(crate) struct Statements<'con> {
    connection: &'con Connection<'con>,
    handle: Handle,
    count: u64,
}

impl Statements<'_> {
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Plans one of them, which what ran before may have made possible.
    pub(crate) fn prepare(&self, index: u64) -> Result<Prepared<'_>, Error> {
        let api = self.connection.api;
        let mut prepared = Prepared {
            api,
            handle: ptr::null_mut(),
        };
        // SAFETY: connection and statements are live, the out-pointer is valid; `Prepared` destroys the handle.
        let state = unsafe {
            (api.prepare_extracted_statement)(
                self.connection.handle,
                self.handle,
                index,
                &mut prepared.handle,
            )
        };
        if state == 0 {
            return Ok(prepared);
        }
        // SAFETY: the handle was filled even on failure, and its error text lives as long as it.
        let message = unsafe { text((api.prepare_error)(prepared.handle)) };
        Err(Error::new(message.unwrap_or_else(|| {
            "cannot prepare the statement".to_owned()
        })))
    }
}

impl Drop for Statements<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `extract_statements`, destroyed once.
        unsafe { (self.connection.api.destroy_extracted)(&mut self.handle) }
    }
}

/// A planned statement.
pub(crate) struct Prepared<'con> {
    api: &'con Api,
    handle: Handle,
}

impl<'con> Prepared<'con> {
    /// The names of its parameters, in their order; positional ones are called `1`, `2` ….
    pub(crate) fn parameter_names(&self) -> Vec<String> {
        // SAFETY: the statement is live.
        let count = unsafe { (self.api.nparams)(self.handle) };
        (1..=count)
            .map(|index| {
                // SAFETY: the index is in range; the text is ours to free.
                unsafe {
                    owned_text(
                        self.api,
                        (self.api.parameter_name)(self.handle, index).cast_mut(),
                    )
                }
                .unwrap_or_default()
            })
            .collect()
    }

    /// Binds a parameter, counted from 1. Lists of one kind of scalar become LISTs, other lists and objects JSON text.
    pub(crate) fn bind(&mut self, index: u64, value: &Json) -> Result<(), Error> {
        let value = Value::of(self.api, value);
        // SAFETY: statement and value are live; DuckDB copies the value.
        let state = unsafe { (self.api.bind_value)(self.handle, index, value.handle) };
        if state == 0 {
            return Ok(());
        }
        // SAFETY: the statement is live, its error text lives as long as it.
        let message = unsafe { text((self.api.prepare_error)(self.handle)) };
        Err(Error::new(
            message.unwrap_or_else(|| "cannot bind the parameter".to_owned()),
        ))
    }

    /// Runs it. Rows are computed while they are fetched, if the library can.
    pub(crate) fn execute(self) -> Result<ResultSet<'con>, Error> {
        let execute = self
            .api
            .execute_prepared_streaming
            .unwrap_or(self.api.execute_prepared);
        let api = self.api;
        let mut result = ResultSet {
            api,
            raw: QueryResult::EMPTY,
            _statement: self,
        };
        // SAFETY: the statement is live, the result zeroed; `ResultSet` destroys it.
        let state = unsafe { execute(result._statement.handle, &mut result.raw) };
        match state {
            0 => Ok(result),
            _ => Err(result
                .error()
                .unwrap_or_else(|| Error::new("the statement failed without a message"))),
        }
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `prepare_extracted_statement`, destroyed once.
        unsafe { (self.api.destroy_prepare)(&mut self.handle) }
    }
}

/// What a statement gave.
pub(crate) struct ResultSet<'con> {
    api: &'con Api,
    raw: QueryResult,
    /// A streamed result is still being computed by its statement.
    _statement: Prepared<'con>,
}

impl ResultSet<'_> {
    /// Whether it is a set of rows, rather than a count of changed ones or nothing.
    pub(crate) fn has_rows(&self) -> bool {
        // SAFETY: the result is live; it is passed by value as the C interface wants, and stays ours.
        unsafe { (self.api.result_return_type)(self.raw) == ffi::RESULT_TYPE_QUERY_RESULT }
    }

    pub(crate) fn changed_rows(&mut self) -> u64 {
        // SAFETY: the result is live.
        unsafe { (self.api.rows_changed)(&mut self.raw) }
    }

    /// Names and types of the columns.
    pub(crate) fn columns(&mut self) -> Vec<(String, Type)> {
        // SAFETY: the result is live.
        let count = unsafe { (self.api.column_count)(&mut self.raw) };
        (0..count)
            .map(|index| {
                // SAFETY: the index is in range; the name lives as long as the result, the type is ours to destroy.
                unsafe {
                    let name =
                        text((self.api.column_name)(&mut self.raw, index)).unwrap_or_default();
                    let kind = (self.api.column_logical_type)(&mut self.raw, index);
                    (name, Type::of_handle(self.api, kind))
                }
            })
            .collect()
    }

    /// The next rows, `None` at the end. `types` are those of [`ResultSet::columns`].
    pub(crate) fn next_chunk<'types>(
        &mut self,
        types: &'types [Type],
    ) -> Result<Option<Chunk<'_, 'types>>, Error> {
        // SAFETY: the result is live; it is passed by value as the C interface wants. The chunk is destroyed by `Chunk`.
        let handle = unsafe { (self.api.fetch_chunk)(self.raw) };
        if handle.is_null() {
            return match self.error() {
                Some(error) => Err(error),
                None => Ok(None),
            };
        }
        // SAFETY: the handle is a live chunk of this result, whose column types these are.
        Ok(Some(unsafe { Chunk::of_handle(self.api, handle, types) }))
    }

    fn error(&mut self) -> Option<Error> {
        // SAFETY: the result is live or empty; the error text lives as long as it.
        let (message, kind) = unsafe {
            (
                text((self.api.result_error)(&mut self.raw)),
                (self.api.result_error_type)(&mut self.raw),
            )
        };
        message
            .filter(|message| !message.is_empty())
            .map(|message| Error {
                out_of_memory: kind == ffi::ERROR_OUT_OF_MEMORY
                    || message.contains("Out of Memory"),
                message,
            })
    }
}

impl Drop for ResultSet<'_> {
    fn drop(&mut self) {
        // SAFETY: filled by `execute_prepared` or empty, destroyed once.
        unsafe { (self.api.destroy_result)(&mut self.raw) }
    }
}

/// A value to bind.
struct Value<'lib> {
    api: &'lib Api,
    handle: Handle,
}

impl<'lib> Value<'lib> {
    fn of(api: &'lib Api, json: &Json) -> Self {
        // SAFETY: each function copies what it is given; the handle is destroyed by `Value`.
        let handle = unsafe {
            match json {
                Json::Null => (api.create_null_value)(),
                Json::Bool(value) => (api.create_bool)(*value),
                Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                    (Some(value), _) => (api.create_int64)(value),
                    (None, Some(value)) => (api.create_uint64)(value),
                    (None, None) => (api.create_double)(number.as_f64().unwrap_or(f64::NAN)),
                },
                Json::String(text) => varchar(api, text),
                Json::Array(items) => match element_type(items) {
                    Some(element) => return Self::list(api, element, items),
                    None => varchar(api, &json.to_string()),
                },
                Json::Object(_) => varchar(api, &json.to_string()),
            }
        };
        Self { api, handle }
    }

    fn list(api: &'lib Api, element: i32, items: &[Json]) -> Self {
        let values: Vec<Value<'_>> = items.iter().map(|item| Self::of(api, item)).collect();
        let mut handles: Vec<Handle> = values.iter().map(|value| value.handle).collect();
        // SAFETY: type and values are live until after the call, which copies them; the type is destroyed once.
        let handle = unsafe {
            let mut element = (api.create_logical_type)(element);
            let list = (api.create_list_value)(element, handles.as_mut_ptr(), handles.len() as u64);
            (api.destroy_logical_type)(&mut element);
            list
        };
        Self { api, handle }
    }
}

impl Drop for Value<'_> {
    fn drop(&mut self) {
        // SAFETY: made by one of the `create_` functions, destroyed once.
        unsafe { (self.api.destroy_value)(&mut self.handle) }
    }
}

/// The type that all items have, nulls aside; `None` if they have no common one.
fn element_type(items: &[Json]) -> Option<i32> {
    let mut common = None;
    for item in items {
        let kind = match item {
            Json::Null => continue,
            Json::Bool(_) => ffi::type_id::BOOLEAN,
            Json::Number(number) if number.is_i64() => ffi::type_id::BIGINT,
            Json::Number(_) => ffi::type_id::DOUBLE,
            Json::String(_) => ffi::type_id::VARCHAR,
            Json::Array(_) | Json::Object(_) => return None,
        };
        common = match common {
            None => Some(kind),
            Some(known) if known == kind => Some(known),
            Some(ffi::type_id::BIGINT | ffi::type_id::DOUBLE)
                if matches!(kind, ffi::type_id::BIGINT | ffi::type_id::DOUBLE) =>
            {
                Some(ffi::type_id::DOUBLE)
            }
            Some(_) => return None,
        };
    }
    Some(common.unwrap_or(ffi::type_id::VARCHAR))
}

/// # Safety
/// `api` must be a loaded library's; the handle is the caller's to destroy.
unsafe fn varchar(api: &Api, text: &str) -> Handle {
    // SAFETY: pointer and length are the text's; DuckDB copies it.
    unsafe { (api.create_varchar_length)(text.as_ptr().cast(), text.len() as u64) }
}

fn c_string(text: &str) -> Result<CString, Error> {
    CString::new(text)
        .map_err(|_| Error::new(format!("`{}` holds a NUL character", text.escape_debug())))
}

/// A copy of a text that stays the library's.
///
/// # Safety
/// `pointer` must be null or a live text that ends in NUL.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    Some(
        unsafe { CStr::from_ptr(pointer) }
            .to_string_lossy()
            .into_owned(),
    )
}

/// A copy of a text that is ours, which is freed.
///
/// # Safety
/// `pointer` must be null or a text from DuckDB's allocator that ends in NUL and is used by nobody else.
pub(crate) unsafe fn owned_text(api: &Api, pointer: *mut c_char) -> Option<String> {
    // SAFETY: the caller vouches for it.
    let copy = unsafe { text(pointer) };
    // SAFETY: the text came from DuckDB's allocator; null is allowed.
    unsafe { (api.free)(pointer.cast()) };
    copy
}
