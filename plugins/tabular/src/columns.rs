//! Which columns a step is about: names, patterns and types.

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::DataType;

use crate::table::Column;

/// A choice of columns, as a pipeline file writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// In the order written; at least one that is not an exception.
    pub(crate) wanted: Vec<Wanted>,
    /// Those that patterns do not choose.
    exceptions: Vec<Pattern>,
    /// The types that patterns choose, if not all.
    types: Option<Vec<Type>>,
}

/// One column, or those that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Named(String),
    Like(Pattern),
}

/// A name in which `*` stands for any characters, none included, and `?` for any one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Any,
}

/// A type, or a family of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Type {
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Utf8,
    Binary,
    Timestamp,
    Date,
    /// int32, int64, float32 and float64.
    Number,
    /// int32 and int64.
    Integer,
    /// float32 and float64.
    Float,
    /// timestamp and date.
    Time,
    /// Vectors of any width.
    Vector,
}

impl Columns {
    /// These, one by one.
    pub(crate) fn named(names: impl IntoIterator<Item = String>) -> Self {
        Self {
            wanted: names.into_iter().map(Wanted::Named).collect(),
            exceptions: Vec::new(),
            types: None,
        }
    }

    /// Whether a pattern that fits this column's name may choose it.
    pub(crate) fn admits(&self, name: &str, data_type: DataType) -> bool {
        let is_wanted = |types: &Vec<Type>| types.iter().any(|wanted| wanted.holds(data_type));
        self.types.as_ref().is_none_or(is_wanted)
            && !self.exceptions.iter().any(|pattern| pattern.fits(name))
    }

    /// Whether all that are named are among these. Of a partial table, nothing depends on what lacks one.
    pub(crate) fn are_in(&self, columns: &[Column]) -> bool {
        self.wanted.iter().all(|wanted| match wanted {
            Wanted::Named(name) => columns.iter().any(|column| column.field.name == *name),
            Wanted::Like(_) => true,
        })
    }

    fn new<E: serde::de::Error>(entries: Vec<String>, types: Option<Vec<Type>>) -> Result<Self, E> {
        let (mut wanted, mut exceptions) = (Vec::new(), Vec::new());
        for entry in entries {
            if let Some(excepted) = entry.strip_prefix('!') {
                exceptions.push(Pattern::new(excepted));
                continue;
            }
            let pattern = Pattern::new(&entry);
            let next = match pattern.name() {
                // In a choice by type a name is a pattern as well, which may choose nothing else.
                Some(name) if types.is_none() => Wanted::Named(name),
                _ => Wanted::Like(pattern),
            };
            if wanted.contains(&next) {
                return Err(E::custom(format!("column `{entry}` is named twice")));
            }
            wanted.push(next);
        }
        if wanted.is_empty() {
            return Err(E::custom("`columns` is empty; name at least one"));
        }
        Ok(Self {
            wanted,
            exceptions,
            types,
        })
    }
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "columns are a name, a list of names and patterns such as [\"temp\", \"wind_*\", \"!wind_gust\"], \
                         or { type = \"float64\" }, where the types are boolean, int32, int64, float32, float64, utf8, \
                         binary, timestamp, date, number, integer, float, time and vector"
        )]
        enum Written {
            One(String),
            Many(Vec<String>),
            Typed(Typed),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Typed {
            r#type: OneOrMany<Type>,
            #[serde(default = "any_name")]
            name: OneOrMany<String>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany<T> {
            One(T),
            Many(Vec<T>),
        }
        impl<T> OneOrMany<T> {
            fn all(self) -> Vec<T> {
                match self {
                    Self::One(one) => vec![one],
                    Self::Many(many) => many,
                }
            }
        }
        fn any_name() -> OneOrMany<String> {
            OneOrMany::One("*".to_owned())
        }
        match Written::deserialize(deserializer)? {
            Written::One(name) => Self::new(vec![name], None),
            Written::Many(names) => Self::new(names, None),
            Written::Typed(typed) => match typed.r#type.all() {
                types if types.is_empty() => {
                    Err(D::Error::custom("`type` is empty; name at least one"))
                }
                types => Self::new(typed.name.all(), Some(types)),
            },
        }
    }
}

