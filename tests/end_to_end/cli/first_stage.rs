//! The example of a first stage does what the README says of it.

use std::fs;

use trueline_build::Options;
use trueline_tests::project::Project;
use trueline_tests::repository;

#[test]
fn the_first_stage_is_built_used_and_proved() {
    let example = repository().join("examples/first-stage");
    // Where the standard stages are built too, so that the SDK is there already.
    let options = Options {
        target_dir: Some(repository().join("target/stages")),
        packages: vec!["first-stage".to_owned()],
    };
    let built = trueline_build::build(&example, &options).unwrap();
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("first-stage.wasm", &built[0].bytes);
    for file in ["pipeline.toml", "trips.csv"] {
        project.write(file, fs::read(example.join(file)).unwrap());
    }
    project.trueline("run pipeline.toml").exits(0);
    project.trueline("verify pipeline.toml").exits(0);
    // The fare of trip 47 is 9999, a typing error; the others stay as they are.
    project
        .trueline("predict first-stage --input trips.csv --keep trip")
        .exits(0)
        .says(&["\n46,9.24\n47,24.3125\n48,22.04\n"]);
}
