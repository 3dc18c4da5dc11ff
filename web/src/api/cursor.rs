//! Which part of a list is asked for. Lists go from key to key, never by counting: a page in the middle of ten
//! thousand runs costs what the first one does.

use serde::Deserialize;
use trueline_store::RunId;

use crate::problem::Problem;

/// How many rows a list has at most, and when nobody asks for fewer.
const MOST: u32 = 200;

/// The query of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    /// The last of the page before: what follows it is shown.
    pub(crate) before: Option<String>,
    pub(crate) limit: Option<String>,
}

impl ListQuery {
    /// So many rows, `usual` if nobody asked.
    pub(crate) fn limit(&self, usual: u32) -> Result<u32, Problem> {
        let Some(text) = self.limit.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(usual);
        };
        match text.parse() {
            Ok(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            _ => Err(
                Problem::bad_request(format!("`limit={text}` is no number of rows"))
                    .hint(format!("ask for 1 to {MOST}")),
            ),
        }
    }

    /// The run behind which the page begins.
    pub(crate) fn run(&self) -> Result<Option<RunId>, Problem> {
        let parse = |text: &String| text.parse::<RunId>().map_err(|_| bad_cursor(text));
        self.before.as_ref().map(parse).transpose()
    }

    /// The version behind which the page begins.
    pub(crate) fn version(&self) -> Result<Option<u32>, Problem> {
        let parse = |text: &String| text.parse::<u32>().map_err(|_| bad_cursor(text));
        self.before.as_ref().map(parse).transpose()
    }
}

fn bad_cursor(text: &str) -> Problem {
    Problem::bad_request(format!(
        "`before={text}` is not where a page of this list ends"
    ))
    .hint("take `next` from the page before, or leave `before` out to begin with the newest")
}

/// Cuts a list that was asked for one row more than it shows. The last row shown is where the next page begins, if
/// there is one.
pub(crate) fn cut<T>(
    mut rows: Vec<T>,
    limit: u32,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| has_more).map(key);
    (rows, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let page = |rows: &[u8], limit| cut(rows.to_vec(), limit, ToString::to_string);
        assert_eq!(page(&[9, 8, 7], 2), (vec![9, 8], Some("8".to_owned())));
        assert_eq!(page(&[9, 8], 2), (vec![9, 8], None));
        assert_eq!(page(&[], 2), (vec![], None));
    }

    #[test]
    fn what_is_no_place_in_a_list_is_told() {
        let query = |before: &str, limit: &str| ListQuery {
            before: Some(before.to_owned()),
            limit: Some(limit.to_owned()),
        };
        assert_eq!(query("run_0000000000000000", "7").limit(50).unwrap(), 7);
        assert_eq!(query("", "").limit(50).unwrap(), 50);
        for limit in ["0", "201", "-1", "many"] {
            assert_eq!(
                query("", limit).limit(50).unwrap_err().status,
                400,
                "{limit}"
            );
        }
        for before in ["", "run_", "sha256:00", "9'"] {
            assert_eq!(query(before, "").run().unwrap_err().status, 400, "{before}");
            assert_eq!(
                query(before, "").version().unwrap_err().status,
                400,
                "{before}"
            );
        }
    }
}
