//! Where an online store is, and how to say so without its password.

use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo as _};

use crate::{Error, Result};

/// The environment variable that names the online store in place of the feature file.
pub const ONLINE_VARIABLE: &str = "TRUELINE_ONLINE";
/// The environment variable with the password of the online store.
pub const PASSWORD_VARIABLE: &str = "TRUELINE_ONLINE_PASSWORD";

/// The environment variable with the password of the servers that streams are read from.
pub const STREAM_PASSWORD: &str = "TRUELINE_STREAM_PASSWORD";

/// The address of a Redis database.
#[derive(Clone)]
pub(crate) struct Address(ConnectionInfo);

impl Address {
    /// Reads `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]` or `redis+unix:///PATH[?db=DATABASE]`.
    ///
    /// # Errors
    /// If it is none. What was given is not repeated: it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |problem: &str| {
            Error::input(
                format!("the address of the Redis {problem}"),
                "write it as redis://host:6379/0, or redis+unix:///path/to/socket",
            )
        };
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("redis" | "redis+unix" | "unix") => {}
            Some("rediss") => {
                return Err(wrong("asks for TLS, which this program cannot do to Redis"));
            }
            _ => return Err(wrong("does not begin with redis:// or redis+unix://")),
        }
        let info = text.into_connection_info();
        Ok(Self(info.map_err(|_| wrong("cannot be read"))?))
    }

    /// With the password of the environment, unless it has one.
    pub(crate) fn with_password(mut self, password: Option<&str>) -> Self {
        let settings = self.0.redis_settings();
        if let (None, Some(password)) = (settings.password(), password) {
            let settings = settings.clone().set_password(password);
            self.0 = self.0.set_redis_settings(settings);
        }
        self
    }

    pub(crate) fn has_password(&self) -> bool {
        self.0.redis_settings().password().is_some()
    }

    pub(crate) fn info(&self) -> &ConnectionInfo {
        &self.0
    }
}

/// Without user and password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.0.redis_settings().db();
        match self.0.addr() {
            redis::ConnectionAddr::Unix(path) => {
                write!(f, "redis+unix://{}?db={database}", path.display())
            }
            address => write!(f, "redis://{address}/{database}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let check = |text: &str, expected: &str| {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                format!("{address} {address:?}"),
                format!("{expected} {expected}")
            );
        };
        check("redis://localhost", "redis://localhost:6379/0");
        check("redis://me:s3cret@cache:7000/2", "redis://cache:7000/2");
        check(
            "redis+unix:///run/r.sock?db=3",
            "redis+unix:///run/r.sock?db=3",
        );
        let address = Address::parse("redis://cache")
            .unwrap()
            .with_password(Some("s3cret"));
        assert!(address.has_password() && !format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_address_is_not_repeated() {
        for text in [
            "s3cret",
            "rediss://:s3cret@cache",
            "redis://:s3cret@cache:port",
            "http://s3cret",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
