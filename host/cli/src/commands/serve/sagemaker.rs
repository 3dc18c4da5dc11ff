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

/// The content type of answers to clients that do not mind.
pub(super) fn accept() -> Option<String> {
    let accept = std::env::var("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT").ok()?;
    let (essence, _) = accept.split_once(';').unwrap_or((&accept, ""));
    Some(essence.trim().to_ascii_lowercase())
}
