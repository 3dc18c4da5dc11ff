//! The parameters.

use std::collections::BTreeMap;

use trueline_sdk::prelude::*;

/// The parameters of a lookup; the front page says what each means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    on: On,
    /// Columns of the table to add.
    pub(crate) take: Vec<String>,
    #[serde(default, rename = "as")]
    names: BTreeMap<String, String>,
    #[serde(default)]
    prefix: String,
    /// What a row without a match gets.
    #[serde(default)]
    pub(crate) unmatched: Unmatched,
    /// Rows that the table may have.
    #[serde(default = "default_max_rows")]
    pub(crate) max_rows: u32,
}

/// What happens to a row that no row of the table matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unmatched {
    /// Its new columns are null.
    #[default]
    Null,
    /// The call fails.
    Error,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "`on` must be a column name, a list of column names, or a list of { rows = \"…\", table = \"…\" }"
)]
enum On {
    One(String),
    Many(Vec<Pair>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Pair {
    Same(String),
    Each { rows: String, table: String },
}

fn default_max_rows() -> u32 {
    1_000_000
}

impl Params {
    /// What the table's columns of the key are called.
    pub(crate) fn table_keys(&self) -> Vec<String> {
        self.keys(|_, table| table)
    }

    /// What the rows' columns of the key are called.
    pub(crate) fn row_keys(&self) -> Vec<String> {
        self.keys(|rows, _| rows)
    }

    fn keys(&self, choose: impl for<'a> Fn(&'a String, &'a String) -> &'a String) -> Vec<String> {
        let pair = |pair: &Pair| match pair {
            Pair::Same(name) => name.clone(),
            Pair::Each { rows, table } => choose(rows, table).clone(),
        };
        match &self.on {
            On::One(name) => vec![name.clone()],
            On::Many(pairs) => pairs.iter().map(pair).collect(),
        }
    }

    /// What a taken column will be called.
    pub(crate) fn new_name(&self, taken: &str) -> String {
        self.names
            .get(taken)
            .cloned()
            .unwrap_or_else(|| format!("{}{taken}", self.prefix))
    }

    /// Checks what can be checked without schemas.
    ///
    /// # Errors
    /// [`Error::Params`] with the parameter.
    pub(crate) fn check(&self) -> Result<()> {
        let keys = self.table_keys();
        if keys.is_empty() || self.take.is_empty() {
            return Err(Error::params(
                "`on` and `take` need at least one column each",
            ));
        }
        for names in [&keys, &self.row_keys(), &self.take] {
            if let Some(twice) = first_repeated(names) {
                return Err(Error::params(format!(
                    "`{twice}` stands twice in `on` or `take`; name it once"
                )));
            }
        }
        if let Some(stray) = self.names.keys().find(|name| !self.take.contains(name)) {
            return Err(Error::params(format!(
                "`as` renames `{stray}`, which is not taken; `take` has {}",
                self.take.join(", ")
            )));
        }
        let new_names: Vec<String> = self.take.iter().map(|name| self.new_name(name)).collect();
        match first_repeated(&new_names) {
            Some(twice) => Err(Error::params(format!(
                "two taken columns would be called `{twice}`; change `as`"
            ))),
            None if new_names.contains(&String::new()) => {
                Err(Error::params("`as` has an empty name"))
            }
            None => Ok(()),
        }
    }
}

fn first_repeated(names: &[String]) -> Option<&String> {
    names
        .iter()
        .enumerate()
        .find(|(index, name)| names[..*index].contains(name))
        .map(|(_, name)| name)
}
