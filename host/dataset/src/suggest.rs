//! Hints for names that do not exist, alike in all messages about a pipeline file.

/// ``did you mean `arr_delay`?`` if one of the names that exist is close to the one given.
pub fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Damerau's distance counts a swap of two letters as one.
    let distance =
        |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let (distance, closest) = names
        .into_iter()
        .map(|other| (distance(other), other))
        .min()?;
    // A third of the letters may be wrong, but never all of them.
    let letters = name.chars().count();
    let is_close = distance <= 1.max(letters / 3) && distance < letters;
    is_close.then(|| format!("did you mean `{closest}`?"))
}

/// The names in backticks, cut after a dozen.
pub fn list_some<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    match names.get(SHOWN..) {
        Some(more) if !more.is_empty() => {
            format!("{} and {} more", names[..SHOWN].join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        let names = ["arr_delay", "dep_delay", "origin"];
        let check = |name, expected: Option<&str>| {
            assert_eq!(did_you_mean(name, names).as_deref(), expected, "{name}");
        };
        check("arr_dely", Some("did you mean `arr_delay`?"));
        check("Origin", Some("did you mean `origin`?"));
        check("orgiin", Some("did you mean `origin`?"));
        check("temperature", None);
        assert_eq!(did_you_mean("y", ["x"]), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..14).map(|number| format!("c{number}")).collect();
        let names = || names.iter().map(String::as_str);
        assert!(list_some(names()).ends_with("`c11` and 2 more"));
        assert_eq!(list_some(names().take(2)), "`c0`, `c1`");
        assert_eq!(list_some([]), "none");
    }
}
