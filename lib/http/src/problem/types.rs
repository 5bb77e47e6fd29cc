//! The table of all problems there are: what clients are told, and what the page of each explains. Problems can
//! only be made of entries of this table; refusals of the domain, which is open to new ones, are looked up in it.

pub(crate) mod refusals;
pub(crate) mod requests;

/// One type of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Its stable name in snake case, such as `not_above_your_latest`.
    pub code: &'static str,
    /// The status it comes with.
    pub status: u16,
    /// A few words.
    pub title: &'static str,
    /// One sentence that says what happened.
    pub happened: &'static str,
    /// What it carries besides what all problems carry.
    pub members: &'static [Member],
    /// What a client should do.
    pub advice: &'static str,
}

/// A member of a problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it looks like.
    pub shape: MemberType,
    /// What it says.
    pub about: &'static str,
}

/// What a member looks like in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberType {
    /// Money: an object of `amount`, in minor units, and `currency`.
    Money,
    /// A point in time by RFC 3339.
    Time,
    /// A whole number.
    Count,
    /// A list of what is wrong, each with `at` and `problem`.
    Errors,
}

impl MemberType {
    /// How people are told.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            MemberType::Money => "money: minor units and a currency",
            MemberType::Time => "time",
            MemberType::Count => "whole number",
            MemberType::Errors => "list of objects with `at` and `problem`",
        }
    }
}

impl ProblemType {
    /// Its URI, relative to the ingress, which serves a page there.
    pub fn uri(&self) -> String {
        uri(self.code)
    }
}

/// The URI of the type of a code.
pub(crate) fn uri(code: &str) -> String {
    format!("/problems/{}", code.replace('_', "-"))
}

/// All of them, those of requests first.
pub fn all() -> impl Iterator<Item = &'static ProblemType> {
    requests::ALL.iter().chain(refusals::ALL).copied()
}

/// The one of that code.
pub fn find(code: &str) -> Option<&'static ProblemType> {
    all().find(|kind| kind.code == code)
}

/// Defines kinds, and the list of them, so that none can be left out of it.
macro_rules! kinds {
    ($($name:ident = $kind:expr;)*) => {
        $(pub(crate) static $name: ProblemType = $kind;)*
        /// All of this part of the table.
        pub(crate) static ALL: &[&ProblemType] = &[$(&$name),*];
    };
}
pub(crate) use kinds;

/// A member.
pub(crate) const fn member(name: &'static str, shape: MemberType, about: &'static str) -> Member {
    Member { name, shape, about }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_says_what_to_do() {
        let mut seen = BTreeSet::new();
        for kind in all() {
            assert!(seen.insert(kind.code), "{} is there twice", kind.code);
            assert!(kind.code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", kind.code);
            assert!((400..600).contains(&kind.status), "{}", kind.code);
            assert!(kind.happened.ends_with('.') && kind.advice.ends_with('.'), "{}", kind.code);
            assert_eq!(find(kind.code), Some(kind));
        }
        assert_eq!(find("raffled"), None);
    }
}
