//! Guests that only tests need, built from `tests/guests/`.

use std::sync::OnceLock;

use trueline_build::Options;
use trueline_runtime::table::{DataType, Digest, Field, Schema};
use trueline_runtime::{Backend, Bound, Error, Limits, Link, Manifest, Package, Runtime};

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

/// A package of `guests/hostile` alone, which reads the float64 column `x`; of its parameters as JSON.
pub fn hostile_package(params: &str) -> Package {
    let runtime = Runtime::new(Backend::default(), None).unwrap();
    let stage = runtime.admit(hostile()).unwrap();
    let schema = Schema::new([Field::new("x", DataType::Float64)]);
    let signature = stage.describe(params, &[], Some(&schema)).unwrap();
    let bound = Bound::new(&signature.mapping.unwrap(), &schema).unwrap();
    let mapper = stage.map(params, &bound, b"", &Limits::default()).unwrap();
    let component = Digest::of(hostile());
    let link = Link::new(component, params, &bound, mapper.writes(), Digest::of(b"")).unwrap();
    let part = |digest| {
        let bytes = if digest == component { hostile() } else { b"" };
        Ok::<_, Error>(bytes.to_vec())
    };
    Package::new(Manifest::new(vec![link]), part).unwrap()
}
