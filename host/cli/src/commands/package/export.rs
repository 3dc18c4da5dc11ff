//! Packages for other places: one file, an archive for SageMaker, a folder for Docker.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use clap::ValueEnum;
use flate2::Compression;
use flate2::write::GzEncoder;
use trueline_runtime::Package;
use trueline_serving::IN_ARCHIVE;

use crate::errors::Problem;
use crate::new_file::NewFile;

/// What a package is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// One file, for `trueline` and for programs that embed it
    Package,
    /// `model.tar.gz`, which both this server and SageMaker's own XGBoost image serve
    Sagemaker,
    /// A folder with the package, this program and a Dockerfile
    Docker,
}

impl Form {
    /// # Errors
    /// If it cannot be written, or the package holds nothing that SageMaker's image could read.
    pub(crate) fn write(self, package: &Package, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Package => Ok(package.write(path)?),
            Self::Sagemaker => sagemaker(package, path),
            Self::Docker => docker(package, path),
        }
    }
}

/// At the top there is the model alone: SageMaker's image takes every file there for one.
fn sagemaker(package: &Package, path: &Path) -> anyhow::Result<()> {
    let link = package.manifest().chain.last();
    let link = link.ok_or_else(|| Problem::new("the package has no links"))?;
    let model = package.part(link.state)?;
    if !is_xgboost(model) {
        let problem = Problem::new("the last link of the package is no model of XGBoost's kind");
        return Err(problem
            .hint("SageMaker's own image could not load it; take --as docker for an image that can")
            .into());
    }
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let file = folder.path().join("package.trueline");
    package.write(&file)?;
    let mut tar = tar::Builder::new(GzEncoder::new(
        NewFile::create(path)?,
        Compression::default(),
    ));
    append(&mut tar, "xgboost-model", model)?;
    append(&mut tar, IN_ARCHIVE, &fs::read(&file)?)?;
    tar.into_inner()?.finish()?.finish()?;
    Ok(())
}

/// XGBoost's JSON, which is an object of `learner` and `version`.
fn is_xgboost(model: &[u8]) -> bool {
    let parsed = serde_json::from_slice::<serde_json::Value>(model);
    parsed.is_ok_and(|model| model.get("learner").is_some())
}

/// Equal packages make equal archives: no header tells a time or an owner.
fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes)
}

const DOCKERFILE: &str = r#"# docker build -t model . && docker run -p 8080:8080 model
FROM debian:trixie-slim
COPY trueline /usr/local/bin/trueline
COPY package.trueline /opt/trueline/package.trueline
ENV TRUELINE_PACKAGE=/opt/trueline/package.trueline \
    TRUELINE_LISTEN=0.0.0.0:8080
# SageMaker may ask for another port (SAGEMAKER_BIND_TO_PORT), and starts the image with `serve`.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true
EXPOSE 8080
# As a list, so that SIGTERM arrives and requests that were taken are finished.
ENTRYPOINT ["trueline"]
CMD ["serve"]
"#;

fn docker(package: &Package, path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    fs::create_dir(path).with_context(|| format!("cannot make the folder {shown}"))?;
    package.write(&path.join("package.trueline"))?;
    let program = std::env::current_exe().context("this program cannot be found")?;
    fs::copy(program, path.join("trueline")).context("this program cannot be copied")?;
    let mut file = NewFile::create(&path.join("Dockerfile"))?;
    file.write_all(DOCKERFILE.as_bytes())?;
    file.finish()?;
    Ok(())
}
