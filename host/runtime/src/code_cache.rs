//! Compiled code on disk: keyed by component and fingerprint, checked before it is mapped. Baked components
//! lie beside it, keyed by all that they were baked from.
//!
//! Compiled code is machine code that would run unchecked, so the folder is private, every file carries
//! the hash of its content, and none ever comes from a package, an export or a backup.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use trueline_files::{Audience, NewFile, create_private_folder, folder_of};
use trueline_table::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::Fingerprint;
use crate::{Error, Result, canonical_nan};

/// A folder of compiled components; or none, then everything is compiled anew.
#[derive(Clone, Debug)]
pub(crate) struct CodeCache {
    folder: Option<PathBuf>,
}

impl CodeCache {
    pub(crate) fn new(folder: Option<&Path>, fingerprint: Fingerprint) -> Self {
        Self {
            folder: folder.map(|folder| folder.join(fingerprint.0.hex())),
        }
    }

    /// The compiled component, from the folder or made now. A file that is stale, cut short or changed
    /// is made again; a folder that cannot be written only costs the next start its time.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
        digest: Digest,
    ) -> Result<Component> {
        let path = self
            .folder
            .as_ref()
            .map(|folder| folder.join(format!("{}.cwasm", digest.hex())));
        if let Some(component) = path.as_deref().and_then(|path| load(engine, path)) {
            return Ok(component);
        }
        let component = Self::compile(engine, bytes)?;
        if let Some(path) = path {
            let code = component
                .serialize()
                .map_err(|error| Error::Host(format!("{error:#}")))?;
            let _ = store(&path, &code);
        }
        Ok(component)
    }

    /// What was kept under a key, if it is there unchanged.
    pub(crate) fn kept(&self, key: Digest) -> Option<Vec<u8>> {
        unchanged(&self.kept_path(key)?)
    }

    /// Keeps what takes long to make; a folder that cannot be written only costs the next start its time.
    pub(crate) fn keep(&self, key: Digest, bytes: &[u8]) {
        if let Some(path) = self.kept_path(key) {
            let _ = store(&path, bytes);
        }
    }

    fn kept_path(&self, key: Digest) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?;
        Some(folder.join(format!("{}.baked", key.hex())))
    }

    /// Compiles a component without keeping the code.
    pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component> {
        let bytes = canonical_nan::rewrite(bytes).map_err(|error| Error::Invalid {
            reason: error.to_string(),
        })?;
        Component::from_binary(engine, &bytes).map_err(|error| Error::Invalid {
            reason: format!("{error:#}"),
        })
    }
}

/// The hash comes first, the code behind it.
const HASH_BYTES: usize = 32;

/// The content of a file, if it has the hash that it says.
fn unchanged(path: &Path) -> Option<Vec<u8>> {
    let mut file = fs::read(path).ok()?;
    let (hash, content) = file.split_at_checked(HASH_BYTES)?;
    if Digest::of(content).as_bytes() != hash {
        return None;
    }
    file.drain(..HASH_BYTES);
    Some(file)
}

fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let code = unchanged(path)?;
    #[allow(
        unsafe_code,
        reason = "wasmtime trusts compiled code; this was made here and is unchanged"
    )]
    // SAFETY: the file lies in a private folder, was written by `store` below from what this very
    // version of wasmtime compiled (the folder is named by the fingerprint), and its hash was just
    // checked on the bytes that are used.
    let component = unsafe { Component::deserialize(engine, &code) };
    component.ok()
}

fn store(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let folder = folder_of(path);
    create_private_folder(folder)?;
    let mut file = NewFile::begin("code", folder, Audience::Owner)?;
    file.write_all(Digest::of(code).as_bytes())?;
    file.write_all(code)?;
    // What a loss of power makes of it is found by the hash, and compiled anew.
    file.finish_soon(path)
}
