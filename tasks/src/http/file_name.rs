//! What a downloaded file is called.

use reqwest::Url;
use reqwest::header::{CONTENT_DISPOSITION, HeaderMap};

use super::digest::parameters;
use crate::support::paths::ending;

/// The name that the server gives, else one with the ending of the address.
pub(super) fn of(headers: &HeaderMap, url: &Url) -> String {
    let given = headers
        .get(CONTENT_DISPOSITION)
        .and_then(|value| disposition(&String::from_utf8_lossy(value.as_bytes())));
    given.unwrap_or_else(|| {
        let path = percent_decoded(url.path());
        format!("download{}", ending(&path))
    })
}

/// The file name of a `Content-Disposition` header, folders taken off.
fn disposition(header: &str) -> Option<String> {
    let (_, rest) = header.split_once(';')?;
    let parameters = parameters(rest);
    let named = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    let name = match named("filename*").and_then(|value| value.splitn(3, '\'').nth(2)) {
        Some(encoded) => percent_decoded(encoded),
        None => named("filename")?.clone(),
    };
    let base = name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .trim()
        .replace(' ', "+");
    (!base.is_empty() && base != "." && base != "..").then_some(base)
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_server_goes_before_the_ending_of_the_address() {
        let name = |disposition: Option<&str>, url: &str| {
            let mut headers = HeaderMap::new();
            if let Some(disposition) = disposition {
                headers.insert(CONTENT_DISPOSITION, disposition.parse().unwrap());
            }
            of(&headers, &Url::parse(url).unwrap())
        };
        assert_eq!(name(None, "http://h/x/data.csv?a=b.txt"), "download.csv");
        assert_eq!(name(None, "http://h"), "download");
        assert_eq!(
            name(
                Some("attachment; filename=\"my file.csv\""),
                "http://h/x.zip"
            ),
            "my+file.csv"
        );
        assert_eq!(
            name(Some("attachment; filename=../../etc/passwd"), "http://h/x"),
            "passwd"
        );
        assert_eq!(
            name(
                Some("attachment; filename=a.txt; filename*=UTF-8''%c3%a4.csv"),
                "http://h/x"
            ),
            "ä.csv"
        );
        assert_eq!(name(Some("inline"), "http://h/x.json"), "download.json");
    }
}
