//! A program that answers with a package: `cargo run --example embed -- it.trueline < request.json`
//!
//! A request is `{"records": [{"distance": 1400, …}, …]}`. [`Loaded::predict`](trueline_runtime::Loaded)
//! takes Arrow, `predict_rows` structures.

use std::io::{Read as _, Write as _};

use trueline_runtime::{Backend, Package, Runtime};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which package?")?;
    let package = Package::open(path.as_ref())?;
    let model = package.load(&Runtime::new(Backend::default(), None)?)?;
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request)?;
    writeln!(std::io::stdout(), "{}", model.predict_json(&request)?)?;
    Ok(())
}
