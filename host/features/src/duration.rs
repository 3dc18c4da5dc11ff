//! Durations as people write them.

/// What to write.
pub(crate) const HINT: &str =
    "write a whole number with its unit: us, ms, s, min, h, d or w, as in 24h";

const UNITS: [(&str, i64); 7] = [
    ("us", 1),
    ("ms", 1_000),
    ("s", 1_000_000),
    ("min", 60_000_000),
    ("h", 3_600_000_000),
    ("d", 86_400_000_000),
    ("w", 604_800_000_000),
];

/// The microseconds of a text such as `24h`; none if it is not one, or none that int64 holds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<i64>().ok()?.checked_mul(*factor)
}

/// A duration in the largest unit that it is a whole number of.
pub(crate) fn show(duration_us: i64) -> String {
    let whole = UNITS
        .iter()
        .rev()
        .find(|(_, factor)| duration_us % factor == 0);
    match whole {
        Some((unit, factor)) => format!("{} {unit}", duration_us / factor),
        None => format!("{duration_us} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let check = |text, expected| assert_eq!(parse(text), expected, "{text}");
        check("0s", Some(0));
        check("24h", Some(86_400_000_000));
        check("2 min", Some(120_000_000));
        check("1us", Some(1));
        for text in ["", "h", "3", "-1h", "1.5h", "3 hours", "99999999999999999w"] {
            check(text, None);
        }
        assert_eq!(show(86_400_000_000), "1 d");
        assert_eq!(show(5_400_000_000), "90 min");
        assert_eq!(show(1), "1 us");
    }
}
