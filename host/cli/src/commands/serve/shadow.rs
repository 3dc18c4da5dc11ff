//! The challenger of a server, and where it is written down how it does.

use trueline_runtime::Runtime;
use trueline_serving::{Comparison, Report, Settings, Shadow};
use trueline_store::{Difference, Store};

use super::{load, names_of, reference};
use crate::context::Context;

/// The package that answers in the shadow. How it does goes into the home, if there is one, for the page of
/// the package.
///
/// # Errors
/// If there is no such package, or it cannot be loaded.
pub(super) fn challenger(
    reference: &str,
    runtime: &Runtime,
    settings: &Settings,
    context: &Context,
) -> anyhow::Result<Shadow> {
    let found = reference::find(reference, context)?;
    let names = names_of(&found, reference);
    let model = load(&found, names, runtime, settings)?;
    let report = match context.nearest_home() {
        Some(_) => Some(report(context.store()?, context.clone())),
        None => None,
    };
    Ok(Shadow { model, report })
}

fn report(store: Store, context: Context) -> Report {
    let mut has_failed = false;
    Box::new(move |comparison| {
        let written = store.put_comparison(&stored(comparison));
        // A home that is busy or full is told once; the next count has all of it.
        if let Err(error) = &written
            && !has_failed
        {
            context.tell(&format!(
                "how the challenger does is not in the home: {error}"
            ));
        }
        has_failed = written.is_err();
    })
}

fn stored(comparison: &Comparison) -> trueline_store::Comparison {
    let columns = comparison.columns.iter().map(|(name, difference)| {
        let difference = Difference {
            rows_differing: difference.rows_differing,
            rows_with_numbers: difference.rows_with_numbers,
            largest: difference.largest,
            mean: difference.mean,
        };
        (name.clone(), difference)
    });
    trueline_store::Comparison {
        package: comparison.package,
        challenger: comparison.challenger,
        rows: comparison.rows,
        rows_failed: comparison.rows_failed,
        failure: comparison.failure.clone(),
        columns: columns.collect(),
        // The store's clock tells both.
        began_us: 0,
        updated_us: 0,
    }
}
