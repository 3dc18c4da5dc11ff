//! Who is let in: a component's world follows from its exports, and its imports must lie within it.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex};

use crate::{Error, Result, World};

const DESCRIBE: &str = "trueline:stage/describe@0.1.0";
pub(crate) const REDUCE: &str = "trueline:stage/reduce@0.1.0";
pub(crate) const MAP: &str = "trueline:stage/map@0.1.0";
const PROGRESS: &str = "trueline:stage/progress@0.1.0";
/// Types only: importing it gives a component nothing that it could call.
const TYPES: &str = "trueline:stage/types@0.1.0";

impl World {
    /// The name in `wit/`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Check => "check",
            Self::Model => "model",
        }
    }
}

/// The world of a component.
///
/// # Errors
/// [`Error::MissingExport`] if it is no stage, [`Error::Import`] for the first import that its world
/// does not offer.
pub(crate) fn world(engine: &Engine, component: &Component) -> Result<World> {
    let exports = |name| component.get_export_index(None, name).is_some();
    for export in [DESCRIBE, REDUCE] {
        if !exports(export) {
            return Err(Error::MissingExport { export });
        }
    }
    let component_type = component.component_type();
    let imports: Vec<_> = component_type.imports(engine).collect();
    let progress = imports.iter().any(|(name, _)| *name == PROGRESS);
    let world = match (exports(MAP), progress) {
        (false, _) => World::Check,
        (true, false) => World::Transform,
        (true, true) => World::Model,
    };
    for (name, item) in imports {
        let offered = match name {
            PROGRESS => world == World::Model,
            TYPES => only_types(engine, &item.ty),
            _ => false,
        };
        if !offered {
            return Err(Error::Import {
                import: name.to_owned(),
                world: world.name(),
            });
        }
    }
    Ok(world)
}

/// Where a function of an exported interface is.
///
/// # Errors
/// [`Error::Invalid`] if the interface lacks it.
pub(crate) fn export(
    component: &Component,
    interface: &str,
    function: &str,
) -> Result<ComponentExportIndex> {
    let outer = component.get_export_index(None, interface);
    let inner = outer.and_then(|outer| component.get_export_index(Some(&outer), function));
    inner.ok_or_else(|| Error::Invalid {
        reason: format!("`{interface}` has no function `{function}`"),
    })
}

fn only_types(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .all(|(_, item)| matches!(item.ty, ComponentItem::Type(_))),
        _ => false,
    }
}
