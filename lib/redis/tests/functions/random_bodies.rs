//! Display of random bodies: valid MessagePack as its JSON, and invalid data as a decode error.

use crate::Cli;
use auction_testkit::random::Random;
use rmpv::{Utf8String, Value};

/// Consumes the JSON of `value` from the front of `json`.
fn take(value: &Value, json: &mut &str) -> Result<(), String> {
    match value {
        Value::Nil => token(json, "null"),
        Value::Boolean(yes) => token(json, if *yes { "true" } else { "false" }),
        Value::Integer(number) => token(json, &number.to_string()),
        Value::F32(number) => float(json, f64::from(*number), |text| text.parse() == Ok(*number)),
        Value::F64(number) => float(json, *number, |text| text.parse() == Ok(*number)),
        // This crate encodes a string that is not UTF-8 as `bin`.
        Value::String(text) => string(json, text.as_str().ok_or("no text")?),
        Value::Binary(bytes) => match rmpv::decode::read_value(&mut &bytes[..]) {
            Ok(inside) if inside.is_map() => {
                token(json, r#"{"msgpack":"#)?;
                take(&inside, json)?;
                token(json, "}")
            }
            _ => token(json, &format!(r#"{{"bin":"{}"}}"#, hex(bytes))),
        },
        Value::Ext(kind, bytes) => token(json, &format!(r#"{{"ext":{kind},"hex":"{}"}}"#, hex(bytes))),
        Value::Array(members) => {
            token(json, "[")?;
            for (n, member) in members.iter().enumerate() {
                token(json, if n == 0 { "" } else { "," })?;
                take(member, json)?;
            }
            token(json, "]")
        }
        Value::Map(members) => {
            token(json, "{")?;
            for (n, (name, member)) in members.iter().enumerate() {
                token(json, if n == 0 { "" } else { "," })?;
                member_name(name, json)?;
                token(json, ":")?;
                take(member, json)?;
            }
            token(json, "}")
        }
    }
}

fn token(json: &mut &str, token: &str) -> Result<(), String> {
    *json = json.strip_prefix(token).ok_or_else(|| format!("expected {token} at {json:.60}"))?;
    Ok(())
}

fn float(json: &mut &str, number: f64, is_equal: impl Fn(&str) -> bool) -> Result<(), String> {
    if !number.is_finite() {
        return token(json, &format!(r#"{{"float":"{}"}}"#, number.to_string().to_lowercase()));
    }
    let end = json.find([',', ']', '}', ':']).unwrap_or(json.len());
    let (text, rest) = json.split_at(end);
    *json = rest;
    let is_fraction = text.contains(['.', 'e']) && serde_json::from_str::<f64>(text).is_ok();
    if is_fraction && is_equal(text) { Ok(()) } else { Err(format!("{text} is not {number:?}")) }
}

fn next_string(json: &mut &str) -> Result<String, String> {
    let mut strings = serde_json::Deserializer::from_str(json).into_iter::<String>();
    let text = strings.next().ok_or("nothing")?.map_err(|error| format!("{error} at {json:.60}"))?;
    *json = &json[strings.byte_offset()..];
    Ok(text)
}

fn string(json: &mut &str, text: &str) -> Result<(), String> {
    let found = next_string(json)?;
    if found == text { Ok(()) } else { Err(format!("{found:?} is not {text:?}")) }
}

fn member_name(name: &Value, json: &mut &str) -> Result<(), String> {
    if let Some(text) = name.as_str() {
        return string(json, text);
    }
    let text = next_string(json)?;
    let mut rest = text.as_str();
    take(name, &mut rest)?;
    if rest.is_empty() { Ok(()) } else { Err(format!("{rest} follows a name")) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(random: &mut Random, max_length: u64) -> Vec<u8> {
    (0..random.below(max_length)).map(|_| random.number().to_le_bytes()[0]).collect()
}

fn text(random: &mut Random) -> Utf8String {
    let characters = ['a', 'Z', '"', '\\', '\n', '\0', '\u{7f}', '\u{85}', 'é', '€', '\u{2028}', '🔨', ' '];
    let text: String = (0..random.below(20)).map(|_| *random.pick(&characters)).collect();
    text.into()
}

fn any(random: &mut Random, depth: u64) -> Value {
    match random.below(if depth == 0 { 9 } else { 12 }) {
        0 => Value::Nil,
        1 => Value::Boolean(random.chance(500)),
        2 => Value::from(random.number() >> random.below(64)),
        3 => Value::from((random.number() as i64) >> random.below(64)),
        4 => Value::F32(f32::from_bits(random.number() as u32)),
        5 => Value::F64(f64::from_bits(random.number())),
        6 => Value::F64((random.below(2_000_000) as f64 - 1_000_000.0) / 100.0),
        7 => Value::String(text(random)),
        8 => Value::Ext(random.number() as i8, bytes(random, 40)),
        9 => Value::Binary(inside(random, depth)),
        10 => Value::Array((0..random.below(6)).map(|_| any(random, depth - 1)).collect()),
        _ => {
            let names = (0..random.below(6)).map(|_| match random.chance(900) {
                true => Value::String(text(random)),
                false => any(random, depth - 1),
            });
            let names: Vec<Value> = names.collect();
            Value::Map(names.into_iter().map(|name| (name, any(random, depth - 1))).collect())
        }
    }
}

/// Returns random bytes that are not a map, or an encoded map.
fn inside(random: &mut Random, depth: u64) -> Vec<u8> {
    if random.chance(500) {
        return [vec![0xc1], bytes(random, 300)].concat();
    }
    encoded(&Value::Map(vec![(Value::from("inside"), any(random, depth - 1))]))
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

fn random() -> Random {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("SEED={seed}");
    Random::new(seed)
}

fn rounds() -> usize {
    if std::env::var("AUCTION_LONG").is_ok_and(|long| long == "1") { 200 } else { 4 }
}

#[tokio::test]
async fn random_values_are_displayed_correctly() {
    let (cli, mut random) = (Cli::new().await, random());
    for _ in 0..rounds() {
        let mut values = Vec::new();
        for _ in 0..50 {
            values.push(any(&mut random, 5));
            cli.add_body(&encoded(&values[values.len() - 1])).await;
        }
        let lines = cli.call("ap_tail", &["50"]).await;
        assert_eq!(lines.len(), 50);
        for (value, line) in values.iter().zip(lines) {
            let (_, mut json) = line.split_once(r#","body":"#).unwrap();
            let taken = take(value, &mut json);
            assert!(taken.is_ok() && json == "}", "{taken:?}\n{line}\n{value:?}");
        }
    }
}

#[tokio::test]
async fn invalid_bodies_are_displayed_as_json() {
    let (cli, mut random) = (Cli::new().await, random());
    for _ in 0..rounds() {
        for _ in 0..100 {
            let mut body = match random.chance(500) {
                true => encoded(&any(&mut random, 4)),
                false => bytes(&mut random, 60),
            };
            // Truncates the body, changes a byte, or appends bytes.
            match random.below(3) {
                0 => body.truncate(random.below(1 + body.len() as u64) as usize),
                1 if !body.is_empty() => {
                    let at = random.below(body.len() as u64) as usize;
                    body[at] = random.number().to_le_bytes()[0];
                }
                _ => body.extend(bytes(&mut random, 5)),
            }
            let (name, value) = (bytes(&mut random, 10), bytes(&mut random, 30));
            cli.add("*", &[(b"first", b"1"), (b"body", &body), (&name, &value), (b"last", b"2")]).await;
        }
        let lines = cli.call("ap_tail", &["100"]).await;
        assert_eq!(lines.len(), 100);
        for line in lines {
            let displayed: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| {
                panic!("{error}: {line}");
            });
            assert!(
                displayed.get("body").is_some() && displayed["first"] == "1" && displayed["last"] == "2",
                "{line}"
            );
        }
    }
}
