//! No call takes long, whatever lies on the stream; it says that it stopped, and where to go on.

use crate::{Cli, STREAM};
use redis::{Pipeline, pipe};
use std::time::{Duration, Instant};

/// A call takes less than a tenth of a second of an idle machine. This one may be busy.
const GENEROUS: Duration = Duration::from_secs(5);

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

/// A list of so many of the same.
fn list(of: &[u8], count: u32) -> Vec<u8> {
    [&[0xdd][..], &count.to_be_bytes(), &of.repeat(count as usize)].concat()
}

/// Where to go on, if the last line says so.
fn next(lines: &[String]) -> Option<String> {
    let last = lines.last()?.strip_prefix(r#"{"truncated":""#)?;
    Some(last.split(r#","next":""#).nth(1)?.split('"').next()?.to_owned())
}

#[tokio::test]
async fn a_call_takes_a_moment_whatever_lies_on_the_stream() {
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
            let began = Instant::now();
            let lines = cli.call(function, args).await;
            assert!(began.elapsed() < GENEROUS, "{what}: {function} took {:?}", began.elapsed());
            let size: usize = lines.iter().map(String::len).sum();
            assert!(size < 2_000_000, "{what}: {function} gave {size} bytes");
        }
    }
}

#[tokio::test]
async fn what_is_too_much_for_one_call_is_read_in_several() {
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
async fn a_search_says_where_it_stopped_and_goes_on_there() {
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
async fn an_entry_that_is_too_large_is_shown_in_part_and_does_not_block_the_way() {
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
    let shown: Vec<&String> = lines.iter().filter(|line| line.starts_with(r#"{"entry_id""#)).collect();
    assert_eq!(shown.len(), 3);
    assert!(shown[0].contains(r#""body":{"wrong":"it holds more than 20000 values"#), "{}", shown[0]);
    assert!(shown[1].contains(r#""long":{"wrong":"too long to be shown","hex":"7878"#), "{:.300}", shown[1]);
    assert!(shown[1].contains(r#""bytes":5000000}"#) && shown[1].len() < 10_000);
    assert!(shown[..2].iter().all(|line| line.ends_with(r#","b":"2"}"#)), "what is around it is there");
}

#[tokio::test]
async fn an_entry_of_very_many_fields_is_shown_in_part() {
    let cli = Cli::new().await;
    fill(&cli, 1, |_| (0..100_000).map(|n| (format!("f{n}").into(), b"v".to_vec())).collect()).await;
    let line = cli.call("ap_tail", &["1"]).await.remove(0);
    assert!(line.contains(r#""f4999":"v","truncated":"the rest of 100000 fields"}"#));
}
