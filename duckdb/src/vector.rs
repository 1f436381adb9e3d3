//! Chunks of rows and their column vectors, read with every index checked.

use std::marker::PhantomData;

use crate::ffi::{Api, Handle};
use crate::types::Type;

/// Some rows of a result.
pub(crate) struct Chunk<'result, 'types> {
    api: &'result Api,
    handle: Handle,
    length: usize,
    types: &'types [Type],
}

impl<'types> Chunk<'_, 'types> {
    /// # Safety
    /// `handle` must be a live chunk that nobody else destroys, of columns of these types.
    pub(crate) unsafe fn of_handle<'result>(
        api: &'result Api,
        handle: Handle,
        types: &'types [Type],
    ) -> Chunk<'result, 'types> {
        // SAFETY: the chunk is live.
        let length = unsafe { (api.data_chunk_get_size)(handle) } as usize;
        Chunk {
            api,
            handle,
            length,
            types,
        }
    }

    /// How many rows.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The columns, in order.
    pub(crate) fn columns(&self) -> Vec<Vector<'_>> {
        self.types
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                // SAFETY: the chunk is live as long as it is borrowed, it has a column for each type, of its length.
                unsafe {
                    let vector = (self.api.data_chunk_get_vector)(self.handle, index as u64);
                    Vector::of_handle(self.api, vector, kind, self.length)
                }
            })
            .collect()
    }
}

impl Drop for Chunk<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: the chunk is ours, destroyed once; its vectors borrow it.
        unsafe { (self.api.destroy_data_chunk)(&mut self.handle) }
    }
}

/// One column of a chunk, or a part of it.
pub(crate) struct Vector<'chunk> {
    kind: &'chunk Type,
    length: usize,
    data: *const u8,
    /// One bit a row, set where there is a value; null if there is one everywhere.
    validity: *const u64,
    children: Vec<Vector<'chunk>>,
    chunk: PhantomData<&'chunk ()>,
}

/// Where a row's items stand in the child vector of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: usize,
    pub(crate) length: usize,
}

impl<'chunk> Vector<'chunk> {
    /// # Safety
    /// `handle` must be a vector of this type with that many rows, and live for `'chunk`.
    unsafe fn of_handle(api: &Api, handle: Handle, kind: &'chunk Type, length: usize) -> Self {
        // SAFETY: the vector is live and of this type, so it has these children; a list's child has the length that it
        // says, an array's that many times the parent's, a struct's the parent's.
        unsafe {
            let children = match kind {
                Type::List(item) => {
                    let length = (api.list_vector_get_size)(handle) as usize;
                    vec![Self::of_handle(
                        api,
                        (api.list_vector_get_child)(handle),
                        item,
                        length,
                    )]
                }
                Type::Map(key, value) => {
                    let length = (api.list_vector_get_size)(handle) as usize;
                    let entries = (api.list_vector_get_child)(handle);
                    vec![
                        Self::of_handle(
                            api,
                            (api.struct_vector_get_child)(entries, 0),
                            key,
                            length,
                        ),
                        Self::of_handle(
                            api,
                            (api.struct_vector_get_child)(entries, 1),
                            value,
                            length,
                        ),
                    ]
                }
                Type::Array(item, size) => {
                    let child = (api.array_vector_get_child)(handle);
                    vec![Self::of_handle(api, child, item, length * size)]
                }
                Type::Struct(fields) => Self::members(api, handle, fields, 0, length),
                // A union is a struct whose first member is the tag.
                Type::Union(members) => {
                    let tag = (api.struct_vector_get_child)(handle, 0);
                    let mut children = vec![Self::of_handle(api, tag, &Type::UTinyInt, length)];
                    children.extend(Self::members(api, handle, members, 1, length));
                    children
                }
                _ => Vec::new(),
            };
            Self {
                kind,
                length,
                data: (api.vector_get_data)(handle).cast(),
                validity: (api.vector_get_validity)(handle),
                children,
                chunk: PhantomData,
            }
        }
    }

    /// # Safety
    /// As [`Vector::of_handle`], for a struct vector that has these members from `first` on.
    unsafe fn members(
        api: &Api,
        handle: Handle,
        members: &'chunk [(String, Type)],
        first: u64,
        length: usize,
    ) -> Vec<Self> {
        members
            .iter()
            .enumerate()
            .map(|(index, (_, kind))| {
                // SAFETY: the caller vouches for the member.
                unsafe {
                    let child = (api.struct_vector_get_child)(handle, first + index as u64);
                    Self::of_handle(api, child, kind, length)
                }
            })
            .collect()
    }

