//! Steps of the protocol, each with the change of the sources that switches it off, and who must notice.
//!
//! A change of Rust is an expression in place of another: all of them go into one build, and the variable `MUTATION`
//! says which one counts. Others are built one by one. The program `mutations` does both and prints the table of
//! [reliability](../../../docs/reliability.md#mutations).

mod list;

pub use list::ALL;

/// A step that is switched off.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// In short.
    pub name: &'static str,
    /// Which step.
    pub step: &'static str,
    /// How.
    pub edits: &'static [Edit],
    /// Who must notice.
    pub noticed_by: Detector,
}

/// Something in place of something else.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// Where, from the root.
    pub file: &'static str,
    /// What is there, once.
    pub text: &'static str,
    /// What comes in its place.
    pub replacement: &'static str,
}

/// Who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// Schedules by seed.
    Simulation,
    /// A test: package, target, name.
    Test(&'static str, &'static str, &'static str),
}

impl Mutation {
    /// Whether it can be switched on in a program that has all of them.
    pub fn is_switched(&self) -> bool {
        self.edits.iter().all(|edit| edit.file.ends_with(".rs"))
    }
}

impl Edit {
    /// The sources with it, or why it does not fit them.
    pub fn apply(&self, name: &str, source: &str) -> Result<String, String> {
        let found = source.matches(self.text).count();
        if found != 1 {
            return Err(format!("{name}: `{}` is {found} times in {}", self.text, self.file));
        }
        let Edit { text, replacement, .. } = self;
        let now = match self.file.ends_with(".rs") {
            true => format!(
                "(if std::env::var_os(\"MUTATION\").is_some_and(|name| name == \"{name}\") {{ {replacement} }} else {{ {text} }})"
            ),
            false => (*replacement).to_owned(),
        };
        Ok(source.replace(text, &now))
    }
}
