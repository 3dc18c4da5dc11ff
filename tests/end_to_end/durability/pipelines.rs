//! Random pipelines: 6 to 30 stages of all kinds, in all shapes.

use std::fmt::Write as _;

use trueline_tests::guests;
use trueline_tests::project::Project;

use crate::random::Random;

/// A folder with the pipeline `p.toml` of this seed and its data.
pub(crate) fn project(seed: u64) -> Project {
    let mut random = Random(seed);
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("own.wasm", guests::hostile());
    project.write("trips.csv", trips(&mut random));
    project.write("cities.csv", cities());
    project.write("p.toml", Pipeline::random(&mut random).text);
    project
}

/// A folder with the pipeline `p.toml`, small and with something of everything: a file of its own for what is
/// learned, a condition, a study, a gate and a package.
pub(crate) fn everything() -> Project {
    let project = Project::new(env!("CARGO_BIN_EXE_trueline"));
    project.write("trips.csv", trips(&mut Random(1)));
    project.write("cities.csv", cities());
    let head = HEAD.replace("SLOTS", "1");
    project.write("p.toml", [&head, LOOKUP, STUDY, PACKAGE].concat());
    project
}

const CITIES: usize = 4000;

/// Hourly trips: the longer, the later they arrive.
fn trips(random: &mut Random) -> String {
    let mut text = String::from("id,at,x,city,delay\n");
    for row in 0..random.number(200..2000) {
        let x = random.number(0..100);
        let city = random.number(0..CITIES as u64);
        let (day, hour) = (1 + row / 24 % 28, row % 24);
        let delay = x / 4 + random.number(0..3);
        writeln!(
            text,
            "{row},2020-01-{day:02}T{hour:02}:00:00Z,{x}.5,{city},{delay}"
        )
        .unwrap();
    }
    text
}

/// So many that what is learned from them is a file of its own.
fn cities() -> String {
    let rows =
        (0..CITIES).map(|city| format!("{city},{},town number {city}\n", city * 7919 % 1000));
    "city,size,label\n".to_owned() + &rows.collect::<String>()
}

/// A pipeline in the making.
struct Pipeline {
    text: String,
    /// Every stage so far.
    stages: Vec<String>,
    /// What `trips` can be led through.
    maps: Vec<String>,
}

impl Pipeline {
    fn random(random: &mut Random) -> Self {
        let mut pipeline = Self {
            text: HEAD.replace("SLOTS", &random.number(1..3).to_string()),
            stages: Vec::new(),
            maps: Vec::new(),
        };
        let wanted = random.number(6..31);
        // A model brings stages with it: three alone, thirteen with a study.
        let model = match random.number(0..4) {
            0 if wanted > 15 => Some((STUDY, 13)),
            1 => Some((MODEL, 3)),
            _ => None,
        };
        let mut count = model.map_or(0, |(_, count)| count);
        if random.once_in(3) {
            pipeline.text += FAILING;
            count += 5;
        }
        while count < wanted {
            count += pipeline.add(random, wanted - count);
        }
        if let Some((text, _)) = model {
            pipeline.text += text;
            pipeline.text += PACKAGE;
        }
        pipeline
    }

    /// Adds a section; how many stages it stands for, at most `room`.
    fn add(&mut self, random: &mut Random, room: u64) -> u64 {
        let number = self.stages.len();
        let name = format!("s{number}");
        let members = random.number(2..6).min(room);
        let limit = random.number(1..1000);
        let pipe = self.pipe("trips", random);
        let is_mapped = members > 1 && random.once_in(5);
        let body = match random.number(0..10) {
            _ if is_mapped => {
                let values =
                    (0..members).map(|member| format!("{{ max = {} }}", 2000 + limit + member));
                let values = values.collect::<Vec<_>>().join(", ");
                format!("use = \"expect\"\nin = \"{pipe}\"\nmap.rows = [{values}]\n")
            }
            0 => format!(
                "use = \"lookup\"\nfit = \"cities\"\nparams = {{ on = \"city\", take = [\"size\"], prefix = \"c{number}_\" }}\n"
            ),
            1 => format!(
                "use = \"lookup\"\nfit = \"cities\"\nparams = {{ on = \"city\", take = [\"label\"], prefix = \"c{number}_\" }}\n"
            ),
            2 | 3 => format!(
                "use = \"tabular\"\nfit = \"{pipe}\"\nparams.steps = [{{ op = \"standard-scale\", columns = [\"x\"] }}]\n"
            ),
            4 => format!(
                "use = \"profile\"\nin = \"{pipe}\"\nparams = {{ top = {} }}\n",
                1 + limit % 20
            ),
            5 => format!("use = \"./own.wasm\"\nfit = \"{pipe}\"\n"),
            // Fails, is tried again, and fails: what depends on it is blocked.
            6 if random.once_in(4) => format!(
                "use = \"./own.wasm\"\nfit = \"{pipe}\"\nparams = {{ mode = \"panic\", at = \"finish\" }}\nretry = {{ max = {}, backoff = \"5ms\", on = [\"trap\"] }}\n",
                random.number(1..4)
            ),
            _ => format!(
                "use = \"expect\"\nin = \"{pipe}\"\nparams.rows = {{ max = {} }}\n",
                2000 + limit
            ),
        };
        let is_map = body.contains("lookup") || body.contains("tabular");
        write!(self.text, "\n[stage.{name}]\n{body}").unwrap();
        self.rules(random);
        let member = if is_mapped { "[1]" } else { "" };
        self.stages.push(format!("{name}{member}"));
        // Whoever is led through a stage that may be skipped may be skipped as well.
        if is_map {
            self.maps.push(name);
        }
        if is_mapped { members } else { 1 }
    }

