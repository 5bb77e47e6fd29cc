//! All problem types. A [`Problem`](super::Problem) of a request is made from its type; the problem of a
//! refusal from a stored outcome, whose code this release may not know.

pub(crate) mod refusals;
pub(crate) mod requests;

use auction_domain::RefusalType;
use auction_domain::refusal::{DetailType, ValueType};
use auction_wire::api::refusal_status;

/// Problem type by RFC 9457, with the texts of its page.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Stable identifier in snake case, such as `not_above_your_latest`.
    pub code: &'static str,
    pub status: u16,
    /// What happened: sentences, or the message of a refusal.
    text: &'static str,
    /// Members besides `type`, `title`, `status`, `detail` and `code`.
    pub members: &'static [DetailType],
    /// What the client should do.
    pub resolution: &'static str,
}

impl ProblemType {
    /// Returns the type URI, relative to the ingress, which serves a page there.
    pub fn uri(&self) -> String {
        uri(self.code)
    }

    pub fn title(&self) -> String {
        title(self.code)
    }

    /// Returns what happened, in one or two sentences.
    pub fn summary(&self) -> String {
        let sentence = capitalized(self.text).replace(['{', '}'], "`");
        if sentence.ends_with('.') { sentence } else { sentence + "." }
    }
}

/// Returns the title of a code, whether or not it is known: "Not above your latest".
pub(crate) fn title(code: &str) -> String {
    capitalized(&code.replace('_', " ")).replace("Url", "URL")
}

fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Returns the type URI of a code, whether or not it is known.
pub(crate) fn uri(code: &str) -> String {
    format!("/problems/{}", code.replace('_', "-"))
}

/// Returns all problem types, those of requests before refusals.
pub fn all() -> impl Iterator<Item = &'static ProblemType> {
    requests::ALL.iter().copied().chain(refusals::all())
}

/// Returns the problem type with this code.
pub fn find(code: &str) -> Option<&'static ProblemType> {
    all().find(|problem_type| problem_type.code == code)
}

/// Defines problem types together with the list `ALL`, so that the list cannot miss one.
macro_rules! problem_types {
    ($($name:ident = $problem_type:expr;)*) => {
        $(pub(crate) static $name: ProblemType = $problem_type;)*
        /// All problem types of this module.
        pub(crate) static ALL: &[&ProblemType] = &[$(&$name),*];
    };
}
pub(crate) use problem_types;

const fn problem(
    code: &'static str,
    status: u16,
    text: &'static str,
    resolution: &'static str,
    members: &'static [DetailType],
) -> ProblemType {
    ProblemType { code, status, text, members, resolution }
}

const fn member(name: &'static str, value: ValueType, description: &'static str) -> DetailType {
    DetailType { name, value, description }
}

const fn refusal(refusal: &RefusalType) -> ProblemType {
    let status = refusal_status(refusal.class);
    problem(refusal.code, status, refusal.message, refusal.resolution, refusal.details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn problem_types_have_unique_codes_and_a_resolution() {
        let mut seen = BTreeSet::new();
        for problem_type in all() {
            let code = problem_type.code;
            assert!(seen.insert(code), "{code} is defined twice");
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!((400..600).contains(&problem_type.status), "{code}");
            assert!(problem_type.resolution.ends_with('.'), "{code}");
            assert_eq!(find(code), Some(problem_type));
        }
        assert_eq!(find("raffled"), None);
    }
}
