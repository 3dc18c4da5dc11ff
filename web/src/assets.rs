//! Styles and scripts, which are part of the binary. Their address holds a digest of what they say, so a browser keeps
//! them for ever, and a new version is a new address.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use trueline_table::Digest;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset {
        name: "trueline.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("../assets/trueline.css"),
    },
    Asset {
        name: "trueline.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../assets/trueline.js"),
    },
    Asset {
        name: "htmx.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../assets/vendor/htmx.min.js"),
    },
    Asset {
        name: "htmx-sse.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../assets/vendor/sse.min.js"),
    },
    Asset {
        name: "idiomorph.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../assets/vendor/idiomorph-ext.min.js"),
    },
    Asset {
        name: "mark.svg",
        kind: "image/svg+xml",
        text: include_str!("../assets/mark.svg"),
    },
];

/// Over all of them: one that changes gives every asset another address.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let all: String = ASSETS.iter().map(|asset| asset.text).collect();
    Digest::of(all.as_bytes()).hex()[..12].to_owned()
});

/// The address of an asset.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *VERSION)
}

/// Answers with an asset. That of another version is not found: it would be kept for ever under the wrong name.
pub(crate) async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    match found.filter(|_| version == *VERSION) {
        Some(asset) => {
            let kept = "public, max-age=31536000, immutable";
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, kept),
            ];
            (headers, asset.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
