//! What comes in, parsed once: query parameters, filters, paging, dates, bodies.

pub(crate) mod body;
pub(crate) mod date;
pub(crate) mod filter;
pub(crate) mod form;
pub(crate) mod paging;
pub(crate) mod params;

pub(crate) use self::body::Text;
pub(crate) use self::paging::{Page, Paging};
pub(crate) use self::params::Params;

use crate::error::{ApiError, Result};

/// The labels of a query: `labels=key:value`, any number of times. A value may hold colons and commas.
pub(crate) fn labels(params: &Params) -> Result<Vec<(String, String)>> {
    let split = |text: &str| {
        let (key, value) = text.split_once(':').filter(|(key, _)| !key.is_empty())?;
        Some((key.to_owned(), value.to_owned()))
    };
    let wrong =
        || ApiError::unprocessable("Invalid queryString parameter: a label is written `key:value`");
    params
        .all("labels")
        .map(|text| split(text).ok_or_else(wrong))
        .collect()
}
