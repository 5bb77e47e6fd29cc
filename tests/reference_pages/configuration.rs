//! `docs/reference/configuration.md`: `config/default.toml`, with the types of the settings.

use crate::support::root;
use auction_testkit::reference_page::ReferencePage;
use std::collections::BTreeMap;

/// Setting of the file, with its default and its comment.
struct Setting {
    /// Section and name, such as `writer.max_batch`.
    key: String,
    default: String,
    /// Comment in Markdown; further settings below the same comment have it too.
    comment: String,
}

/// Returns the settings of `config/default.toml`, in their order. A setting without a default is commented out.
fn settings() -> Vec<Setting> {
    let file = std::fs::read_to_string(root().join("config/default.toml")).unwrap();
    // The first paragraph is about the file.
    let (_, settings) = file.split_once("\n\n").unwrap();
    let (mut section, mut comment, mut found) = (String::new(), Vec::new(), Vec::new());
    let mut after_setting = false;
    for line in settings.lines() {
        let text = line.strip_prefix("# ").or(line.strip_prefix('#'));
        let commented_out = text.and_then(setting);
        if let Some((name, default)) = commented_out.or(setting(line)) {
            let default = if commented_out.is_some() { "none".to_owned() } else { format!("`{default}`") };
            found.push(Setting { key: format!("{section}{name}"), default, comment: markdown(&comment) });
            after_setting = true;
            continue;
        }
        // A comment is for all settings that follow it directly.
        if text.is_none() || after_setting {
            comment.clear();
        }
        comment.extend(text);
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        }
        after_setting = false;
    }
    found
}

/// Returns name and value of a line `name = value`.
fn setting(line: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| name.chars().all(|c| c == '_' || c.is_ascii_lowercase());
    line.split_once(" = ").filter(|(name, _)| is_name(name))
}

/// Returns a comment as Markdown: indented lines become a block.
fn markdown(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut in_block = false;
    for line in lines {
        if line.starts_with("  ") != in_block {
            text.push_str(if in_block { "```\n\n" } else { "\n```text\n" });
            in_block = !in_block;
        }
        text.push_str(line);
        text.push('\n');
    }
    text + if in_block { "```" } else { "" }
}

/// Returns the fields of a struct with their types, from its source. Fields with a default in the code are for
/// tests only.
fn fields<'a>(source: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let (_, rest) =
        source.split_once(&format!("pub struct {name} {{\n")).unwrap_or_else(|| panic!("no {name}"));
    let lines: Vec<&str> = rest.lines().take_while(|line| *line != "}").map(str::trim).collect();
    let is_default = |at: usize| at > 0 && lines[at - 1].starts_with("#[serde(default");
    let fields = lines.iter().enumerate().filter(|(at, _)| !is_default(*at));
    fields.filter_map(|(_, line)| line.strip_prefix("pub ")?.trim_end_matches(',').split_once(": ")).collect()
}

/// Returns all settings of the program with their types.
fn fields_of_settings() -> BTreeMap<String, String> {
    let read = |file: &str| std::fs::read_to_string(root().join("lib/components/src").join(file)).unwrap();
    let (settings, components) = (read("settings.rs"), read("settings/components.rs"));
    let mut found = BTreeMap::new();
    for (name, kind) in fields(&settings, "Settings") {
        if kind.ends_with("Settings") {
            let keys = fields(&components, kind).into_iter();
            found.extend(keys.map(|(key, kind)| (format!("{name}.{key}"), kind.to_owned())));
        } else {
            found.insert(name.to_owned(), kind.to_owned());
        }
    }
    found
}

/// Returns what a value may be, from the Rust type of a setting.
fn type_of(rust: &str) -> String {
    if let Some(inner) = rust.strip_prefix("Option<").and_then(|rest| rest.strip_suffix('>')) {
        return format!("{}, optional", type_of(inner));
    }
    match rust {
        "bool" => "`true` or `false`",
        "String" => "text",
        "SocketAddr" => "IP address and port",
        "Vec<String>" => "list of texts",
        "Vec<IpNet>" => "list of networks",
        "Vec<KindName>" => "list of notification kinds",
        "Vec<DurabilityRisk>" => "list of durability risks",
        "Vec<OptionSpec>" => "list of draw options",
        "Concurrency" | "LogFormat" | "ForwardedHeader" => "one of the values below",
        number if number.starts_with("NonZeroU") => "whole number from 1",
        number if number.starts_with('u') => "whole number from 0",
        other => panic!("no text for the type {other}"),
    }
    .to_owned()
}

fn variable(key: &str) -> String {
    match key {
        "redis_url" | "database_url" => key.to_uppercase(),
        _ => format!("AUCTION__{}", key.to_uppercase().replace('.', "__")),
    }
}

#[test]
fn every_setting_is_documented() {
    let documented: Vec<String> = settings().into_iter().map(|setting| setting.key).collect();
    let mut sorted = documented.clone();
    sorted.sort();
    assert_eq!(sorted, fields_of_settings().into_keys().collect::<Vec<_>>());
    assert!(documented.len() > 80, "{documented:?}");
}

#[test]
fn configuration_reference_page_is_current() {
    let mut page = ReferencePage::new(
        "configuration.md",
        "Configuration",
        "Which settings are there, with which defaults, and what is the effect of each?",
        "`config/default.toml` and the types in `lib/components/src/settings`",
    );
    page.paragraph(
        "Write the settings to change to a TOML file, and pass it with `--config` or `AUCTION_CONFIG`. Later layers \
         override earlier ones: defaults, file, environment, flags. Write lists in the environment with commas. \
         Unknown names are an error.",
    );
    let types = fields_of_settings();
    let mut section = None;
    for Setting { key, default, comment } in settings() {
        let of = key.split_once('.').map(|(section, _)| section.to_owned());
        if section != of || section.is_none() && key == "redis_url" {
            page.heading(2, of.as_deref().unwrap_or("All components"));
            section = of;
        }
        page.heading(3, &key);
        let kind = type_of(&types[&key]);
        page.paragraph(&format!("Default: {default}. Type: {kind}. Variable: `{}`.", variable(&key)));
        page.paragraph(&comment);
    }
    page.assert_current();
}
