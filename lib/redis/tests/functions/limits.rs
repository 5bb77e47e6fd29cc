//! Limits of the functions: no call takes long, whatever is on the stream, and a cut result names the next
//! id.

use crate::{Cli, STREAM};
use redis::{Pipeline, pipe};
use std::time::{Duration, Instant};

/// Longest time of a call. A call takes less than 0.1 s on an idle machine, but this one may be busy.
const TIME_LIMIT: Duration = Duration::from_secs(5);

async fn fill(cli: &Cli, entries: usize, fields: impl Fn(usize) -> Vec<(Vec<u8>, Vec<u8>)>) {
    let mut connection = cli.connection().await;
    for chunk in (1..=entries).collect::<Vec<_>>().chunks(100) {
        let mut add: Pipeline = pipe();
        for n in chunk {
            add.cmd("XADD").arg(STREAM).arg(format!("{n}-0")).arg(fields(*n)).ignore();
        }
        let () = add.query_async(&mut connection).await.unwrap();
    }
}

fn body(body: Vec<u8>) -> impl Fn(usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    move |_| vec![(b"body".to_vec(), body.clone())]
}

/// Returns a list of `count` equal values.
fn list(of: &[u8], count: u32) -> Vec<u8> {
    [&[0xdd][..], &count.to_be_bytes(), &of.repeat(count as usize)].concat()
}

