//! The package file: an uncompressed tar of `manifest.json` and `sha256/<hex>` parts, in that order,
//! parts sorted by digest, every header field fixed. Any tar tool can look inside.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write};
use std::path::Path;

use trueline_files::{Audience, NewFile, folder_of};
use trueline_table::Digest;

use super::{Manifest, Package};
use crate::{Error, Result};

const MANIFEST: &str = "manifest.json";
const PARTS: &str = "sha256/";
/// No entry is larger; a hostile size must not become an allocation.
const ENTRY_BYTES_MAX: u64 = 4 << 30;

pub(super) fn write(package: &Package, path: &Path) -> Result<()> {
    let failed = |error| Error::io(path, error);
    let mut file =
        NewFile::begin("package", folder_of(path), Audience::Everyone).map_err(failed)?;
    let mut tar = tar::Builder::new(std::io::BufWriter::new(&mut file));
    let manifest = package.manifest.to_json()?;
    append(&mut tar, MANIFEST, manifest.as_bytes()).map_err(failed)?;
    for (digest, bytes) in &package.parts {
        append(&mut tar, &format!("{PARTS}{}", digest.hex()), bytes).map_err(failed)?;
    }
    tar.into_inner()
        .and_then(|mut out| out.flush())
        .map_err(failed)?;
    file.finish(path).map_err(failed)
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, bytes)
}

/// Why the bytes of a file are no package. What the archive's reader says quotes them, whatever they are.
fn why_unreadable(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => "it is cut off".to_owned(),
        Other | InvalidData | InvalidInput => {
            "it is no archive such as `trueline package export` writes".to_owned()
        }
        _ => error.to_string(),
    }
}

pub(super) fn read(path: &Path) -> Result<Package> {
    let wrong = |reason: String| Error::Package {
        path: path.display().to_string(),
        reason,
    };
    let unreadable = |error: std::io::Error| wrong(why_unreadable(&error));
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let mut archive = tar::Archive::new(std::io::BufReader::new(file));
    let mut manifest = None;
    let mut parts = BTreeMap::new();
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.display().to_string();
        if entry.size() > ENTRY_BYTES_MAX {
            return Err(wrong(format!(
                "`{name}` is larger than {ENTRY_BYTES_MAX} bytes"
            )));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(unreadable)?;
        if name == MANIFEST {
            manifest = Some(Manifest::from_json(&bytes).map_err(wrong)?);
        } else if let Some(digest) = name
            .strip_prefix(PARTS)
            .and_then(|hex| hex.parse::<Digest>().ok())
        {
            if Digest::of(&bytes) != digest {
                return Err(wrong(format!("the bytes of `{name}` were changed")));
            }
            parts.insert(digest, bytes);
        } else {
            return Err(wrong(format!("it holds `{name}`, which no package does")));
        }
    }
    let manifest = manifest.ok_or_else(|| wrong(format!("it holds no {MANIFEST}")))?;
    Package::new(manifest, |digest| {
        parts.remove(&digest).ok_or(Error::MissingPart {
            what: "the bytes of",
            digest,
        })
    })
}
