//! Writing JSON and UBJSON as XGBoost does: compact, floats as short as they round-trip.

use std::fmt::Write;

use super::Format;

/// A file that grows.
pub(super) struct Sink {
    format: Format,
    json: String,
    ubj: Vec<u8>,
}

impl Sink {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            json: String::new(),
            ubj: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self.format {
            Format::Json => self.json.into_bytes(),
            Format::Ubj => self.ubj,
        }
    }

    /// An object, whose keys and values `write` writes.
    pub(super) fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.mark('{');
        write(self);
        self.mark('}');
    }

    /// The key of the value that comes next.
    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        match self.format {
            Format::Json => {
                self.separate();
                self.quoted(key);
                self.json.push(':');
            }
            Format::Ubj => self.text(key),
        }
        self
    }

    pub(super) fn string(&mut self, text: &str) {
        match self.format {
            Format::Json => self.quoted(text),
            Format::Ubj => {
                self.ubj.push(b'S');
                self.text(text);
            }
        }
    }

    /// An object of texts.
    pub(super) fn strings<'t>(&mut self, items: impl IntoIterator<Item = (&'t str, String)>) {
        self.object(|sink| {
            for (key, value) in items {
                sink.key(key).string(&value);
            }
        });
    }

    /// An array of values that `write` writes one by one.
    pub(super) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        match self.format {
            Format::Json => {
                self.json.push('[');
                for item in items {
                    self.separate();
                    write(self, item);
                }
                self.json.push(']');
            }
            Format::Ubj => {
                self.ubj.extend(b"[#");
                self.length(items.len());
                items.for_each(|item| write(self, item));
            }
        }
    }

    /// A whole number that is no part of an array.
    pub(super) fn integer(&mut self, value: i64) {
        match self.format {
            Format::Json => {
                let _ = write!(self.json, "{value}");
            }
            // As short as it can be, as XGBoost writes it.
            Format::Ubj => {
                if let Ok(value) = i8::try_from(value) {
                    self.ubj.push(b'i');
                    self.ubj.extend(value.to_be_bytes());
                } else if let Ok(value) = i16::try_from(value) {
                    self.ubj.push(b'I');
                    self.ubj.extend(value.to_be_bytes());
                } else if let Ok(value) = i32::try_from(value) {
                    self.ubj.push(b'l');
                    self.ubj.extend(value.to_be_bytes());
                } else {
                    self.ubj.push(b'L');
                    self.ubj.extend(value.to_be_bytes());
                }
            }
        }
    }

    /// An array of float32.
    pub(super) fn floats(&mut self, items: impl ExactSizeIterator<Item = f32>) {
        self.array(b'd', items, float, |value| value.to_be_bytes());
    }

    /// An array of integers of 32 bits.
    pub(super) fn words(&mut self, items: impl ExactSizeIterator<Item = i32>) {
        self.array(b'l', items, display, |value| value.to_be_bytes());
    }

    /// An array of integers of 64 bits.
    pub(super) fn longs(&mut self, items: impl ExactSizeIterator<Item = i64>) {
        self.array(b'L', items, display, |value| value.to_be_bytes());
    }

    /// An array of bytes.
    pub(super) fn bytes(&mut self, items: impl ExactSizeIterator<Item = u8>) {
        self.array(b'U', items, display, |value| value.to_be_bytes());
    }

    fn array<T: Copy, const N: usize>(
        &mut self,
        mark: u8,
        items: impl ExactSizeIterator<Item = T>,
        digits: impl Fn(&mut String, T),
        bytes: impl Fn(T) -> [u8; N],
    ) {
        match self.format {
            Format::Json => self.list(items, |sink, item| digits(&mut sink.json, item)),
            Format::Ubj => {
                self.ubj.extend([b'[', b'$', mark, b'#']);
                self.length(items.len());
                items.for_each(|item| self.ubj.extend(bytes(item)));
            }
        }
    }

    fn mark(&mut self, mark: char) {
        match self.format {
            Format::Json => self.json.push(mark),
            Format::Ubj => self.ubj.extend(mark.to_string().bytes()),
        }
    }

    /// A comma, unless an object or array just began.
    fn separate(&mut self) {
        if !self.json.ends_with(['{', '[']) {
            self.json.push(',');
        }
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.ubj.extend(text.bytes());
    }

    fn length(&mut self, length: usize) {
        self.ubj.push(b'L');
        self.ubj.extend((length as u64).to_be_bytes());
    }

    fn quoted(&mut self, text: &str) {
        self.json.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.json.extend(['\\', c]),
                '\n' => self.json.push_str("\\n"),
                '\r' => self.json.push_str("\\r"),
                '\t' => self.json.push_str("\\t"),
                c if c < ' ' => {
                    let _ = write!(self.json, "\\u{:04x}", u32::from(c));
                }
                c => self.json.push(c),
            }
        }
        self.json.push('"');
    }
}

fn display(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// The shortest digits that read back as the same float32, in XGBoost's notation: a number without
/// exponent or point would be read as an integer and refused.
fn float(out: &mut String, value: f32) {
    if value.is_finite() {
        let _ = write!(out, "{value:E}");
    } else if value.is_nan() {
        out.push_str("NaN");
    } else {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
}
