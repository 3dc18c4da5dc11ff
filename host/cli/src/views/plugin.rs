//! Plugins: a list, one in full, and what was built.

use super::{facts, next};
use crate::commands::plugin::{Built, Inspected, Listed};
use crate::grid::{Grid, cell};
use crate::numbers;
use crate::style::{Style, Tone};

/// The standard stages as a table.
pub(crate) fn list(plugins: &[Listed], style: Style) -> String {
    let heads = [
        cell("plugin"),
        cell("world"),
        cell("size").right(),
        cell("digest"),
    ];
    let mut grid = Grid::with_heads(heads);
    for plugin in plugins {
        grid.row([
            cell(plugin.name).tone(Tone::Bold),
            cell(plugin.world.name()),
            cell(numbers::size(plugin.size_bytes)).right(),
            cell(plugin.digest.short()).tone(Tone::Dim),
        ]);
    }
    grid.render(2, style)
}

/// What a component is, and whether it may run.
pub(crate) fn inspect(plugin: &Inspected, style: Style) -> String {
    let names = |names: &[String]| {
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        }
    };
    let verdict = match (&plugin.world, &plugin.refusal) {
        (Some(world), _) => style.good(&format!("admitted as a {}", world.name())),
        (None, refusal) => style.bad(&format!(
            "refused: {}",
            refusal.as_deref().unwrap_or("not a stage")
        )),
    };
    let head = format!("{} {verdict}\n\n", style.bold(&plugin.name));
    let body = [
        ("digest", plugin.digest.to_string()),
        ("size", numbers::size(plugin.size_bytes)),
        ("imports", names(&plugin.imports)),
        ("exports", names(&plugin.exports)),
    ];
    head + &facts(body, style)
}

/// The components that were written, and how a pipeline uses the first of them.
pub(crate) fn built(components: &[Built], program: &str, style: Style) -> String {
    let mut grid = Grid::with_heads([
        cell("plugin"),
        cell("world"),
        cell("size").right(),
        cell("file"),
    ]);
    for component in components {
        grid.row([
            cell(component.name.as_str()).tone(Tone::Bold),
            cell(component.world.name()),
            cell(numbers::size(component.size_bytes)).right(),
            cell(component.file.display().to_string()),
        ]);
    }
    let mut text = grid.render(2, style);
    if let Some(first) = components.first() {
        let file = first.file.display();
        text += &next(
            [
                (
                    format!("{program} plugin inspect {file}"),
                    "what it imports and exports",
                ),
                (
                    format!("use = \"./{}\"", first.file_name()),
                    "in a stage of a pipeline file beside it",
                ),
            ],
            style,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use trueline_runtime::World;
    use trueline_table::Digest;

    use super::*;

    #[test]
    fn one_that_is_refused() {
        let plugin = Inspected {
            name: "clock.wasm".to_owned(),
            digest: Digest::of(b"clock"),
            size_bytes: 84_123,
            world: None,
            refusal: Some("the component imports `wasi:clocks/wall-clock@0.2.0`".to_owned()),
            imports: vec!["wasi:clocks/wall-clock@0.2.0".to_owned()],
            exports: Vec::new(),
        };
        insta::assert_snapshot!(inspect(&plugin, Style::PLAIN));
    }

    #[test]
    fn one_that_was_built() {
        let component = Built {
            name: "my-stage".to_owned(),
            file: "stages/my-stage.wasm".into(),
            digest: Digest::of(b"mine"),
            size_bytes: 84_123,
            world: World::Transform,
        };
        insta::assert_snapshot!(built(&[component], "trueline", Style::PLAIN));
    }
}
