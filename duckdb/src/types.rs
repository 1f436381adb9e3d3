//! The types of columns, copied out of DuckDB's handles.

use std::ffi::c_char;

use crate::database::owned_text;
use crate::ffi::{Api, Handle, type_id};

/// A type, with what is needed to read and name its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    TinyInt,
    SmallInt,
    Integer,
    BigInt,
    HugeInt,
    UTinyInt,
    USmallInt,
    UInteger,
    UBigInt,
    UHugeInt,
    Bignum,
    Float,
    Double,
    Decimal {
        width: u8,
        scale: u8,
        storage: Storage,
    },
    Varchar,
    Json,
    Blob,
    Geometry,
    Bit,
    Uuid,
    Date,
    Time,
    TimeNanos,
    TimeTz,
    Timestamp,
    TimestampSeconds,
    TimestampMillis,
    TimestampNanos,
    TimestampTz,
    Interval,
    Enum {
        labels: Vec<String>,
        storage: Storage,
    },
    List(Box<Type>),
    Array(Box<Type>, usize),
    Map(Box<Type>, Box<Type>),
    Struct(Vec<(String, Type)>),
    Union(Vec<(String, Type)>),
    /// One that has no form as a value; the name DuckDB has for it.
    Unreadable(&'static str),
}

/// The integers that decimals and enums are kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Int8,
    Int16,
    Int32,
    Int64,
    Int128,
}

impl Type {
    /// Copies a type, and destroys its handle.
    ///
    /// # Safety
    /// `handle` must be a live logical type of this library that nobody else destroys.
    pub(crate) unsafe fn of_handle(api: &Api, handle: Handle) -> Self {
        let mut owned = handle;
        // SAFETY: the handle is live until after the copy, and destroyed once.
        unsafe {
            let kind = Self::copy(api, handle);
            (api.destroy_logical_type)(&mut owned);
            kind
        }
    }

    /// # Safety
    /// `handle` must be a live logical type of this library.
    unsafe fn copy(api: &Api, handle: Handle) -> Self {
        // SAFETY: the handle is live; functions on the parts of a type are called only for types of that kind; each child
        // type is ours to destroy, each name ours to free.
        unsafe {
            let child = |child: Handle| Box::new(Self::of_handle(api, child));
            let name = |name: *mut c_char| owned_text(api, name).unwrap_or_default();
            match (api.get_type_id)(handle) {
                type_id::SQLNULL => Self::Null,
                type_id::BOOLEAN => Self::Boolean,
                type_id::TINYINT => Self::TinyInt,
                type_id::SMALLINT => Self::SmallInt,
                type_id::INTEGER => Self::Integer,
                type_id::BIGINT => Self::BigInt,
                type_id::HUGEINT => Self::HugeInt,
                type_id::UTINYINT => Self::UTinyInt,
                type_id::USMALLINT => Self::USmallInt,
                type_id::UINTEGER => Self::UInteger,
                type_id::UBIGINT => Self::UBigInt,
                type_id::UHUGEINT => Self::UHugeInt,
                type_id::BIGNUM => Self::Bignum,
                type_id::FLOAT => Self::Float,
                type_id::DOUBLE => Self::Double,
                type_id::DECIMAL => Self::Decimal {
                    width: (api.decimal_width)(handle),
                    scale: (api.decimal_scale)(handle),
                    storage: Storage::of_type_id((api.decimal_internal_type)(handle)),
                },
                type_id::VARCHAR => match owned_text(api, (api.logical_type_get_alias)(handle)) {
                    Some(alias) if alias == "JSON" => Self::Json,
                    _ => Self::Varchar,
                },
                type_id::BLOB => Self::Blob,
                type_id::GEOMETRY => Self::Geometry,
                type_id::BIT => Self::Bit,
                type_id::UUID => Self::Uuid,
                type_id::DATE => Self::Date,
                type_id::TIME => Self::Time,
                type_id::TIME_NS => Self::TimeNanos,
                type_id::TIME_TZ => Self::TimeTz,
                type_id::TIMESTAMP => Self::Timestamp,
                type_id::TIMESTAMP_S => Self::TimestampSeconds,
                type_id::TIMESTAMP_MS => Self::TimestampMillis,
                type_id::TIMESTAMP_NS => Self::TimestampNanos,
                type_id::TIMESTAMP_TZ => Self::TimestampTz,
                type_id::INTERVAL => Self::Interval,
                type_id::ENUM => Self::Enum {
                    labels: (0..u64::from((api.enum_dictionary_size)(handle)))
                        .map(|index| name((api.enum_dictionary_value)(handle, index).cast()))
                        .collect(),
                    storage: Storage::of_type_id((api.enum_internal_type)(handle)),
                },
                type_id::LIST => Self::List(child((api.list_type_child_type)(handle))),
                type_id::ARRAY => Self::Array(
                    child((api.array_type_child_type)(handle)),
                    (api.array_type_array_size)(handle) as usize,
                ),
                type_id::MAP => Self::Map(
                    child((api.map_type_key_type)(handle)),
                    child((api.map_type_value_type)(handle)),
                ),
                type_id::STRUCT => Self::Struct(
                    (0..(api.struct_type_child_count)(handle))
                        .map(|index| {
                            (
                                name((api.struct_type_child_name)(handle, index).cast()),
                                *child((api.struct_type_child_type)(handle, index)),
                            )
                        })
                        .collect(),
                ),
                type_id::UNION => Self::Union(
                    (0..(api.union_type_member_count)(handle))
                        .map(|index| {
                            (
                                name((api.union_type_member_name)(handle, index).cast()),
                                *child((api.union_type_member_type)(handle, index)),
                            )
                        })
                        .collect(),
                ),
                type_id::VARIANT => Self::Unreadable("VARIANT"),
                _ => Self::Unreadable("a type unknown to this version"),
            }
        }
    }

