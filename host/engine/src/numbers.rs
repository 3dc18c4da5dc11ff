//! Numbers as people read them, on the command line and on pages. Their JSON has them in full.

use jiff::Timestamp;

/// A count with its thousands apart: `336,776`.
pub fn count(number: u64) -> String {
    group(&number.to_string())
}

/// How long something took: `840 ms`, `31.2 s`, `2 min 05 s`, `1 h 02 min`.
pub fn elapsed(ms: u64) -> String {
    let tenths = ms / 100;
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{}.{} s", seconds, tenths % 10),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A size: `84 bytes`, `1.2 MB`.
#[allow(clippy::cast_precision_loss, reason = "two digits are shown")]
pub fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// A measured value: whole ones without a point, others with four digits behind it, tiny ones with an
/// exponent.
pub fn metric(value: f64) -> String {
    metric_with(value, DIGITS)
}

/// Digits behind the point, unless more are needed to tell two values apart.
const DIGITS: usize = 4;

/// Two values with as many digits as it takes to see which is larger.
pub fn metrics_apart(left: f64, right: f64) -> (String, String, usize) {
    // 17 significant digits tell any two float64 apart.
    let apart = |digits: &usize| metric_with(left, *digits) != metric_with(right, *digits);
    let digits = (DIGITS..17).find(apart).unwrap_or(DIGITS);
    (
        metric_with(left, digits),
        metric_with(right, digits),
        digits,
    )
}

/// A measured value with so many digits behind the point.
pub fn metric_with(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    // Whole numbers up to 2^53 are exact.
    if value.fract().abs() < f64::MIN_POSITIVE && value.abs() < 9_007_199_254_740_992.0 {
        return group(&format!("{value:.0}"));
    }
    if value.abs() < 0.001 && digits == DIGITS {
        return format!("{value:.3e}");
    }
    match format!("{value:.digits$}").split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group(whole)),
        None => format!("{value}"),
    }
}

/// A time of the store, in UTC: `2013-10-01 06:00:00`.
pub fn time(us: i64) -> String {
    match Timestamp::from_microsecond(us) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => format!("{us} µs"),
    }
}

/// Milliseconds between two times of the store.
pub fn between(from_us: i64, to_us: i64) -> u64 {
    u64::try_from(to_us.saturating_sub(from_us) / 1000).unwrap_or(0)
}

/// One thing or several of it: `1 row`, `2 rows`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

fn group(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut text = String::from(sign);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sizes() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (336_776, "336,776"),
            (1_234_567_890, "1,234,567,890"),
        ] {
            assert_eq!(count(number), expected);
        }
        for (bytes, expected) in [
            (84, "84 bytes"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (1_234_567, "1.2 MB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
        assert_eq!(
            (plural(1, "row"), plural(2000, "row")),
            ("1 row".to_owned(), "2,000 rows".to_owned())
        );
    }

    #[test]
    fn times() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 05 s"),
            (3_720_000, "1 h 02 min"),
        ];
        for (ms, expected) in cases {
            assert_eq!(elapsed(ms), expected);
        }
        assert_eq!(time(1_380_585_600_000_000), "2013-10-01 00:00:00");
        assert_eq!(between(1_000_000, 3_500_000), 2500);
        assert_eq!(between(2, 1), 0);
    }

    #[test]
    fn metrics() {
        let cases = [
            (412.0, "412"),
            (327_346.0, "327,346"),
            (-1234.0, "-1,234"),
            (0.893_149, "0.8931"),
            (12_345.678_9, "12,345.6789"),
            (0.000_012_3, "1.230e-5"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(metric(value), expected);
        }
        let apart = |left, right| {
            let (left, right, _) = metrics_apart(left, right);
            (left, right)
        };
        assert_eq!(
            apart(0.879_996, 0.88),
            ("0.879996".to_owned(), "0.880000".to_owned())
        );
        assert_eq!(
            apart(0.9012, 0.95),
            ("0.9012".to_owned(), "0.9500".to_owned())
        );
    }
}
