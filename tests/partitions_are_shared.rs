//! The processes of a component share the partitions evenly. A new process gets its share within seconds, a
//! drained one hands over at once, and a killed one is replaced when its leases expire.

use crate::support::components::RunningComponents;
use crate::support::load::Load;
use crate::support::servers::TestServers;
use std::time::Duration;

const COMPONENTS: [&str; 3] = ["writer", "projector", "auctioneer"];

const SETTINGS: [(&str, &str); 3] = [
    ("AUCTION__WRITER__LEASE_SECONDS", "2"),
    ("AUCTION__PROJECTOR__LEASE_SECONDS", "2"),
    ("AUCTION__AUCTIONEER__LEASE_SECONDS", "2"),
];

#[tokio::test]
async fn components_share_partitions_and_hand_them_over() {
    let servers = TestServers::start().await;
    let mut components = RunningComponents::new(&servers, &SETTINGS);
    components.add_all(COMPONENTS.into_iter().chain(COMPONENTS));
    let mut load = Load::prepare(&servers, 1).await;
    for component in COMPONENTS {
        load.wait_for_shares(component, &[4, 4]).await;
        load.send_bids(300).await;
        components.add(component);
        let took = load.wait_for_shares(component, &[2, 3, 3]).await;
        println!("a new {component} had its share after {took:?}");
        assert!(took < Duration::from_secs(5));

        load.send_bids(300).await;
        let pids = components.pids(component);
        assert_eq!(components.stop_process(pids[0], "-TERM"), Some(0));
        let took = load.wait_for_shares(component, &[4, 4]).await;
        println!("a drained {component} was replaced after {took:?}");
        assert!(took < Duration::from_secs(3));

        load.send_bids(300).await;
        components.stop_process(pids[1], "-KILL");
        let took = load.wait_for_shares(component, &[8]).await;
        println!("a killed {component} was replaced after {took:?}");
        assert!(took < Duration::from_secs(5), "the takeover takes one lease and one poll");
    }
    load.assert_consistent().await;
    servers.verify();
}
