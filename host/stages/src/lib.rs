//! The standard stages, embedded as components.
//!
//! The build script compiles every folder of `plugins/`; what is here is exactly what those
//! sources say. A pipeline's `use = "tabular"` is answered by [`find`].
//!
//! ```
//! let tabular = trueline_stages::find("tabular").expect("a standard stage");
//! assert!(tabular.bytes().starts_with(b"\0asm"));
//! ```

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;

/// A stage that comes with Trueline.
#[derive(Debug)]
pub struct StandardStage {
    /// What a pipeline writes after `use`; the name of the plugin's folder.
    pub name: &'static str,
    deflated: &'static [u8],
    length: usize,
    bytes: OnceLock<Vec<u8>>,
}

impl StandardStage {
    const fn new(name: &'static str, deflated: &'static [u8], length: usize) -> Self {
        Self {
            name,
            deflated,
            length,
            bytes: OnceLock::new(),
        }
    }

    /// The component binary, which is unpacked when it is first asked for: some milliseconds.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get_or_init(|| {
            let mut bytes = Vec::with_capacity(self.length);
            let read = DeflateDecoder::new(self.deflated).read_to_end(&mut bytes);
            assert_eq!(
                read.ok(),
                Some(self.length),
                "what the build script packed can be unpacked"
            );
            bytes
        })
    }
}

// `STANDARD`, an array of them.
include!(concat!(env!("OUT_DIR"), "/standard.rs"));

/// All standard stages, sorted by name.
pub fn standard() -> &'static [StandardStage] {
    &STANDARD
}

/// The standard stage of this name.
pub fn find(name: &str) -> Option<&'static StandardStage> {
    standard().iter().find(|stage| stage.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_a_component() {
        assert!(standard().is_sorted_by_key(|stage| stage.name));
        for stage in standard() {
            // The magic number, version 13, layer 1: a component, not a core module.
            assert!(
                stage.bytes().starts_with(b"\0asm\x0d\0\x01\0"),
                "{}",
                stage.name
            );
            assert_eq!(
                find(stage.name).map(StandardStage::bytes),
                Some(stage.bytes())
            );
        }
        assert!(find("no-such-stage").is_none());
    }
}
