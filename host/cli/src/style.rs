//! What a terminal can show: colours and marks. Without either, the words say it all.

use std::io::IsTerminal;

/// What a stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) colour: bool,
    pub(crate) unicode: bool,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Warning,
    /// What matters less.
    Dim,
    /// What matters most.
    Bold,
    /// What to look at next.
    Accent,
}

/// A sign in front of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Good,
    Bad,
    Warning,
    /// It did not happen.
    Skipped,
    /// It is going on, or is still to come.
    Open,
}

impl Style {
    /// Neither colours nor marks.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self {
        colour: false,
        unicode: false,
    };

    /// What a stream can show: colours on a terminal whose user wants them (<https://no-color.org>),
    /// marks where the locale is UTF-8.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|terminal| terminal == "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| set(name));
        Self {
            colour: stream.is_terminal() && set("NO_COLOR").is_none() && !dumb,
            unicode: locale.is_some_and(|locale| is_utf8(&locale.to_string_lossy())),
        }
    }

    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => "",
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Warning => "33",
            Tone::Dim => "2",
            Tone::Bold => "1",
            Tone::Accent => "36",
        };
        if !self.colour || code.is_empty() || text.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(Tone::Good, text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(Tone::Bad, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint(Tone::Dim, text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(Tone::Bold, text)
    }

    pub(crate) fn accent(self, text: &str) -> String {
        self.paint(Tone::Accent, text)
    }

    /// A mark as text, unpainted.
    pub(crate) fn sign(self, mark: Mark) -> &'static str {
        match (mark, self.unicode) {
            (Mark::Good, true) => "✓",
            (Mark::Good, false) => "ok",
            (Mark::Bad, true) => "✗",
            (Mark::Bad, false) => "x",
            (Mark::Warning, _) => "!",
            (Mark::Skipped, true) => "–",
            (Mark::Skipped, false) => "-",
            (Mark::Open, true) => "•",
            (Mark::Open, false) => ".",
        }
    }

    /// A mark, painted.
    pub(crate) fn mark(self, mark: Mark) -> String {
        self.paint(mark.tone(), self.sign(mark))
    }
}

impl Mark {
    pub(crate) const fn tone(self) -> Tone {
        match self {
            Self::Good => Tone::Good,
            Self::Bad => Tone::Bad,
            Self::Warning => Tone::Warning,
            Self::Skipped | Self::Open => Tone::Dim,
        }
    }

    /// Good or bad.
    pub(crate) const fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_need_a_locale_with_utf_8() {
        for (locale, expected) in [
            ("C.UTF-8", true),
            ("de_DE.utf8", true),
            ("C", false),
            ("en_US.ISO-8859-1", false),
        ] {
            assert_eq!(is_utf8(locale), expected, "{locale}");
        }
    }

    #[test]
    fn only_colour_makes_escapes() {
        assert_eq!(Style::PLAIN.bad("no"), "no");
        let style = Style {
            colour: true,
            unicode: true,
        };
        assert_eq!(style.mark(Mark::Good), "\u{1b}[32m✓\u{1b}[0m");
        assert_eq!(style.dim(""), "");
    }
}
