use super::*;

fn history(text: &[u8]) -> Result<History, HistoryError> {
    let path = std::env::temp_dir().join(format!("history-{}.csv", uuid::Uuid::new_v4()));
    std::fs::write(&path, text).unwrap();
    let history = read(&path, "USD");
    std::fs::remove_file(&path).unwrap();
    history
}

const HEADER: &str = "auction,item,days,opening_bid,closing_price,bid,day_offset,bidder\n";

fn rows(rows: &str) -> History {
    history(format!("{HEADER}{rows}").as_bytes()).unwrap()
}

#[test]
fn bids_are_sorted_by_exact_time_then_by_line() {
    let history = rows(
        "1,Lamp,3,1,9,5,10.0,ann\n\
         1,Lamp,3,1,9,6,9.5,ben\n\
         1,Lamp,3,1,9,7,9.500,ann\n\
         1,Lamp,3,1,9,8,9.50000000000000000001,ben\n\
         1,Lamp,3,1,9,4,09.5,cat\n",
    );
    let amounts: Vec<u64> = history.auctions[0].bids.iter().map(|bid| bid.amount).collect();
    assert_eq!(amounts, [600, 700, 400, 800, 500]);
    assert!(history.warnings.is_empty());
}

#[test]
fn columns_are_found_by_name_and_extra_ones_ignored() {
    let text = "\u{feff}bidder,extra,bid,auction,item,day_offset,closing_price,opening_bid\r\n\
                ann,x,2.50,1,\"Lamp, old\",0.1,3,1\r\n";
    let history = history(text.as_bytes()).unwrap();
    let auction = &history.auctions[0];
    assert_eq!((auction.name.as_str(), auction.item.as_str()), ("1", "Lamp, old"));
    assert_eq!((auction.opening_bid, auction.closing_price, auction.bids[0].amount), (100, 300, 250));
    assert_eq!(history.bidders[0].name, "ann");
}

#[test]
fn malformed_rows_are_skipped_with_a_warning() {
    let mut text = format!(
        "{HEADER}1,Lamp,3,1,9,5,0.1,ann\n1,Lamp,3,1,9,five,0.2,ann\n1,Lamp,3,1\n1,Lamp,3,1,9,5.001,0.2,ann\n\
         1,Lamp,3,1,9,6,-1,ann\n1,Lamp,3,1,9,6,0.3,\n1,Lamp,3,0,9,6,0.3,ann\n"
    )
    .into_bytes();
    text.extend_from_slice(b"1,L\xffmp,3,1,9,6,0.3,ann\n1,Lamp,3,1,9,7,0.4,ben\n");
    let history = history(&text).unwrap();
    assert_eq!((history.bids(), history.malformed), (2, 7));
    let expected = [
        "line 3 is skipped: bid: \"five\" is not a number such as 200.01",
        "line 4 is skipped: it has 4 columns instead of 8",
        "line 5 is skipped: bid: 5.001 has too many digits: USD has 2 after the point",
        "line 6 is skipped: day_offset: \"-1\" is not a number such as 200.01",
        "line 7 is skipped: bidder is empty",
        "line 8 is skipped: opening_bid: 0 is out of range: an amount is from 0.01 to 45035996273704.95 USD",
    ];
    assert_eq!(&history.warnings[..6], &expected);
    assert!(
        history.warnings[6].starts_with("line 9 is skipped: it is not UTF-8"),
        "{:?}",
        history.warnings[6]
    );
}

#[test]
fn contradicting_rows_keep_the_first_value_with_a_warning() {
    let history = rows("7,Lamp,3,1,9,5,0.1,ann\n7,Lamp,3,2,9,6,0.2,ben\n");
    assert_eq!((history.auctions[0].opening_bid, history.bids(), history.malformed), (100, 2, 0));
    assert_eq!(
        history.warnings,
        ["line 3: opening_bid of auction 7 is 2.00, but 1.00 in its first row (line 2); 1.00 is used"]
    );
}

#[test]
fn unusable_files_are_rejected_with_the_reason() {
    let message = |text: &str| history(text.as_bytes()).unwrap_err().to_string();
    assert!(message("auction,item,bid\n1,Lamp,5\n").contains(
        "lacks the columns opening_bid, closing_price, day_offset, bidder; its first row must name"
    ));
    assert!(message(HEADER).contains("has no valid rows"));
    let error = read(Path::new("/nowhere/history.csv"), "USD").unwrap_err().to_string();
    assert!(error.starts_with("the history /nowhere/history.csv cannot be read"), "{error}");
}
