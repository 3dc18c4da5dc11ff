//! Where pages are. Names are encoded, whatever is in them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a segment of a path, or in a query, as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b':')
    .remove(b'~');

/// A name as a segment of a path or a value of a query.
pub(crate) fn encoded(name: &str) -> String {
    match name {
        // A browser would take these for steps through the path.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        name => utf8_percent_encode(name, ESCAPED).to_string(),
    }
}

pub(crate) fn pipeline(name: &str) -> String {
    format!("/pipelines/{}", encoded(name))
}

pub(crate) fn run(id: &str) -> String {
    format!("/runs/{}", encoded(id))
}

pub(crate) fn stage(run: &str, name: &str) -> String {
    format!("/runs/{}/stages/{}", encoded(run), encoded(name))
}

pub(crate) fn study(run: &str, stage: &str) -> String {
    format!("/runs/{}/studies/{}", encoded(run), encoded(stage))
}

pub(crate) fn dataset(run: &str, name: &str) -> String {
    format!("/runs/{}/datasets/{}", encoded(run), encoded(name))
}

pub(crate) fn artifact(digest: &str) -> String {
    format!("/artifacts/{}", encoded(digest))
}

pub(crate) fn lineage(reference: &str) -> String {
    format!("/lineage/{}", encoded(reference))
}

pub(crate) fn packages(name: &str) -> String {
    format!("/packages/{}", encoded(name))
}

pub(crate) fn package(name: &str, version: u32) -> String {
    format!("/packages/{}/{version}", encoded(name))
}

pub(crate) fn feature_view(name: &str) -> String {
    format!("/features/views/{}", encoded(name))
}

pub(crate) fn feature_service(name: &str) -> String {
    format!("/features/services/{}", encoded(name))
}

pub(crate) fn feature_source(name: &str) -> String {
    format!("/features/sources/{}", encoded(name))
}

pub(crate) fn training_set(digest: &str) -> String {
    format!("/features/training-sets/{}", encoded(digest))
}

pub(crate) fn search(text: &str) -> String {
    format!("/search?q={}", encoded(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_segment() {
        for (name, expected) in [
            ("model", "model"),
            ("model[0]", "model%5B0%5D"),
            ("a/b?c#d e", "a%2Fb%3Fc%23d%20e"),
            ("..", "%2E%2E"),
            ("späte Flüge", "sp%C3%A4te%20Fl%C3%BCge"),
            ("sha256:00", "sha256:00"),
        ] {
            assert_eq!(encoded(name), expected);
        }
    }
}