    /// A dataset, led through some of the maps so far.
    fn pipe(&self, dataset: &str, random: &mut Random) -> String {
        let mut pipe = dataset.to_owned();
        let through = self.maps.iter().filter(|_| random.once_in(4)).take(4);
        through.for_each(|map| write!(pipe, " | {map}").unwrap());
        pipe
    }

    /// When a stage runs, and what may run beside it.
    fn rules(&mut self, random: &mut Random) {
        if random.once_in(6) {
            let depth = random.number(1..6);
            writeln!(self.text, "when = \"params.depth > {depth}\"").unwrap();
        }
        if random.once_in(4) {
            self.text += "pool = \"few\"\n";
        }
        if random.once_in(4) {
            writeln!(self.text, "priority = {}", random.number(0..5)).unwrap();
        }
        if !self.stages.is_empty() && random.once_in(2) {
            let before = random.pick(&self.stages);
            let run_if = random.pick(&["success", "success", "always", "failure"]);
            write!(self.text, "after = [\"{before}\"]\nrun_if = \"{run_if}\"\n").unwrap();
        }
    }
}

const HEAD: &str = r#"[pipeline]
name = "trips"
seed = 7

[params]
depth = 3

[pools]
few = SLOTS

[dataset.trips]
path = "trips.csv"
key = ["id"]
label = { name = "late", value = "delay > 10" }
split = { by = "at", valid_from = "2020-01-05T00:00:00Z", test_from = "2020-01-07T00:00:00Z" }

[dataset.cities]
path = "cities.csv"
"#;

const LOOKUP: &str = r#"
[stage.town]
use = "lookup"
fit = "cities"
params = { on = "city", take = ["label"] }

[stage.seldom]
use = "expect"
in = "trips | town"
params.rows = { min = 1 }
when = "params.depth > 3"
"#;

const MODEL: &str = r#"
[stage.model]
use = "gbdt"
fit = "trips.train"
validation = "trips.valid"
params = { features = ["x"], num_boost_round = 5, max_depth = 3, early_stopping_rounds = 2 }

[stage.score]
use = "metrics"
in = "trips.test | model"
"#;

/// Five trials, two at a time, each trained and measured.
const STUDY: &str = r#"
[stage.model]
use = "gbdt"
fit = "trips.train"
validation = "trips.valid"
params = { features = ["x"], num_boost_round = 6, eval_metric = "auc" }

[stage.model.tune]
metric = "quality.auc"
trials = 5
parallel = 2
startup = 2
pruner = { kind = "asha", factor = 2 }
space.max_depth = { low = 1, high = 4 }
space.eta = { low = 0.01, high = 0.5, log = true }

[stage.quality]
use = "metrics"
in = "trips.valid | model"

[stage.score]
use = "metrics"
in = "trips.test | model"
"#;

/// Four trials, of which two fail; who is led through the best one does not notice.
const FAILING: &str = r#"
[stage.odd]
use = "./own.wasm"
fit = "trips"
params = { at = "finish" }
tune = { metric = "odd.rows", sampler = "grid", parallel = 2, space.mode = ["panic", "good", "recurse", "count"] }
"#;

const PACKAGE: &str = r#"
[stage.gate]
require = ["score.accuracy >= 0.1"]

[package]
chain = "model"
after = "gate"
"#;