    pub(crate) fn kind(&self) -> &'chunk Type {
        self.kind
    }

    /// The vectors within: a list's items; a map's keys and values; a struct's fields; a union's tag and members.
    pub(crate) fn children(&self) -> &[Vector<'chunk>] {
        &self.children
    }

    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.check(row);
        if self.validity.is_null() {
            return false;
        }
        // SAFETY: the mask has a bit for each row, and the row was checked.
        let word = unsafe { self.validity.add(row / 64).read() };
        word & 1 << (row % 64) == 0
    }

    /// A number kept as `T`. The caller matches `T` to the type; a wrong one reads wrong bytes, but only the row's own or, if
    /// narrower, a part of them: wider ones are refused.
    pub(crate) fn number<T: Number>(&self, row: usize) -> T {
        self.check(row);
        assert!(
            size_of::<T>() <= self.width(),
            "{} has no numbers of {} bytes",
            self.kind.name(),
            size_of::<T>()
        );
        // SAFETY: the data has `width` bytes for each row, the row was checked and `T` is no wider; any bytes are a number.
        unsafe {
            self.data
                .add(row * self.width())
                .cast::<T>()
                .read_unaligned()
        }
    }

    /// The bytes of a text, blob, bit string or large number.
    pub(crate) fn bytes(&self, row: usize) -> &'chunk [u8] {
        const INLINED: usize = 12;
        self.check(row);
        assert!(
            self.holds_strings(),
            "{} is not kept as bytes",
            self.kind.name()
        );
        // SAFETY: the data has a `duckdb_string_t` of 16 bytes for each row, and the row was checked: a length of 4 bytes, then
        // up to 12 bytes in place, or 4 bytes of prefix and a pointer to that many bytes that live as long as the chunk.
        unsafe {
            let string = self.data.add(row * 16);
            let length = string.cast::<u32>().read_unaligned() as usize;
            let start = if length <= INLINED {
                string.add(4)
            } else {
                string.add(8).cast::<*const u8>().read_unaligned()
            };
            std::slice::from_raw_parts(start, length)
        }
    }

    /// Where the row's items stand in the children of a list or map.
    pub(crate) fn span(&self, row: usize) -> Span {
        self.check(row);
        match self.kind {
            Type::Array(_, size) => Span {
                offset: row * size,
                length: *size,
            },
            Type::List(_) | Type::Map(_, _) => {
                // SAFETY: the data has an offset and a length of 8 bytes each for each row, and the row was checked.
                let [offset, length] =
                    unsafe { self.data.cast::<[u64; 2]>().add(row).read_unaligned() };
                Span {
                    offset: offset as usize,
                    length: length as usize,
                }
            }
            _ => panic!("{} has no items", self.kind.name()),
        }
    }

    fn check(&self, row: usize) {
        assert!(row < self.length, "row {row} of {}", self.length);
    }

    fn holds_strings(&self) -> bool {
        matches!(
            self.kind,
            Type::Varchar | Type::Json | Type::Blob | Type::Geometry | Type::Bit | Type::Bignum
        )
    }

    /// Bytes per row of the data, for types that are kept as numbers.
    fn width(&self) -> usize {
        use crate::types::Storage;
        match self.kind {
            Type::Boolean | Type::TinyInt | Type::UTinyInt => 1,
            Type::SmallInt | Type::USmallInt => 2,
            Type::Integer | Type::UInteger | Type::Float | Type::Date => 4,
            Type::BigInt
            | Type::UBigInt
            | Type::Double
            | Type::Time
            | Type::TimeNanos
            | Type::TimeTz
            | Type::Timestamp
            | Type::TimestampSeconds
            | Type::TimestampMillis
            | Type::TimestampNanos
            | Type::TimestampTz => 8,
            Type::HugeInt | Type::UHugeInt | Type::Uuid | Type::Interval => 16,
            Type::Decimal { storage, .. } | Type::Enum { storage, .. } => match storage {
                Storage::Int8 => 1,
                Storage::Int16 => 2,
                Storage::Int32 => 4,
                Storage::Int64 => 8,
                Storage::Int128 => 16,
            },
            _ => 0,
        }
    }
}

/// Plain numbers: any bytes are one.
///
/// # Safety
/// The type must have no invalid bit patterns and no padding.
pub(crate) unsafe trait Number: Copy {}

macro_rules! numbers {
    ($($number:ty),*) => { $(
        // SAFETY: a primitive number.
        unsafe impl Number for $number {}
    )* };
}

numbers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64);
