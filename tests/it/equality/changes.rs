//! What changes between nights: metrics that are retired and come back, and what a conversion leaves unread for ever.

use std::collections::BTreeSet;

use igsync_simulator::{InsightsOf, WorldSpec};

use super::{Nights, VIEWS_BY_FOLLOW_TYPE, gaps, worlds};

/// A small account with all that metrics can be about.
fn small() -> WorldSpec {
    worlds::one(|account| {
        (account.posts, account.posts_per_week) = (40, 5);
        account.history_days = 70;
        account.stories_per_day = 3;
        account.quiet_stories_per_mille = 0;
        (account.videos_per_mille, account.mean_comments) = (0, 3);
    })
}

const RETIRED: [(InsightsOf, &str); 4] = [
    (InsightsOf::Media, "saved"),
    (InsightsOf::Media, "profile_visits"),
    (InsightsOf::Media, "link_clicks"),
    (InsightsOf::Account, "profile_views"),
];

/// After so many nights a refused metric is asked for again.
const MEMORY: i64 = 30;

#[tokio::test(start_paused = true)]
async fn metrics_that_are_retired_are_named_and_come_back_with_all_their_numbers() {
    let mut nights = Nights::of(small()).await;
    for _ in 0..3 {
        nights.next().await;
    }
    assert_eq!(nights.refused().len(), 0, "{:?}", nights.refused());
    nights.wait().await;
    let told = nights.world.simulator.world();
    for (of, metric) in RETIRED {
        told.retire_metric(of, metric, told.now());
    }
    nights.work().await;
    let refused = nights.refused().len();
    // A call or two for each kind that has a metric, and none for each post.
    assert!(
        (RETIRED.len()..=3 * RETIRED.len()).contains(&refused),
        "{refused}"
    );
    let retired_in = nights.count;
    nights.next().await;
    assert_eq!(nights.refused().len(), 0, "{:#?}", nights.refused());
    let tonight = nights.next_long().await;
    assert_eq!(nights.refused().len(), 0, "{:#?}", nights.refused());
    tonight.assert_equal(&nights.world);
    assert_eq!(
        gaps(&nights.world),
        [
            VIEWS_BY_FOLLOW_TYPE,
            "account_insights refused profile_views of day totals",
            "media_insights refused profile_visits of FEED CAROUSEL_ALBUM",
            "media_insights refused profile_visits of FEED IMAGE",
            "media_insights refused saved of FEED CAROUSEL_ALBUM",
            "media_insights refused saved of FEED IMAGE",
            "media_insights refused saved of REELS VIDEO",
            "stories expired",
            "stories refused link_clicks of shown now",
            "stories refused profile_visits of shown now",
            "stories too_few_viewers",
        ]
    );

    let told = nights.world.simulator.world();
    for (of, metric) in RETIRED {
        assert!(told.restore_metric(of, metric));
    }
    while nights.count < retired_in + MEMORY {
        nights.next().await;
    }
    assert!(gaps(&nights.world).len() > 3);
    nights.next().await;
    let left = [
        VIEWS_BY_FOLLOW_TYPE,
        "stories expired",
        "stories too_few_viewers",
    ];
    assert_eq!(gaps(&nights.world), left);
    let tonight = nights.next_long().await;
    tonight.assert_equal(&nights.world);
    assert_eq!(gaps(&nights.world), left);
}

#[tokio::test(start_paused = true)]
async fn posts_from_before_the_conversion_are_refused_once_and_never_asked_about_again() {
    let mut nights = Nights::of(worlds::converted()).await;
    nights.next().await;
    let told = nights.world.simulator.world();
    let account = told.accounts().next().unwrap();
    let converted_at = account.spec().converted_at.unwrap();
    let posts = told.media(account.id());
    let older: BTreeSet<String> = posts
        .filter(|post| post.timestamp() < converted_at)
        .map(|post| post.id())
        .collect();
    let named = "SELECT object_id FROM sync_gaps WHERE reason = 'before_conversion' AND resolved_at IS NULL";
    let named: BTreeSet<String> = nights.world.texts(named).into_iter().collect();
    assert!(older.len() > 50);
    assert_eq!(named, older);
    for _ in 0..2 {
        for _ in 0..7 {
            let tonight = nights.next().await;
            let refused = nights.refused().into_iter();
            // A new post may be of a kind that does not have a metric.
            let mut refused =
                refused.filter(|call| !call.path.ends_with("/insights") || call.subcode.is_some());
            assert!(refused.next().is_none(), "{:#?}", nights.refused());
            let asked = nights.world.calls("/insights").into_iter();
            let asked = asked.map(|call| call.path);
            let again: Vec<String> = asked
                .filter(|path| older.iter().any(|id| path.contains(id)))
                .collect();
            assert_eq!(again, [""; 0]);
            if tonight.is_long(&nights.world) {
                tonight.assert_equal(&nights.world);
            }
        }
    }
}
