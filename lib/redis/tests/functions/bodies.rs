//! Display of bodies: each type of MessagePack, and invalid data.

use crate::Cli;

async fn displayed(body: &[u8]) -> String {
    let cli = Cli::new().await;
    cli.add_body(body).await;
    cli.newest_body().await
}

fn list(parts: &[&[u8]]) -> Vec<u8> {
    let count = u16::try_from(parts.len()).unwrap().to_be_bytes();
    [&[0xdc][..], &count, &parts.concat()].concat()
}

#[tokio::test]
async fn integers_are_displayed_to_the_last_digit() {
    let wide = |first: u8, bytes: &[u8]| [&[first], bytes].concat();
    let parts = [
        wide(0x05, &[]),
        wide(0xff, &[]),
        wide(0xcc, &[200]),
        wide(0xcd, &[0x00, 0x05]),
        wide(0xce, &u32::MAX.to_be_bytes()),
        wide(0xcf, &u64::MAX.to_be_bytes()),
        wide(0xcf, &((1_u64 << 53) + 1).to_be_bytes()),
        wide(0xcf, &10_000_000_000_000_000_000_u64.to_be_bytes()),
        wide(0xcf, &100_000_000_000_000_u64.to_be_bytes()),
        wide(0xcf, &0_u64.to_be_bytes()),
        wide(0xd0, &[0x80]),
        wide(0xd1, &[0x80, 0x00]),
        wide(0xd2, &i32::MIN.to_be_bytes()),
        wide(0xd3, &i64::MIN.to_be_bytes()),
        wide(0xd3, &i64::MAX.to_be_bytes()),
        wide(0xd3, &(-1_i64).to_be_bytes()),
        wide(0xd3, &(-(1_i64 << 32)).to_be_bytes()),
        wide(0xd3, &(-(1_i64 << 53) - 1).to_be_bytes()),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    assert_eq!(
        displayed(&list(&parts)).await,
        "[5,-1,200,5,4294967295,18446744073709551615,9007199254740993,10000000000000000000,\
         100000000000000,0,-128,-32768,-2147483648,-9223372036854775808,9223372036854775807,-1,\
         -4294967296,-9007199254740993]"
    );
}

#[tokio::test]
async fn floats_are_short_and_non_json_values_are_tagged() {
    let double = |number: f64| [&[0xcb][..], &number.to_be_bytes()].concat();
    let single = |number: f32| [&[0xca][..], &number.to_be_bytes()].concat();
    let parts = [
        double(0.1),
        double(1.0),
        double(-0.0),
        double(1e300),
        double(0.1 + 0.2),
        double(5e-324),
        double(f64::NAN),
        double(f64::INFINITY),
        double(f64::NEG_INFINITY),
        single(1.1),
        single(f32::NAN),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    assert_eq!(
        displayed(&list(&parts)).await,
        "[0.1,1.0,-0.0,1e+300,0.30000000000000004,4.94065645841247e-324,{\"float\":\"nan\"},\
         {\"float\":\"inf\"},{\"float\":\"-inf\"},1.1,{\"float\":\"nan\"}]"
    );
}

#[tokio::test]
async fn msgpack_types_are_displayed_distinctly() {
    let body = list(&[
        &[0xc0],
        &[0xc2],
        &[0xc3],
        &[0x90],
        &[0x80],
        &[0xa0],
        &[0xc4, 0x00],
        &[0xc4, 0x02, 0x00, 0xff],
        &[0xd4, 0x05, 0x07],
        &[0xc7, 0x00, 0xff],
        &[0xd6, 0xff, 0x00, 0x00, 0x00, 0x01],
    ]);
    assert_eq!(
        displayed(&body).await,
        r#"[null,false,true,[],{},"",{"bin":""},{"bin":"00ff"},{"ext":5,"hex":"07"},{"ext":-1,"hex":""},{"ext":-1,"hex":"00000001"}]"#
    );
}

#[tokio::test]
async fn map_members_keep_their_order_and_non_string_names() {
    let body = [
        &[0x87, 0xa1, b'z', 1, 0xa1, b'a', 2, 0xa1, b'z', 3, 7, 4, 0xc0, 5, 0xa1, 0xff, 6][..],
        &[0x91, 0x80, 0x91, 0x81, 0xa1, b'k', 0xc0],
    ]
    .concat();
    assert_eq!(
        displayed(&body).await,
        r#"{"z":1,"a":2,"z":3,"7":4,"null":5,"{\"hex\":\"ff\"}":6,"[{}]":[{"k":null}]}"#
    );
}

#[tokio::test]
async fn bin_that_contains_a_map_is_decoded() {
    let result = [0x81, 0xa1, b'a', 0x05];
    let whole = [&[0xc4, 4], &result[..]].concat();
    let more = [&[0xc4, 5], &result[..], &[0]].concat();
    let body = list(&[&whole, &more, &[0xc4, 2, 0x81, 0xa1]]);
    assert_eq!(
        displayed(&body).await,
        r#"[{"msgpack":{"a":5}},{"bin":"81a1610500"},{"bin":"81a1"}]"#,
        "only complete maps are decoded"
    );
}

#[tokio::test]
async fn lua_json_escapes_control_characters() {
    assert_eq!(
        displayed(&[&[0xa9][..], b"a\x1b[2J\"\\\n\x00"].concat()).await,
        r#""a\u001b[2J\"\\\u000a\u0000""#
    );
    assert_eq!(displayed(&[&[0xa3][..], &[0x7f, 0xc2, 0x9b]].concat()).await, r#""\u007f\u009b""#);
    let text = "für 5 €: 🔨";
    let body = [&[0xa0 + u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    assert_eq!(displayed(&body).await, format!("\"{text}\""));
}

#[tokio::test]
async fn strings_that_are_not_utf8_are_displayed_as_hex() {
    for bytes in [
        &[0xff][..],
        &[0xc3],
        &[0xc0, 0xaf],
        &[0xe0, 0x80, 0xaf],
        &[0xed, 0xa0, 0x80],
        &[0xf4, 0x90, 0x80, 0x80],
        &[0xf0, 0x80, 0x80, 0xaf],
        &[b'a', 0x80],
    ] {
        assert!(std::str::from_utf8(bytes).is_err());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let body = [&[0xa0 + u8::try_from(bytes.len()).unwrap()], bytes].concat();
        assert_eq!(displayed(&body).await, format!(r#"{{"hex":"{hex}"}}"#));
    }
}

#[tokio::test]
async fn invalid_body_is_displayed_with_a_decode_error() {
    for (body, expected) in [
        (&[][..], r#"{"decode_error":"unexpected end after 0 bytes","hex":""}"#),
        (&[0x81, 0xa1], r#"{"decode_error":"unexpected end after 2 bytes","hex":"81a1"}"#),
        (&[0x91, 0xc1], r#"{"decode_error":"byte 1 is c1, which is no MessagePack type","hex":"91c1"}"#),
        (&[0x90, 1, 2], r#"{"decode_error":"2 bytes after the end of the value","hex":"900102","value":[]}"#),
        (
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            r#"{"decode_error":"unexpected end after 5 bytes","hex":"dfffffffff"}"#,
        ),
        (
            &[0xc6, 0xff, 0xff, 0xff, 0xff, 1],
            r#"{"decode_error":"unexpected end after 6 bytes","hex":"c6ffffffff01"}"#,
        ),
    ] {
        assert_eq!(displayed(body).await, expected);
    }
}

#[tokio::test]
async fn invalid_body_hides_no_other_fields_or_entries() {
    let cli = Cli::new().await;
    cli.add("1-1", &[(b"body", b"\x05")]).await;
    cli.add("2-1", &[(b"a", b"1"), (b"body", b"\xc1"), (b"z", b"2")]).await;
    cli.add("3-1", &[(b"\xfe\"", b"\xff"), (b"a", b"x"), (b"a", b"y"), (b"entry_id", b"?")]).await;
    assert_eq!(
        cli.call("ap_tail", &[]).await,
        [
            r#"{"entry_id":"1-1","body":5}"#,
            r#"{"entry_id":"2-1","a":"1","body":{"decode_error":"byte 0 is c1, which is no MessagePack type","hex":"c1"},"z":"2"}"#,
            r#"{"entry_id":"3-1","hex:fe22":{"hex":"ff"},"a":"x","a (2)":"y","entry_id (2)":"?"}"#,
        ]
    );
}