impl Pattern {
    /// `\` takes its meaning from the character behind it.
    fn new(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => Token::Literal(characters.next().unwrap_or('\\')),
                other => Token::Literal(other),
            });
        }
        Self {
            text: text.to_owned(),
            tokens,
        }
    }

    /// The only name that fits, if there is but one.
    fn name(&self) -> Option<String> {
        let literal = |token: &Token| match token {
            Token::Literal(character) => Some(*character),
            Token::One | Token::Any => None,
        };
        self.tokens.iter().map(literal).collect()
    }

    pub(crate) fn fits(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut token) = (0, 0);
        // The last `*`, and where in the name the search behind it began.
        let mut last_any = None;
        loop {
            match self.tokens.get(token) {
                Some(Token::Any) => {
                    last_any = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(wanted) if name.get(at).is_some_and(|character| wanted.is(*character)) => {
                    (at, token) = (at + 1, token + 1);
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            // What the last `*` stands for is one character longer then.
            match last_any {
                Some((any, begun)) if begun < name.len() => {
                    (at, token) = (begun + 1, any + 1);
                    last_any = Some((any, begun + 1));
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn is(self, character: char) -> bool {
        self == Self::One || self == Self::Literal(character)
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Type {
    fn holds(self, data_type: DataType) -> bool {
        match self {
            Self::Boolean => data_type == DataType::Boolean,
            Self::Int32 => data_type == DataType::Int32,
            Self::Int64 => data_type == DataType::Int64,
            Self::Float32 => data_type == DataType::Float32,
            Self::Float64 => data_type == DataType::Float64,
            Self::Utf8 => data_type == DataType::Utf8,
            Self::Binary => data_type == DataType::Binary,
            Self::Timestamp => data_type == DataType::Timestamp,
            Self::Date => data_type == DataType::Date,
            Self::Number => data_type.is_numeric() && data_type != DataType::Boolean,
            Self::Integer => matches!(data_type, DataType::Int32 | DataType::Int64),
            Self::Float => matches!(data_type, DataType::Float32 | DataType::Float64),
            Self::Time => matches!(data_type, DataType::Timestamp | DataType::Date),
            Self::Vector => data_type.is_vector(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(json: &str) -> Columns {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn names_stand_for_themselves_and_patterns_for_what_fits() {
        let names = |columns: Columns| match &columns.wanted[..] {
            [Wanted::Named(name)] => name.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names(columns(r#""wind_speed""#)), "wind_speed");
        assert_eq!(names(columns(r#""5 \\* 3\\?""#)), "5 * 3?");
        assert_eq!(names(columns(r#""\\!x""#)), "!x");
        for (pattern, fitting, other) in [
            ("*", &["", "a", "é"][..], &[][..]),
            (
                "wind_*",
                &["wind_", "wind_speed"],
                &["wind", "a_wind_speed"],
            ),
            ("*_at", &["_at", "sent_at", "_at_at"], &["at", "sent_at_"]),
            ("a*b*c", &["abc", "aXbYc", "abbcc"], &["ab", "acb", "abcd"]),
            ("x?", &["x1", "xé"], &["x", "x12"]),
            ("a\\*", &["a*"], &["ab"]),
        ] {
            let pattern = Pattern::new(pattern);
            assert!(fitting.iter().all(|name| pattern.fits(name)), "{pattern}");
            assert!(!other.iter().any(|name| pattern.fits(name)), "{pattern}");
        }
    }

    #[test]
    fn types_and_exceptions_narrow_what_patterns_choose() {
        let chosen = columns(r#"{"type": ["integer", "float64"], "name": ["a*", "!*_raw"]}"#);
        assert!(chosen.admits("ab", DataType::Int32));
        assert!(chosen.admits("ab", DataType::Float64));
        assert!(!chosen.admits("ab", DataType::Float32));
        assert!(!chosen.admits("a_raw", DataType::Int32));
        let chosen = columns(r#"{"type": "vector"}"#);
        assert!(chosen.admits("ab", DataType::Float32List(3)));
        assert!(!chosen.admits("ab", DataType::Float32));
    }

    #[test]
    fn errors_say_how_columns_are_chosen() {
        for (json, part) in [
            ("[]", "`columns` is empty"),
            (r#"["!a"]"#, "`columns` is empty"),
            (r#"["a", "b*", "b*"]"#, "column `b*` is named twice"),
            ("3", "columns are a name, a list of names and patterns"),
            (r#"{"type": []}"#, "`type` is empty"),
            (r#"{"type": "string"}"#, "the types are boolean, int32"),
            (r#"{"type": "utf8", "names": "a"}"#, "or { type = "),
        ] {
            let error = serde_json::from_str::<Columns>(json).unwrap_err();
            assert!(error.to_string().contains(part), "{json}: {error}");
        }
    }
}
