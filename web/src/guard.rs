//! Who may ask, and what a browser may do with the answer.
//!
//! The server has no accounts: whoever reaches its port may look and start runs. So it listens on this machine
//! alone unless told otherwise, and it must not let other sites reach through a visitor's browser:
//!
//! - a foreign name that was pointed at this address (DNS rebinding) is refused by its `Host`;
//! - a form of another site is refused by `Sec-Fetch-Site`, or in old browsers by its `Origin`;
//! - pages run no script, load no style and send no form but this server's own, and cannot be framed.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::pages;
use crate::problem::Problem;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Lets pass what may be asked, and tells the browser what it may do with the answer.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_json = request.uri().path().starts_with("/v1");
    let checked = check_host(request.headers(), request.uri().host(), &app.shared.hosts)
        .and_then(|()| check_site(request.method(), request.headers()));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) if is_json => problem.into_json(),
        Err(problem) => pages::problem(&problem),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A name that someone else owns may be pointed at this machine; an address and `localhost` may not.
fn check_host(headers: &HeaderMap, uri: Option<&str>, allowed: &[String]) -> Result<(), Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = without_port(host.or(uri).unwrap_or_default());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_allowed = host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok()
        || allowed.iter().any(|name| name.eq_ignore_ascii_case(host));
    if is_allowed {
        return Ok(());
    }
    let detail = format!("this server does not answer as `{host}`");
    let status = StatusCode::MISDIRECTED_REQUEST;
    Err(Problem::new(status, "This is not its name", detail)
        .hint("ask for it by its address, or start it with `trueline ui --host NAME`"))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            // The colons of a bare address are no port's.
            if name.contains(':') && !name.ends_with(']') {
                host
            } else {
                name
            }
        }
        _ => host,
    }
}

/// What changes something has to come from a page of this server, or from no browser at all.
fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_own = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let origin = origin.split_once("://").map(|(_, host)| host);
            origin.is_some() && origin == text("host")
        }
        (None, None) => !headers.contains_key("sec-fetch-site") && !headers.contains_key("origin"),
    };
    if is_own {
        return Ok(());
    }
    let detail = "another site asked for a change";
    Err(
        Problem::new(StatusCode::FORBIDDEN, "This is not allowed", detail)
            .hint("open this server's own page, and try from there"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn only_known_names_are_answered() {
        for (host, is_answered) in [
            ("localhost", true),
            ("LocalHost:8088", true),
            ("127.0.0.1:8088", true),
            ("[::1]:8088", true),
            ("::1", true),
            ("192.168.0.7", true),
            ("ml.example", true),
            ("ml.example:80", true),
            ("evil.example", false),
            ("localhost.evil.example:8088", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let found = check_host(
                &headers(&[("host", host)]),
                None,
                &["ml.example".to_owned()],
            );
            assert_eq!(found.is_ok(), is_answered, "{host}");
        }
        assert!(check_host(&HeaderMap::new(), None, &[]).is_err());
    }

    #[test]
    fn only_own_pages_change_something() {
        let host = ("host", "localhost:8088");
        let own = ("origin", "http://localhost:8088");
        let foreign = ("origin", "http://evil.example");
        for (given, is_allowed) in [
            (vec![host], true),
            (vec![host, ("sec-fetch-site", "same-origin"), own], true),
            (vec![host, ("sec-fetch-site", "none")], true),
            (vec![host, ("sec-fetch-site", "cross-site"), foreign], false),
            (vec![host, ("sec-fetch-site", "same-site"), own], false),
            (vec![host, own], true),
            (vec![host, foreign], false),
            (vec![host, ("origin", "null")], false),
        ] {
            let given = headers(&given);
            assert_eq!(
                check_site(&Method::POST, &given).is_ok(),
                is_allowed,
                "{given:?}"
            );
            assert!(check_site(&Method::GET, &given).is_ok());
        }
    }
}
