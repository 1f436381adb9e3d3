//! DuckDB's C interface, as far as it is used, with symbols looked up at run time. The names and layouts are those of
//! `duckdb.h` (all stable since 1.2; checked against 1.5.6). Nothing here is safe: see [`database`](crate::database).

use std::ffi::{c_char, c_void};

use libloading::Library;

/// An opaque object of DuckDB's.
pub(crate) type Handle = *mut c_void;

/// `duckdb_state`: 0 is success.
pub(crate) type State = i32;

/// `duckdb_result`: opaque but for its size, for it lives in the caller's memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct QueryResult {
    deprecated_column_count: u64,
    deprecated_row_count: u64,
    deprecated_rows_changed: u64,
    deprecated_columns: *mut c_void,
    deprecated_error_message: *mut c_char,
    internal_data: *mut c_void,
}

impl QueryResult {
    /// All zero, as the C interface wants it before it fills it.
    pub(crate) const EMPTY: Self = Self {
        deprecated_column_count: 0,
        deprecated_row_count: 0,
        deprecated_rows_changed: 0,
        deprecated_columns: std::ptr::null_mut(),
        deprecated_error_message: std::ptr::null_mut(),
        internal_data: std::ptr::null_mut(),
    };
}

/// `duckdb_result_type` of a result that has rows.
pub(crate) const RESULT_TYPE_QUERY_RESULT: i32 = 3;
/// `duckdb_error_type` of an error for want of memory.
pub(crate) const ERROR_OUT_OF_MEMORY: i32 = 33;

/// The values of `duckdb_type`.
#[allow(missing_docs)]
pub(crate) mod type_id {
    pub(crate) const BOOLEAN: i32 = 1;
    pub(crate) const TINYINT: i32 = 2;
    pub(crate) const SMALLINT: i32 = 3;
    pub(crate) const INTEGER: i32 = 4;
    pub(crate) const BIGINT: i32 = 5;
    pub(crate) const UTINYINT: i32 = 6;
    pub(crate) const USMALLINT: i32 = 7;
    pub(crate) const UINTEGER: i32 = 8;
    pub(crate) const UBIGINT: i32 = 9;
    pub(crate) const FLOAT: i32 = 10;
    pub(crate) const DOUBLE: i32 = 11;
    pub(crate) const TIMESTAMP: i32 = 12;
    pub(crate) const DATE: i32 = 13;
    pub(crate) const TIME: i32 = 14;
    pub(crate) const INTERVAL: i32 = 15;
    pub(crate) const HUGEINT: i32 = 16;
    pub(crate) const VARCHAR: i32 = 17;
    pub(crate) const BLOB: i32 = 18;
    pub(crate) const DECIMAL: i32 = 19;
    pub(crate) const TIMESTAMP_S: i32 = 20;
    pub(crate) const TIMESTAMP_MS: i32 = 21;
    pub(crate) const TIMESTAMP_NS: i32 = 22;
    pub(crate) const ENUM: i32 = 23;
    pub(crate) const LIST: i32 = 24;
    pub(crate) const STRUCT: i32 = 25;
    pub(crate) const MAP: i32 = 26;
    pub(crate) const UUID: i32 = 27;
    pub(crate) const UNION: i32 = 28;
    pub(crate) const BIT: i32 = 29;
    pub(crate) const TIME_TZ: i32 = 30;
    pub(crate) const TIMESTAMP_TZ: i32 = 31;
    pub(crate) const UHUGEINT: i32 = 32;
    pub(crate) const ARRAY: i32 = 33;
    pub(crate) const BIGNUM: i32 = 35;
    pub(crate) const SQLNULL: i32 = 36;
    pub(crate) const TIME_NS: i32 = 39;
    pub(crate) const GEOMETRY: i32 = 40;
    pub(crate) const VARIANT: i32 = 41;
}

macro_rules! api {
    ($( $name:ident: fn($($argument:ty),*) $(-> $result:ty)?; )*) => {
        /// The functions of one loaded library, without their `duckdb_` prefix.
        pub(crate) struct Api {
            $( pub(crate) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?, )*
            /// Since DuckDB 0.10, and marked as to go: without it results are held in memory whole.
            pub(crate) execute_prepared_streaming: Option<unsafe extern "C" fn(Handle, *mut QueryResult) -> State>,
        }

        impl Api {
            /// Looks all functions up. The library is never unloaded: DuckDB's threads and destructors may still run in it.
            ///
            /// # Safety
            /// `library` must be DuckDB's: its functions are taken to have the signatures written here.
            pub(crate) unsafe fn of(library: Library) -> Result<Self, libloading::Error> {
                let api = Self {
                    $( $name: {
                        // SAFETY: the caller vouches for the library; the signature is `duckdb.h`'s.
                        *unsafe {
                            library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(
                                concat!("duckdb_", stringify!($name)),
                            )
                        }?
                    }, )*
                    // SAFETY: as above.
                    execute_prepared_streaming: unsafe { library.get("duckdb_execute_prepared_streaming") }
                        .map(|symbol| *symbol)
                        .ok(),
                };
                std::mem::forget(library);
                Ok(api)
            }
        }
    };
}

