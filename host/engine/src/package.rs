//! Putting a package together, and finding one again.

use trueline_pipeline::PlannedPackage;
use trueline_runtime::{Manifest, Package};
use trueline_store::{
    NewPackage, NewRun, PackageSummary, RunFailure, RunId, RunOutcome, Store, Verdict,
};
use trueline_table::Digest;

use crate::data::Data;
use crate::pipe::{FittedStages, Steps};
use crate::report::PackageReport;
use crate::{Error, Result};

/// What the gate before a package said.
pub(crate) struct GateSays {
    pub(crate) passed: bool,
    pub(crate) message: String,
}

/// Puts the package of a run together and enters it, with what its gate said, under its name.
pub(crate) fn pack(
    data: &Data,
    package: &PlannedPackage,
    fitted: &FittedStages,
    gate: GateSays,
    store: &Store,
    run: &RunId,
) -> Result<PackageReport> {
    let steps = Steps::load(data.schema(&package.pipe)?, &package.chain, fitted)?;
    let mut manifest = Manifest::new(steps.links(fitted)?);
    if let Some(service) = data.service(&package.pipe.dataset) {
        manifest = manifest.with_features(service);
    }
    for name in &package.chain {
        if let Some(stage) = fitted.get(name) {
            store.put_artifact("component", stage.work.component.to_vec())?;
            store.put_artifact("state", stage.state.to_vec())?;
        }
    }
    let json = manifest.to_json()?;
    let digest = Digest::of(json.as_bytes());
    let summary = store.put_package(NewPackage {
        name: package.name.clone(),
        digest,
        manifest: serde_json::from_str(&json).map_err(|error| Error::Package {
            digest,
            reason: error.to_string(),
        })?,
        run: run.clone(),
        verdict: if gate.passed {
            Verdict::Accepted
        } else {
            Verdict::Refused
        },
        message: gate.message.clone(),
    })?;
    Ok(PackageReport {
        name: package.name.clone(),
        version: summary.version,
        digest,
        chain: package.chain.clone(),
        accepted: gate.passed,
        message: gate.message,
    })
}

/// Finds a package by name, `name@version`, digest or the start of one, and reads its parts.
///
/// # Errors
/// If there is none, if the reference is ambiguous, or if a part is missing or was changed.
pub fn load_package(store: &Store, reference: &str) -> Result<(trueline_store::Package, Package)> {
    let entry = store.package(reference)?;
    let digest = entry.summary.digest;
    let unreadable = |reason| Error::Package { digest, reason };
    let manifest =
        Manifest::from_json(entry.manifest.to_string().as_bytes()).map_err(unreadable)?;
    let package = Package::new(manifest, |part| Ok::<_, Error>(store.artifact(&part)?))?;
    if package.digest() != digest {
        return Err(unreadable(format!(
            "its manifest has the digest {}",
            package.digest()
        )));
    }
    Ok((entry, package))
}

/// Takes in a package that another home made, under a name. A gate of this home has never seen its data, so
/// the verdict on it is no.
///
/// # Errors
/// If the name is not one, or the store cannot be written to.
pub fn import_package(
    store: &Store,
    package: &Package,
    name: &str,
    file: &std::path::Path,
) -> Result<PackageSummary> {
    let manifest = package.manifest();
    for link in &manifest.chain {
        for (kind, part) in [("component", link.component), ("state", link.state)] {
            store.put_artifact(kind, package.part(part)?.to_vec())?;
        }
    }
    let (json, digest) = (manifest.to_json()?, package.digest());
    if let Some(known) = store.package_version(name, &digest)? {
        // What a gate said of it here still holds.
        return Ok(known);
    }
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    // Whatever is in the registry came from a run; this one did nothing else.
    let run = store.create_run(NewRun {
        pipeline: "import".to_owned(),
        pipeline_digest: digest,
        lock_digest: digest,
        seed: 0,
        params: serde_json::json!({ "package_file": file }),
    })?;
    store.start_run(&run)?;
    let entered = store.put_package(NewPackage {
        name: name.to_owned(),
        digest,
        manifest: serde_json::from_str(&json).map_err(|error| Error::Package {
            digest,
            reason: error.to_string(),
        })?,
        run: run.clone(),
        verdict: Verdict::Refused,
        message: "it was imported, and no gate has judged it here".to_owned(),
    });
    let outcome = match &entered {
        Ok(_) => RunOutcome::Succeeded,
        Err(error) => RunOutcome::Failed {
            failure: RunFailure::Host,
            message: error.to_string(),
        },
    };
    store.finish_run(&run, outcome)?;
    Ok(entered?)
}
