//! Guests that only tests need, built from `tests/guests/`.

use std::sync::OnceLock;

use trueline_build::Options;

use crate::repository;

/// The component of `guests/hostile`, built once in a process; Cargo keeps what it made in
/// `target/guests`.
pub fn hostile() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let options = Options {
            target_dir: Some(repository().join("target/guests")),
            ..Options::default()
        };
        let folder = repository().join("tests/guests/hostile");
        let mut built = trueline_build::build(&folder, &options).unwrap();
        built.pop().unwrap().bytes
    })
}
