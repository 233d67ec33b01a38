//! A fixed seed gives the same world everywhere.

use std::time::Duration;

use igsync_simulator::{ORACLE_TABLES, WorldSpec};
use sha2::{Digest, Sha256};

use crate::probe::{BAKERY, Probe};

/// Of everything that a database could hold of a world, and of answers, today and a month later.
async fn fingerprint(seed: u64) -> String {
    let mut spec = WorldSpec::demo(seed);
    spec.pages[0].account.as_mut().unwrap().invites = 3;
    let probe = Probe::of(spec);
    let mut hash = Sha256::new();
    for _ in 0..2 {
        for (table, rows) in probe.world().expected(&ORACLE_TABLES).rows {
            hash.update(&table);
            hash.update(serde_json::to_string(&rows).unwrap());
        }
        let fields = "id,caption,media_url,like_count,comments{id,text},insights.metric(reach)";
        for path in [
            "/me/accounts?fields=id,access_token".to_owned(),
            format!("/v25.0/{BAKERY}/media?limit=10&fields={fields}"),
            format!("/v25.0/{BAKERY}/insights?metric=reach&period=day"),
            "/nobody".to_owned(),
        ] {
            let reply = probe.get(&path).await;
            hash.update(reply.text);
            for (name, value) in &reply.headers {
                hash.update(name.as_str());
                hash.update(value);
            }
        }
        tokio::time::advance(Duration::from_secs(30 * 86_400)).await;
    }
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whoever changes what a seed stands for writes the new fingerprint here; that it is the same on every machine is what
/// is shown.
#[tokio::test(start_paused = true)]
async fn a_fixed_seed_gives_the_same_world_and_the_same_answers_everywhere() {
    let first = fingerprint(7).await;
    assert_eq!(first, fingerprint(7).await, "in the same process");
    assert_eq!(
        first,
        "2fb7cb9d491499dae3f010b132dfd20b2244cedbaa74d7243d6769214ac7b137"
    );
    assert_ne!(first, fingerprint(8).await);
}