    /// The type as SQL writes it.
    pub(crate) fn name(&self) -> String {
        let simple = match self {
            Self::Null => "\"NULL\"",
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::HugeInt => "HUGEINT",
            Self::UTinyInt => "UTINYINT",
            Self::USmallInt => "USMALLINT",
            Self::UInteger => "UINTEGER",
            Self::UBigInt => "UBIGINT",
            Self::UHugeInt => "UHUGEINT",
            Self::Bignum => "BIGNUM",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Varchar => "VARCHAR",
            Self::Json => "JSON",
            Self::Blob => "BLOB",
            Self::Geometry => "GEOMETRY",
            Self::Bit => "BIT",
            Self::Uuid => "UUID",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::TimeNanos => "TIME_NS",
            Self::TimeTz => "TIME WITH TIME ZONE",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampSeconds => "TIMESTAMP_S",
            Self::TimestampMillis => "TIMESTAMP_MS",
            Self::TimestampNanos => "TIMESTAMP_NS",
            Self::TimestampTz => "TIMESTAMP WITH TIME ZONE",
            Self::Interval => "INTERVAL",
            Self::Unreadable(name) => name,
            Self::Decimal { width, scale, .. } => return format!("DECIMAL({width},{scale})"),
            Self::Enum { labels, .. } => {
                let labels: Vec<_> = labels
                    .iter()
                    .map(|label| format!("'{}'", label.replace('\'', "''")))
                    .collect();
                return format!("ENUM({})", labels.join(", "));
            }
            Self::List(item) => return format!("{}[]", item.name()),
            Self::Array(item, size) => return format!("{}[{size}]", item.name()),
            Self::Map(key, value) => return format!("MAP({}, {})", key.name(), value.name()),
            Self::Struct(fields) => return format!("STRUCT({})", member_names(fields)),
            Self::Union(members) => return format!("UNION({})", member_names(members)),
        };
        simple.to_owned()
    }

    /// The name of the first part of the type whose values cannot be read.
    pub(crate) fn unreadable_part(&self) -> Option<&'static str> {
        match self {
            Self::Unreadable(name) => Some(name),
            Self::List(item) | Self::Array(item, _) => item.unreadable_part(),
            Self::Map(key, value) => key.unreadable_part().or_else(|| value.unreadable_part()),
            Self::Struct(fields) | Self::Union(fields) => {
                fields.iter().find_map(|(_, kind)| kind.unreadable_part())
            }
            _ => None,
        }
    }
}

impl Storage {
    fn of_type_id(id: i32) -> Self {
        match id {
            type_id::TINYINT | type_id::UTINYINT => Self::Int8,
            type_id::SMALLINT | type_id::USMALLINT => Self::Int16,
            type_id::INTEGER | type_id::UINTEGER => Self::Int32,
            type_id::BIGINT | type_id::UBIGINT => Self::Int64,
            _ => Self::Int128,
        }
    }
}

fn member_names(members: &[(String, Type)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, kind)| {
            let plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let quote = if plain && !name.is_empty() { "" } else { "\"" };
            format!(
                "{quote}{}{quote} {}",
                name.replace('"', "\"\""),
                kind.name()
            )
        })
        .collect();
    members.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_sql_writes_them() {
        let kind = Type::Struct(vec![
            ("a".into(), Type::List(Box::new(Type::Integer))),
            (
                "b c".into(),
                Type::Decimal {
                    width: 18,
                    scale: 3,
                    storage: Storage::Int64,
                },
            ),
        ]);
        assert_eq!(kind.name(), "STRUCT(a INTEGER[], \"b c\" DECIMAL(18,3))");
    }

    #[test]
    fn a_type_without_values_is_found_at_any_depth() {
        let kind = Type::Map(
            Box::new(Type::Varchar),
            Box::new(Type::List(Box::new(Type::Unreadable("VARIANT")))),
        );
        assert_eq!(kind.unreadable_part(), Some("VARIANT"));
        assert_eq!(
            Type::Array(Box::new(Type::Integer), 3).unreadable_part(),
            None
        );
    }
}
