//! The stock client of Feast reads from `trueline features serve`, and writes to it.

use std::process::Command;

use trueline_tests::project::Project;
use trueline_tests::repository;
use trueline_tests::server::Server;

const FILE: &str = "
[entity.driver]
keys = { driver_id = 'int64' }
[source.stats]
columns = { driver_id = 'int64', event_timestamp = 'timestamp', created = 'timestamp', conv_rate = 'float32', acc_rate = 'float64', trips = 'int64', name = 'utf8', is_new = 'boolean' }
event_time = 'event_timestamp'
created = 'created'
[view.driver_stats]
entity = 'driver'
source = 'stats'
features = ['conv_rate', 'acc_rate', 'trips', 'name', 'is_new']
[view.expiring]
entity = 'driver'
source = 'stats'
features = { recent_trips = 'trips' }
ttl = '1h'
[service.drivers]
features = ['driver_stats:trips', 'driver_stats:conv_rate', 'expiring']
";

const ROWS: &str = r#"
{"driver_id": 1001, "event_timestamp": "2026-01-01T00:00:00.25Z", "created": null, "conv_rate": 0.1, "acc_rate": -0.1, "trips": 7, "name": "ä", "is_new": true}
{"driver_id": 1002, "event_timestamp": "2026-01-01T00:00:00Z", "created": null, "conv_rate": null, "acc_rate": 1e-300, "trips": null, "name": "b", "is_new": false}
"#;

#[test]
fn feasts_client_reads_and_writes() {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("features.toml", FILE);
    project.write("rows.ndjson", ROWS.trim_start());
    project.trueline("features apply").exits(0);
    project.trueline("features push stats rows.ndjson").exits(0);
    let server = Server::start_command(&project, "features serve", &[]);
    let python = repository().join("target/venv-feast/bin/python");
    assert!(
        python.exists(),
        "there is no {}; type `cargo xtask setup`",
        python.display()
    );
    let output = Command::new(python)
        .arg(repository().join("tests/python/feast_client.py"))
        .arg(server.url(""))
        .arg(project.path("feast"))
        // It tells its makers what is done with it, unless it is told not to.
        .env("FEAST_USAGE", "False")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains(" checks"),
        "{said}"
    );
}
