//! What is wrong with a file of declarations, and where.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What is wrong, with the values.
    pub message: String,
    /// The file, as it was named.
    pub file: PathBuf,
    /// Where in the file; none if it could not be read at all.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A stretch of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// In characters, at least 1.
    pub length: usize,
    /// The whole line.
    pub source_line: String,
}

/// Plain text in the manner of rustc; colour is the caller's.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        write!(f, " --> {}", self.file.display())?;
        if let Some(Place {
            line,
            column,
            length,
            source_line,
        }) = &self.place
        {
            let gutter = line.to_string().len();
            // A tab stays a tab, so that the mark stands below its word whatever a tab's width.
            let before = source_line.chars().take(column - 1);
            let before: String = before
                .map(|character| if character == '\t' { '\t' } else { ' ' })
                .collect();
            writeln!(f, ":{line}:{column}")?;
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{}", format!("{line} | {source_line}").trim_end())?;
            write!(f, "{:gutter$} | {before}{}", "", "^".repeat(*length))?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            let between = if index == 0 { "" } else { "\n\n" };
            write!(f, "{between}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_words_below_the_line() {
        let diagnostic = Diagnostic {
            message: "stage `train` reads `trips`, which is neither a dataset nor a stage"
                .to_owned(),
            file: "pipelines/delay.toml".into(),
            place: Some(Place {
                line: 14,
                column: 8,
                length: 5,
                source_line: "\tfit = \"trips\"".to_owned(),
            }),
            hint: Some("did you mean `trip`?".to_owned()),
        };
        let expected = "\
error: stage `train` reads `trips`, which is neither a dataset nor a stage
 --> pipelines/delay.toml:14:8
   |
14 | \tfit = \"trips\"
   | \t      ^^^^^
hint: did you mean `trip`?";
        assert_eq!(diagnostic.to_string(), expected);
        let unread = Diagnostic {
            place: None,
            hint: None,
            message: "no such file".to_owned(),
            ..diagnostic
        };
        assert_eq!(
            unread.to_string(),
            "error: no such file\n --> pipelines/delay.toml"
        );
        assert_eq!(
            Diagnostics(vec![unread.clone(), unread.clone()]).to_string(),
            format!("{unread}\n\n{unread}")
        );
    }
}
