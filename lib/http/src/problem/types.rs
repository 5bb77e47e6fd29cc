//! The table of all problem types. A [`Problem`](super::Problem) is made from an entry of this table. The
//! exception are refusals, whose codes the domain defines: they are looked up in the table by code.

pub(crate) mod refusals;
pub(crate) mod requests;

/// Problem type by RFC 9457, with the texts of its page.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Stable identifier in snake case, such as `not_above_your_latest`.
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// What happened, in one or two sentences.
    pub summary: &'static str,
    /// Members besides `type`, `title`, `status`, `detail` and `code`.
    pub members: &'static [Member],
    /// What the client should do.
    pub resolution: &'static str,
}

/// Member of a problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    pub name: &'static str,
    pub member_type: MemberType,
    /// Noun phrase without a period.
    pub description: &'static str,
}

/// JSON type of a [`Member`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberType {
    /// Object of `amount`, in minor units, and `currency`.
    Money,
    /// Point in time by RFC 3339.
    Time,
    Count,
    /// List of objects with `at` and `problem`.
    Errors,
}

impl MemberType {
    /// Returns the type as it is printed on the page of a problem.
    pub(crate) fn label(self) -> &'static str {
        match self {
            MemberType::Money => "money: minor units and a currency",
            MemberType::Time => "time",
            MemberType::Count => "whole number",
            MemberType::Errors => "list of objects with `at` and `problem`",
        }
    }
}

impl ProblemType {
    /// Returns the type URI, relative to the ingress, which serves a page there.
    pub fn uri(&self) -> String {
        uri(self.code)
    }
}

/// Returns the type URI of a code, whether or not the table has it.
pub(crate) fn uri(code: &str) -> String {
    format!("/problems/{}", code.replace('_', "-"))
}

/// Returns all problem types, those of requests before refusals.
pub fn all() -> impl Iterator<Item = &'static ProblemType> {
    requests::ALL.iter().chain(refusals::ALL).copied()
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

pub(crate) const fn member(name: &'static str, member_type: MemberType, description: &'static str) -> Member {
    Member { name, member_type, description }
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
            assert!(problem_type.summary.ends_with('.') && problem_type.resolution.ends_with('.'), "{code}");
            assert_eq!(find(code), Some(problem_type));
        }
        assert_eq!(find("raffled"), None);
    }
}
