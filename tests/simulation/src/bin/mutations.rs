//! Disables the steps of the protocol one by one in a copy of the sources, and prints which test detects it.

#![allow(clippy::print_stdout, reason = "command-line program")]

use auction_simulation::mutations::{ALL, Detector, Mutation};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Seeds of the schedules for each mutation. `simulate` stops after twenty broken schedules.
const SEEDS: &str = "0..3000";

/// Maximum time for the schedules of one mutation. Only a schedule that never ends takes longer.
const TIMEOUT: Duration = Duration::from_secs(900);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Copy of the sources and its build directory.
struct Copy {
    root: PathBuf,
    tree: PathBuf,
    target: PathBuf,
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(survivors) => {
            println!("\n{survivors} mutations were not detected");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Returns the number of mutations that were not detected.
fn run(names: &[String]) -> Result<usize> {
    let is_known = |name: &&String| ALL.iter().any(|mutation| mutation.name == name.as_str());
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let known: Vec<_> = ALL.iter().map(|mutation| mutation.name).collect();
        return Err(format!("unknown mutation {unknown:?}; known: {}", known.join(", ")).into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let directory = root.join("target/mutations");
    let copy = Copy { tree: directory.join("tree"), target: directory.join("target"), root };
    copy.refresh()?;
    let wanted = |mutation: &Mutation| names.is_empty() || names.iter().any(|name| name == mutation.name);
    let (switchable, others): (Vec<_>, Vec<_>) = ALL.iter().copied().partition(Mutation::is_switchable);
    switchable.iter().try_for_each(|mutation| copy.apply(mutation))?;
    copy.cargo(&["build", "--locked", "-p", "auction-simulation", "--bin", "simulate"])?;
    copy.check_baseline(ALL.iter().filter(|mutation| wanted(mutation)))?;
    println!("| disabled step | detected by | result |\n|---|---|---|");
    let mut survivors = 0;
    for mutation in switchable.into_iter().filter(wanted) {
        survivors += usize::from(!copy.is_detected(&mutation)?);
    }
    for mutation in others.into_iter().filter(wanted) {
        copy.apply(&mutation)?;
        survivors += usize::from(!copy.is_detected(&mutation)?);
        for edit in mutation.edits {
            std::fs::copy(copy.root.join(edit.file), copy.tree.join(edit.file))?;
        }
    }
    Ok(survivors)
}

impl Copy {
    /// Copies every project file that differs, so that unchanged packages are not built again.
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

    /// Runs schedules and returns a summary of the broken ones. `None`: no schedule was broken.
    fn simulate(&self, mutation: &str, seeds: &str) -> Result<Option<String>> {
        let mut simulate = Command::new(self.target.join("debug/simulate"));
        simulate.args(["--seeds", seeds]).env("MUTATION", mutation);
        let mut running = simulate.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let started = Instant::now();
        while running.try_wait()?.is_none() {
            if started.elapsed() > TIMEOUT {
                running.kill()?;
                running.wait()?;
                return Err(format!("{mutation}: the schedules did not end in time").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = running.wait_with_output()?;
        if output.status.success() {
            return Ok(None);
        }
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (first, last) =
            (printed.lines().next().unwrap_or_default(), printed.lines().last().unwrap_or_default());
        let counts = last.split(';').next().unwrap_or_default();
        Ok(Some(format!("{counts}; {}", first.chars().take(110).collect::<String>())))
    }

    /// Checks that every detector passes without a mutation: a test that always fails detects nothing.
    fn check_baseline<'a>(&self, mutations: impl Iterator<Item = &'a Mutation>) -> Result<()> {
        let detectors: BTreeSet<_> = mutations.map(|mutation| mutation.detected_by).collect();
        for detector in detectors {
            let failure = match detector {
                Detector::Simulation => self.simulate("none", "0..1000")?,
                Detector::Test(package, target, name) => self.test("none", package, target, name)?,
            };
            if let Some(failure) = failure {
                return Err(format!("{detector:?} fails without a mutation: {failure}").into());
            }
        }
        Ok(())
    }

    /// Runs one test and returns how it failed. `None`: it passed.
    fn test(&self, mutation: &str, package: &str, target: &str, name: &str) -> Result<Option<String>> {
        let arguments = ["test", "--locked", "-p", package, "--test", target];
        self.cargo(&[&arguments[..], &["--no-run"]].concat())?;
        // Without the step the test may run forever.
        let mut test = Command::new("timeout");
        test.current_dir(&self.tree).env("CARGO_TARGET_DIR", &self.target).env("MUTATION", mutation);
        let output = test.args(["120", env!("CARGO")]).args(arguments).args(["--", name]).output()?;
        if output.status.code() == Some(124) {
            return Ok(Some("the test does not end".to_owned()));
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let ran = printed.lines().any(|line| line.starts_with("test ") && line.contains(name));
        if !ran {
            return Err(format!("{mutation}: test {name} does not exist").into());
        }
        Ok((!output.status.success()).then(|| "the test fails".to_owned()))
    }

    /// Runs the detector of a mutation, prints a table row, and returns whether it detected the mutation.
    fn is_detected(&self, mutation: &Mutation) -> Result<bool> {
        let (detector, result) = match mutation.detected_by {
            Detector::Simulation => ("the simulation".to_owned(), self.simulate(mutation.name, SEEDS)?),
            Detector::Test(package, target, name) => {
                (format!("`{name}` (`{package}`)"), self.test(mutation.name, package, target, name)?)
            }
        };
        let text = result.as_deref().unwrap_or("**not detected**").replace('|', "/");
        println!("| {} (`{}`) | {detector} | {text} |", mutation.step, mutation.name);
        Ok(result.is_some())
    }
}
