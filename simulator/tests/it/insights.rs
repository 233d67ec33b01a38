//! What tests of insights have in common.

use igsync_simulator::{AccountSpec, MediaType, PageSpec, ProductType, WorldSpec};

use crate::probe::{ACCOUNT, Probe};

/// A world with FEED videos, stories (some of them quiet), posts shared to Facebook, and a small account.
pub(crate) fn spec() -> WorldSpec {
    let account = AccountSpec {
        stories_per_day: 8,
        videos_per_mille: 150,
        crossposted_per_mille: 300,
        quiet_stories_per_mille: 400,
        ..AccountSpec::numbered(1)
    };
    let small = AccountSpec {
        followers: 60,
        followers_per_day: 0,
        ..AccountSpec::numbered(2)
    };
    let mut spec = WorldSpec::small(1);
    spec.pages = vec![
        PageSpec::numbered(1, Some(account)),
        PageSpec::numbered(2, Some(small)),
    ];
    spec
}

/// The small account.
pub(crate) const SMALL: &str = "17841400000000002";

pub(crate) fn post(probe: &Probe, product: ProductType, kind: MediaType) -> String {
    let found = probe
        .world()
        .media(ACCOUNT)
        .find(|media| media.media_product_type() == product && media.media_type() == kind);
    found.unwrap().id()
}

pub(crate) async fn message(probe: &Probe, path: &str) -> String {
    let refusal = probe.refused(path).await;
    assert_eq!(refusal.status, 400, "{path}");
    assert_eq!(refusal.code, 100, "{path}: {}", refusal.message);
    refusal.message
}
