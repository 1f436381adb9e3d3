//! Pages and sorting.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Params;
use super::params::unconvertible;
use crate::error::{ApiError, Result};

/// The most entries that one page may have.
const LARGEST: usize = 10_000;

/// Which page of a list is wanted, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The page, from 1. Default 1.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub(crate) page: usize,
    /// How many entries a page has. Default 10, at most 10,000.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10000)]
    pub(crate) size: usize,
    /// `field:asc` or `field:desc`; may come several times.
    #[param(value_type = Option<Vec<String>>)]
    pub(crate) sort: Vec<Sort>,
}

/// One key to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) field: String,
    pub(crate) descending: bool,
}

impl Paging {
    /// Reads `page`, `size` and `sort`. Only these fields may be sorted by.
    pub(crate) fn of(params: &Params, fields: &[&str]) -> Result<Self> {
        let page = number(params, "page", 1)?;
        let size = number(params, "size", 10)?;
        if size > LARGEST {
            return Err(ApiError::invalid_entity(format!(
                "size: must be less than or equal to {LARGEST}"
            )));
        }
        let sort = params
            .all("sort")
            .map(|text| Sort::parse(text, fields))
            .collect::<Result<_>>()?;
        Ok(Self { page, size, sort })
    }

    /// How many entries come before the page.
    pub(crate) fn skip(&self) -> usize {
        (self.page - 1).saturating_mul(self.size)
    }

    /// The page of a list that is all there.
    pub(crate) fn cut<T>(&self, all: Vec<T>) -> Page<T> {
        let total = all.len();
        let results = all.into_iter().skip(self.skip()).take(self.size).collect();
        Page {
            results,
            total: total as u64,
        }
    }

    /// Orders a list by the wanted keys; `compare` compares by one field.
    pub(crate) fn order<T>(
        &self,
        all: &mut [T],
        compare: impl Fn(&str, &T, &T) -> std::cmp::Ordering,
    ) {
        if self.sort.is_empty() {
            return;
        }
        all.sort_by(|a, b| {
            self.sort
                .iter()
                .fold(std::cmp::Ordering::Equal, |so_far, sort| {
                    so_far.then_with(|| {
                        let ordering = compare(&sort.field, a, b);
                        if sort.descending {
                            ordering.reverse()
                        } else {
                            ordering
                        }
                    })
                })
        });
    }
}

impl Sort {
    fn parse(text: &str, fields: &[&str]) -> Result<Self> {
        let descending = match text
            .rsplit_once(':')
            .map(|(_, direction)| direction.to_ascii_lowercase())
            .as_deref()
        {
            Some("asc") => false,
            Some("desc") => true,
            _ => return Err(ApiError::unprocessable("Invalid sort parameter")),
        };
        let field = text.rsplit_once(':').map_or(text, |(field, _)| field);
        if !fields.contains(&field) {
            let fields = fields.join("`, `");
            return Err(ApiError::illegal_argument(format!(
                "cannot sort by `{field}` (can by `{fields}`)"
            )));
        }
        Ok(Self {
            field: field.to_owned(),
            descending,
        })
    }
}

/// A page of results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The entries of the page.
    pub(crate) results: Vec<T>,
    /// How many entries there are in all.
    pub(crate) total: u64,
}

impl<T> Page<T> {
    /// The same page with other entries.
    pub(crate) fn with<U>(self, results: Vec<U>) -> Page<U> {
        Page {
            results,
            total: self.total,
        }
    }
}

fn number(params: &Params, name: &str, default: i64) -> Result<usize> {
    let Some(text) = params.get(name) else {
        return Ok(default.unsigned_abs() as usize);
    };
    let value: i64 = text
        .parse()
        .map_err(|_| unconvertible(name, text, "it is not a whole number"))?;
    if value < 1 {
        return Err(ApiError::invalid_entity(format!(
            "{name}: must be greater than or equal to 1"
        )));
    }
    Ok(usize::try_from(value).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(query: &str) -> Result<Paging> {
        Paging::of(&Params::parse(query), &["id", "state.startDate"])
    }

    #[test]
    fn a_page_past_the_end_is_empty_with_the_right_total() {
        let page = paging("page=3&size=2").unwrap().cut(vec![1, 2, 3, 4, 5]);
        assert_eq!((page.results, page.total), (vec![5], 5));
        let page = paging("page=9").unwrap().cut(vec![1, 2, 3]);
        assert_eq!((page.results, page.total), (vec![], 3));
    }

    #[test]
    fn sorting_is_by_several_keys_and_only_by_known_ones() {
        let mut pairs = vec![(1, "b"), (2, "a"), (1, "a")];
        let by = |field: &str, a: &(i32, &str), b: &(i32, &str)| {
            if field == "id" {
                a.1.cmp(b.1)
            } else {
                a.0.cmp(&b.0)
            }
        };
        paging("sort=id:asc&sort=state.startDate:DESC")
            .unwrap()
            .order(&mut pairs, by);
        assert_eq!(pairs, [(2, "a"), (1, "a"), (1, "b")]);
        assert_eq!(
            paging("sort=id").unwrap_err().message(),
            "Unprocessable Entity: Invalid sort parameter"
        );
        assert!(
            paging("sort=nope:asc")
                .unwrap_err()
                .message()
                .contains("`state.startDate`")
        );
    }

    #[test]
    fn sizes_and_pages_below_one_are_refused() {
        for query in ["size=0", "size=-1", "page=0", "size=x", "size=10001"] {
            assert_eq!(paging(query).unwrap_err().status().as_u16(), 422, "{query}");
        }
    }
}
