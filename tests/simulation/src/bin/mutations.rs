//! Switches the steps of the protocol off, one by one, in a copy of the sources, and prints who noticed.

#![allow(clippy::print_stdout, reason = "it is what it is for")]

use auction_simulation::mutations::{ALL, Detector, Mutation};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// So many schedules at most; the first twenty that are broken are enough.
const SEEDS: &str = "0..3000";

/// Longer no schedules take, unless one does not end at all.
const PATIENCE: Duration = Duration::from_secs(900);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A copy of the sources, and where it is built.
struct Copy {
    root: PathBuf,
    tree: PathBuf,
    target: PathBuf,
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(survivors) => {
            println!("\n{survivors} steps can be switched off without anybody noticing");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Returns how many were not noticed.
fn run(names: &[String]) -> Result<usize> {
    let is_known = |name: &&String| ALL.iter().any(|mutation| mutation.name == name.as_str());
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = ALL.iter().map(|mutation| mutation.name).collect();
        return Err(format!("{unknown:?} is none of {}", known.join(", ")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let directory = root.join("target/mutations");
    let copy = Copy { tree: directory.join("tree"), target: directory.join("target"), root };
    copy.refresh()?;
    let wanted = |mutation: &Mutation| names.is_empty() || names.iter().any(|name| name == mutation.name);
    let (switched, others): (Vec<_>, Vec<_>) = ALL.iter().copied().partition(Mutation::is_switched);
    switched.iter().try_for_each(|mutation| copy.apply(mutation))?;
    copy.cargo(&["build", "--locked", "-p", "auction-simulation", "--bin", "simulate"])?;
    copy.is_sound(ALL.iter().filter(|mutation| wanted(mutation)))?;
    println!("| step that is switched off | noticed by | how |\n|---|---|---|");
    let mut survivors = 0;
    for mutation in switched.into_iter().filter(wanted) {
        survivors += usize::from(!copy.judge(&mutation)?);
    }
    for mutation in others.into_iter().filter(wanted) {
        copy.apply(&mutation)?;
        survivors += usize::from(!copy.judge(&mutation)?);
        for edit in mutation.edits {
            std::fs::copy(copy.root.join(edit.file), copy.tree.join(edit.file))?;
        }
    }
    Ok(survivors)
}

impl Copy {
    /// Copies every file of the project that differs: what does not is not built again.
    fn refresh(&self) -> Result<()> {
        let files = Command::new("git").arg("-C").arg(&self.root).args(["ls-files"]).output()?.stdout;
        for file in String::from_utf8(files)?.lines() {
            let (from, to) = (self.root.join(file), self.tree.join(file));
            let Ok(content) = std::fs::read(&from) else { continue };
            if std::fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            std::fs::create_dir_all(to.parent().unwrap_or(&self.tree))?;
            std::fs::write(&to, content)?;
        }
        Ok(())
    }

    fn apply(&self, mutation: &Mutation) -> Result<()> {
        for edit in mutation.edits {
            let path = self.tree.join(edit.file);
            let source = edit.apply(mutation.name, &std::fs::read_to_string(&path)?)?;
            std::fs::write(path, source)?;
        }
        Ok(())
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target).args(arguments);
        let output = cargo.output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    }

    /// What was broken; none if nothing was.
    fn simulate(&self, mutation: &str, seeds: &str) -> Result<Option<String>> {
        let mut simulate = Command::new(self.target.join("debug/simulate"));
        simulate.args(["--seeds", seeds]).env("MUTATION", mutation);
        let mut running = simulate.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let began = Instant::now();
        while running.try_wait()?.is_none() {
            if began.elapsed() > PATIENCE {
                running.kill()?;
                running.wait()?;
                return Err(format!("{mutation}: the schedules do not end").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = running.wait_with_output()?;
        if output.status.success() {
            return Ok(None);
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let (first, last) =
            (said.lines().next().unwrap_or_default(), said.lines().last().unwrap_or_default());
        let counts = last.split(';').next().unwrap_or_default();
        Ok(Some(format!("{counts}; {}", first.chars().take(110).collect::<String>())))
    }

    /// With every step in its place nobody complains: who complains always has noticed nothing.
    fn is_sound<'a>(&self, mutations: impl Iterator<Item = &'a Mutation>) -> Result<()> {
        let noticers: BTreeSet<_> = mutations.map(|mutation| mutation.noticed_by).collect();
        for noticer in noticers {
            let broken = match noticer {
                Detector::Simulation => self.simulate("none", "0..1000")?,
                Detector::Test(package, target, name) => self.test("none", package, target, name)?,
            };
            if let Some(broken) = broken {
                return Err(format!("{noticer:?}, with every step in its place: {broken}").into());
            }
        }
        Ok(())
    }

    /// What a test said; none if nothing was wrong.
    fn test(&self, mutation: &str, package: &str, target: &str, name: &str) -> Result<Option<String>> {
        let which = ["test", "--locked", "-p", package, "--test", target];
        self.cargo(&[&which[..], &["--no-run"]].concat())?;
        // Without the step it may go on for ever.
        let mut test = Command::new("timeout");
        test.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target).env("MUTATION", mutation);
        let output = test.args(["120", env!("CARGO")]).args(which).args(["--", name]).output()?;
        if output.status.code() == Some(124) {
            return Ok(Some("it does not end".to_owned()));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let ran = said.lines().any(|line| line.starts_with("test ") && line.contains(name));
        if !ran {
            return Err(format!("{mutation}: there is no test {name}").into());
        }
        Ok((!output.status.success()).then(|| "it fails".to_owned()))
    }

    /// Whether somebody notices.
    fn judge(&self, mutation: &Mutation) -> Result<bool> {
        let (by, how) = match mutation.noticed_by {
            Detector::Simulation => ("the simulation".to_owned(), self.simulate(mutation.name, SEEDS)?),
            Detector::Test(package, target, name) => {
                (format!("`{name}` (`{package}`)"), self.test(mutation.name, package, target, name)?)
            }
        };
        let told = how.as_deref().unwrap_or("**nobody noticed**").replace('|', "/");
        println!("| {} (`{}`) | {by} | {told} |", mutation.step, mutation.name);
        Ok(how.is_some())
    }
}
