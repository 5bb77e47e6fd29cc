//! Mutation tests of the protocol: each mutation disables one step and names the test that must detect it.
//!
//! A mutation of Rust code replaces an expression. All of these go into one build, and the environment
//! variable `MUTATION` selects the active one. Other mutations are built one by one. The program `mutations`
//! does both and prints the table of [the test results](../../../docs/reference/test-results.md#mutations).

mod list;

pub use list::ALL;

/// Mutation that disables one step of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// Short name, for the command line and `MUTATION`.
    pub name: &'static str,
    /// Description of the disabled step.
    pub step: &'static str,
    pub edits: &'static [Edit],
    pub detected_by: Detector,
}

/// Replacement of a text in a source file.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// Path from the root of the repository.
    pub file: &'static str,
    /// Text to replace. It must occur exactly once in the file.
    pub text: &'static str,
    pub replacement: &'static str,
}

/// Test that must detect a mutation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detector {
    /// Random schedules of the simulation.
    Simulation,
    /// Test function: package, test target, name.
    Test(&'static str, &'static str, &'static str),
}

impl Mutation {
    /// Returns whether `MUTATION` can select the mutation at run time: all its edits are in Rust code.
    pub fn is_switchable(&self) -> bool {
        self.edits.iter().all(|edit| edit.file.ends_with(".rs"))
    }
}

impl Edit {
    /// Returns the edited source, or an error if the text does not occur exactly once.
    pub fn apply(&self, name: &str, source: &str) -> Result<String, String> {
        let found = source.matches(self.text).count();
        if found != 1 {
            return Err(format!(
                "{name}: `{}` occurs {found} times in {}, expected once",
                self.text, self.file
            ));
        }
        let Edit { text, replacement, .. } = self;
        let edited = match self.file.ends_with(".rs") {
            true => format!(
                "(if std::env::var_os(\"MUTATION\").is_some_and(|name| name == \"{name}\") {{ {replacement} }} else {{ {text} }})"
            ),
            false => (*replacement).to_owned(),
        };
        Ok(source.replace(text, &edited))
    }
}