/// Returns the next id, if the last line says that the result was cut.
fn next(lines: &[String]) -> Option<String> {
    let last = lines.last()?.strip_prefix(r#"{"truncated":""#)?;
    Some(last.split(r#","next":""#).nth(1)?.split('"').next()?.to_owned())
}

#[tokio::test]
async fn call_time_is_bounded_for_any_stream() {
    let nested = (0..60).fold(vec![0x80], |inside: Vec<u8>, _| {
        let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
        [&[0x81, 0xa1, b'k', 0xc5][..], &length, &inside].concat()
    });
    let worst: [(&str, usize, Vec<u8>); 9] = [
        ("small numbers", 20, list(&[1], 19_000)),
        ("too many numbers", 20, list(&[1], 130_000)),
        ("fractions", 20, list(&[&[0xcb][..], &0.123_456_789_f64.to_be_bytes()].concat(), 14_000)),
        ("large numbers", 20, list(&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255], 14_000)),
        ("escapes", 20, list(&[&[0xda, 0xff, 0xff][..], &[1; 65_535]].concat(), 1)),
        ("accents", 20, list(&[&[0xda, 0xff, 0xfe][..], "é".repeat(32_767).as_bytes()].concat(), 1)),
        ("a long text", 9, list(&[&[0xdb, 0, 0x1e, 0x84, 0x80][..], &[b'x'; 2_000_000]].concat(), 1)),
        ("bodies in bodies", 20, list(&nested, 300)),
        ("nested lists", 20, [vec![0x91; 100_000], vec![0xc0]].concat()),
    ];
    for (what, entries, worst) in worst {
        let cli = Cli::new().await;
        fill(&cli, entries, body(worst)).await;
        for (function, args) in [
            ("ap_tail", &["1000"][..]),
            ("ap_range", &["-", "+", "1000"]),
            ("ap_find", &["body.k", "17"]),
            ("ap_find", &["body.k", "text"]),
        ] {
            let started = Instant::now();
            let lines = cli.call(function, args).await;
            assert!(started.elapsed() < TIME_LIMIT, "{what}: {function} took {:?}", started.elapsed());
            let size: usize = lines.iter().map(String::len).sum();
            assert!(size < 2_000_000, "{what}: {function} returned {size} bytes");
        }
    }
}

#[tokio::test]
async fn cut_results_continue_in_further_calls() {
    let cli = Cli::new().await;
    fill(&cli, 3000, |n| {
        vec![
            (b"n".to_vec(), n.to_string().into()),
            (b"body".to_vec(), list(&[5], 20)),
            (b"x".to_vec(), vec![b'x'; 100]),
        ]
    })
    .await;
    let (mut from, mut seen, mut calls) = ("-".to_owned(), Vec::new(), 0);
    loop {
        let mut lines = cli.call("ap_range", &[&from, "+", "5000"]).await;
        calls += 1;
        let next = next(&lines);
        lines.truncate(lines.len() - usize::from(next.is_some()));
        seen.extend(lines);
        let Some(next) = next else { break };
        from = next;
    }
    assert!(calls > 3, "{calls}");
    assert_eq!(seen.len(), 3000);
    assert!(seen.iter().zip(1..).all(|(line, n)| line.starts_with(&format!(r#"{{"entry_id":"{n}-0","#))));
    // Backwards.
    let (mut below, mut count) = ("+".to_owned(), 0);
    loop {
        let lines = cli.call("ap_tail", &["5000", &below]).await;
        let next = next(&lines);
        count += lines.len() - usize::from(next.is_some());
        let Some(next) = next else { break };
        below = next;
    }
    assert_eq!(count, 3000);
}

#[tokio::test]
async fn cut_search_continues_in_further_calls() {
    let cli = Cli::new().await;
    let amount = |n: usize| [b"\x81\xa6amount\xcd".as_slice(), &(n as u16).to_be_bytes()].concat();
    fill(&cli, 12_000, |n| vec![(b"n".to_vec(), n.to_string().into()), (b"body".to_vec(), amount(n))]).await;
    for (field, value) in [("n", "3"), ("body.amount", "3")] {
        let (mut below, mut found, mut calls) = ("+".to_owned(), Vec::new(), 0);
        loop {
            let mut lines = cli.call("ap_find", &[field, value, "5", &below]).await;
            calls += 1;
            let next = next(&lines);
            lines.truncate(lines.len() - usize::from(next.is_some()));
            found.extend(lines);
            let Some(next) = next else { break };
            below = next;
        }
        assert_eq!(found, [r#"{"entry_id":"3-0","n":"3","body":{"amount":3}}"#]);
        assert!(calls >= 3, "{field}: {calls} calls");
    }
}

#[tokio::test]
async fn too_large_entry_is_cut_and_blocks_no_others() {
    let cli = Cli::new().await;
    cli.add("1-0", &[(b"a", b"1"), (b"body", &list(&[1], 100_000)), (b"b", b"2")]).await;
    let long = vec![b'x'; 5_000_000];
    cli.add("2-0", &[(b"a", b"1"), (b"long", &long), (b"body", &long), (b"b", b"2")]).await;
    cli.add("3-0", &[(b"a", b"1")]).await;
    let (mut from, mut lines) = ("-".to_owned(), Vec::new());
    loop {
        let more = cli.call("ap_range", &[&from]).await;
        let next = next(&more);
        lines.extend(more);
        let Some(next) = next else { break };
        from = next;
    }
    let displayed: Vec<&String> = lines.iter().filter(|line| line.starts_with(r#"{"entry_id""#)).collect();
    assert_eq!(displayed.len(), 3);
    assert!(displayed[0].contains(r#""body":{"decode_error":"more than 20000 values"#), "{}", displayed[0]);
    assert!(
        displayed[1].contains(r#""long":{"decode_error":"too long to display","hex":"7878"#),
        "{:.300}",
        displayed[1]
    );
    assert!(displayed[1].contains(r#""bytes":5000000}"#) && displayed[1].len() < 10_000);
    assert!(
        displayed[..2].iter().all(|line| line.ends_with(r#","b":"2"}"#)),
        "the other fields are displayed"
    );
}

#[tokio::test]
async fn entry_with_many_fields_is_cut() {
    let cli = Cli::new().await;
    fill(&cli, 1, |_| (0..100_000).map(|n| (format!("f{n}").into(), b"v".to_vec())).collect()).await;
    let line = cli.call("ap_tail", &["1"]).await.remove(0);
    assert!(line.contains(r#""f4999":"v","truncated":"the rest of 100000 fields"}"#));
}
