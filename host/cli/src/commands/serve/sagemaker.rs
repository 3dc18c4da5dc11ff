//! What SageMaker tells a container in its environment.

use std::net::SocketAddr;

use crate::errors::Problem;

/// The address with the port that SageMaker asks for, if it does.
///
/// # Errors
/// If what it asks for is no port.
pub(super) fn listen(mut address: SocketAddr) -> Result<SocketAddr, Problem> {
    const PORT: &str = "SAGEMAKER_BIND_TO_PORT";
    if let Ok(port) = std::env::var(PORT) {
        let port = port.parse();
        address.set_port(port.map_err(|_| Problem::new(format!("{PORT} is no port")))?);
    }
    Ok(address)
}

/// Whether packages are to come by `/models`.
pub(super) fn is_multi_model() -> bool {
    std::env::var("SAGEMAKER_MULTI_MODEL").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The longest body that a batch transform sends, in bytes. Where it says 0, it sends a whole file, however
/// long; then the limit is what is usual there.
///
/// # Errors
/// If what it says is no number.
pub(super) fn body_limit() -> Result<Option<usize>, Problem> {
    const LIMIT: &str = "SAGEMAKER_MAX_PAYLOAD_IN_MB";
    const USUAL_MIB: u16 = 100;
    let Ok(limit) = std::env::var(LIMIT) else {
        return Ok(None);
    };
    let limit: u16 = limit
        .parse()
        .map_err(|_| Problem::new(format!("{LIMIT} is no number of megabytes")))?;
    let limit = if limit == 0 { USUAL_MIB } else { limit };
    Ok(Some(usize::from(limit) << 20))
}

/// The content type of answers to clients that do not mind.
pub(super) fn accept() -> Option<String> {
    let accept = std::env::var("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT").ok()?;
    let (essence, _) = accept.split_once(';').unwrap_or((&accept, ""));
    Some(essence.trim().to_ascii_lowercase())
}