api! {
    library_version: fn() -> *const c_char;
    free: fn(*mut c_void);

    create_config: fn(*mut Handle) -> State;
    set_config: fn(Handle, *const c_char, *const c_char) -> State;
    destroy_config: fn(*mut Handle);
    open_ext: fn(*const c_char, *mut Handle, Handle, *mut *mut c_char) -> State;
    close: fn(*mut Handle);
    connect: fn(Handle, *mut Handle) -> State;
    disconnect: fn(*mut Handle);

    extract_statements: fn(Handle, *const c_char, *mut Handle) -> u64;
    extract_statements_error: fn(Handle) -> *const c_char;
    destroy_extracted: fn(*mut Handle);
    prepare_extracted_statement: fn(Handle, Handle, u64, *mut Handle) -> State;
    prepare_error: fn(Handle) -> *const c_char;
    destroy_prepare: fn(*mut Handle);
    nparams: fn(Handle) -> u64;
    parameter_name: fn(Handle, u64) -> *const c_char;
    bind_value: fn(Handle, u64, Handle) -> State;
    execute_prepared: fn(Handle, *mut QueryResult) -> State;

    create_null_value: fn() -> Handle;
    create_bool: fn(bool) -> Handle;
    create_int64: fn(i64) -> Handle;
    create_uint64: fn(u64) -> Handle;
    create_double: fn(f64) -> Handle;
    create_varchar_length: fn(*const c_char, u64) -> Handle;
    create_list_value: fn(Handle, *mut Handle, u64) -> Handle;
    destroy_value: fn(*mut Handle);

    result_error: fn(*mut QueryResult) -> *const c_char;
    result_error_type: fn(*mut QueryResult) -> i32;
    result_return_type: fn(QueryResult) -> i32;
    rows_changed: fn(*mut QueryResult) -> u64;
    column_count: fn(*mut QueryResult) -> u64;
    column_name: fn(*mut QueryResult, u64) -> *const c_char;
    column_logical_type: fn(*mut QueryResult, u64) -> Handle;
    fetch_chunk: fn(QueryResult) -> Handle;
    destroy_result: fn(*mut QueryResult);

    data_chunk_get_size: fn(Handle) -> u64;
    data_chunk_get_vector: fn(Handle, u64) -> Handle;
    destroy_data_chunk: fn(*mut Handle);
    vector_get_data: fn(Handle) -> *mut c_void;
    vector_get_validity: fn(Handle) -> *mut u64;
    list_vector_get_child: fn(Handle) -> Handle;
    list_vector_get_size: fn(Handle) -> u64;
    struct_vector_get_child: fn(Handle, u64) -> Handle;
    array_vector_get_child: fn(Handle) -> Handle;

    create_logical_type: fn(i32) -> Handle;
    destroy_logical_type: fn(*mut Handle);
    get_type_id: fn(Handle) -> i32;
    logical_type_get_alias: fn(Handle) -> *mut c_char;
    decimal_width: fn(Handle) -> u8;
    decimal_scale: fn(Handle) -> u8;
    decimal_internal_type: fn(Handle) -> i32;
    enum_internal_type: fn(Handle) -> i32;
    enum_dictionary_size: fn(Handle) -> u32;
    enum_dictionary_value: fn(Handle, u64) -> *mut c_char;
    list_type_child_type: fn(Handle) -> Handle;
    array_type_child_type: fn(Handle) -> Handle;
    array_type_array_size: fn(Handle) -> u64;
    map_type_key_type: fn(Handle) -> Handle;
    map_type_value_type: fn(Handle) -> Handle;
    struct_type_child_count: fn(Handle) -> u64;
    struct_type_child_name: fn(Handle, u64) -> *mut c_char;
    struct_type_child_type: fn(Handle, u64) -> Handle;
    union_type_member_count: fn(Handle) -> u64;
    union_type_member_name: fn(Handle, u64) -> *mut c_char;
    union_type_member_type: fn(Handle, u64) -> Handle;
}
