//! States: a shape, a word and a colour, so that none of the three is needed.

use maud::{Markup, html};

/// The shape of a state, for eyes; a reader of screens gets the word.
pub(crate) fn shape(state: &str) -> Markup {
    html! {
        svg.shape.(state) viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false" {
            (drawing(state))
        }
    }
}

/// What is in the box of 16 by 16 of a state's shape.
pub(crate) fn drawing(state: &str) -> Markup {
    html! {
        @match state {
            "succeeded" | "accepted" => {
                circle.fill cx="8" cy="8" r="7" {}
                path.cut d="M4.6 8.3L7 10.7L11.5 5.7" {}
            }
            "failed" | "refused" | "fail" => {
                path.fill d="M5 1H11L15 5V11L11 15H5L1 11V5Z" {}
                path.cut d="M5.3 5.3L10.7 10.7M10.7 5.3L5.3 10.7" {}
            }
            "cached" => {
                path.fill d="M8 .8L15.2 8L8 15.2L.8 8Z" {}
                path.cut d="M8.6 4.4L5.9 8.6H8L7.4 11.6L10.1 7.4H8Z" {}
            }
            "running" => {
                circle.ring cx="8" cy="8" r="6" {}
                path.turn d="M8 2A6 6 0 0 1 14 8" {}
            }
            "skipped" => { circle.line cx="8" cy="8" r="6.2" {} path.line d="M5 8H11" {} }
            "blocked" => { circle.line cx="8" cy="8" r="6.2" {} path.line d="M3.7 12.3L12.3 3.7" {} }
            "cancelled" => { rect.line x="2" y="2" width="12" height="12" rx="2" {} path.line d="M5 8H11" {} }
            "warn" => { path.fill d="M8 1L15.4 14.4H.6Z" {} path.cut d="M8 6V9.6M8 11.4V12.4" {} }
            "waiting" => { circle.line cx="8" cy="8" r="6.2" {} path.line d="M8 4.4V8L10.4 9.6" {} }
            _ => { circle.dots cx="8" cy="8" r="6.2" {} }
        }
    }
}

/// Shape and word.
pub(crate) fn state(state: &str) -> Markup {
    worded(state, state)
}

/// The shape of a state with another word.
pub(crate) fn worded(state: &str, word: &str) -> Markup {
    html! { span.state.(state) { (shape(state)) span { (word) } } }
}

/// How a run came out, in a word or two.
pub(crate) fn outcome(state: &str, failure: Option<&str>) -> String {
    match (state, failure) {
        ("failed", Some("gate")) => "refused by its gate".to_owned(),
        ("failed", Some("lost")) => "lost".to_owned(),
        (state, _) => state.to_owned(),
    }
}

/// The state of several stages: of the one that matters most.
pub(crate) fn together(states: impl Iterator<Item = &'static str> + Clone) -> &'static str {
    let order = [
        "failed",
        "running",
        "ready",
        "pending",
        "blocked",
        "succeeded",
        "cached",
        "skipped",
    ];
    let has = |state: &&&str| states.clone().any(|other| other == **state);
    order.iter().find(has).copied().unwrap_or("pending")
}
