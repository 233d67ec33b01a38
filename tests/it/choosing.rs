//! Which accounts, resources and days are read.

use chrono::NaiveDate;
use igsync::resource;
use igsync::stop::stop_pair;
use igsync::sync::{Range, Selection, SelectionError, Verdict};
use igsync_simulator::{PageReach, PageSpec, TokenSpec, WorldSpec};

use crate::world::{World, outcomes};

#[tokio::test(start_paused = true)]
async fn the_same_account_through_two_pages_and_two_tokens_is_read_once() {
    let mut spec = WorldSpec::small(1);
    spec.tokens[0].pages = PageReach::All;
    let second = TokenSpec {
        name: "second".to_owned(),
        token: "EAAsecondsecondsecondsecond".to_owned(),
        ..spec.tokens[0].clone()
    };
    spec.tokens.push(second);
    let mut double = PageSpec::numbered(3, spec.pages[0].account.clone());
    double.tasks = vec!["ANALYZE".to_owned()];
    spec.pages.push(double);
    let world = World::new(spec).await;
    let summary = world.backfill().await;
    assert_eq!(
        outcomes(&summary),
        [
            "sim.account.1 account complete",
            "sim.account.1 media complete"
        ]
    );
    // The Page with more tasks is the way that is used.
    assert_eq!(
        world.texts("SELECT page_name FROM accounts"),
        ["Sim Page 1"]
    );
    let discovery = world.calls("/me/accounts").len();
    assert_eq!(discovery, 2);
}

#[tokio::test(start_paused = true)]
async fn accounts_and_resources_can_be_chosen() {
    let world = World::new(WorldSpec::many_accounts(2, 3, 10)).await;
    let selection = |accounts: &[&str], exclude: &[&str]| Selection {
        accounts: accounts.iter().map(|&name| name.to_owned()).collect(),
        exclude: exclude.iter().map(|&name| name.to_owned()).collect(),
        resources: vec![resource::find("media").unwrap()],
        ..Selection::default()
    };
    let (range, stop) = (Range::default(), stop_pair().1);
    let summary = world
        .start(&selection(&["@SIM.account.2"], &[]), range, stop.clone())
        .await;
    assert_eq!(outcomes(&summary), ["sim.account.2 media complete"]);
    let summary = world
        .start(&selection(&[], &["sim.account.2"]), range, stop)
        .await;
    assert_eq!(
        outcomes(&summary),
        [
            "sim.account.1 media complete",
            "sim.account.3 media complete"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_that_nobody_knows_is_an_error_that_names_those_there_are() {
    let world = World::new(WorldSpec::many_accounts(2, 2, 1)).await;
    let store =
        igsync::store::Store::open(&tempfile::tempdir().unwrap().path().join("a.db"), "a test")
            .unwrap();
    let stop = stop_pair().1;
    let client = world.client(stop.clone());
    let clock = igsync::clock::Clock::system();
    let inside = igsync::sync::World::new(client, store, clock, stop, world.credentials().to_vec())
        .await
        .unwrap();
    let selection = Selection {
        accounts: vec!["nobody".to_owned()],
        ..Selection::default()
    };
    let error = igsync::sync::backfill(&inside.into(), &selection, Range::default())
        .await
        .unwrap_err();
    assert!(matches!(error, SelectionError::NoSuchAccount { .. }));
    assert_eq!(
        error.to_string(),
        "no account `nobody`; the tokens reach: sim.account.1, sim.account.2"
    );
}

#[tokio::test(start_paused = true)]
async fn a_range_of_days_holds_all_posts_of_these_days() {
    let world = World::new(WorldSpec::single_account(9, 500)).await;
    let day = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    let range = Range::new(day("2025-02-01"), day("2025-03-31")).unwrap();
    let stop = stop_pair().1;
    let summary = world.start(&Selection::default(), range, stop).await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    let account = world.simulator.world().accounts().next().unwrap();
    let (mut wanted, mut all) = (0, 0);
    for post in world
        .simulator
        .world()
        .media(account.id())
        .filter(|post| !post.is_deleted())
    {
        let date = post.timestamp().date_naive();
        all += 1;
        if Some(date) >= day("2025-02-01") && Some(date) <= day("2025-03-31") {
            assert_eq!(
                world.count(&format!(
                    "SELECT count(*) FROM media WHERE id = '{}'",
                    post.id()
                )),
                1
            );
            wanted += 1;
        }
    }
    let stored = world.count("SELECT count(*) FROM media");
    assert!(
        wanted > 10 && stored >= wanted && stored < all / 2,
        "{wanted} wanted, {stored} stored, {all} in all"
    );
}

#[tokio::test(start_paused = true)]
async fn more_pages_of_pages_than_one_are_all_found() {
    let world = World::new(WorldSpec::many_accounts(4, 230, 1)).await;
    let summary = world.backfill().await;
    assert_eq!(summary.verdict(), Verdict::Complete);
    assert_eq!(summary.discovery_calls, 3);
    assert_eq!(world.count("SELECT count(*) FROM accounts"), 230);
    world.assert_complete();
}

#[tokio::test(start_paused = true)]
async fn a_name_in_the_configuration_that_no_token_reaches_needs_an_operator() {
    let world = World::new(WorldSpec::small(1)).await;
    let selection = Selection {
        include: vec!["sim.account.1".to_owned(), "nobody".to_owned()],
        ..Selection::default()
    };
    let summary = world
        .start(&selection, Range::default(), stop_pair().1)
        .await;
    assert_eq!(
        (summary.verdict(), summary.unreached),
        (Verdict::OperatorNeeded, vec!["nobody".to_owned()])
    );
    assert_eq!(world.count("SELECT count(*) FROM media"), 120);

    let mut spec = WorldSpec::small(1);
    spec.pages.remove(0);
    let summary = World::new(spec).await.backfill().await;
    assert_eq!(
        summary.verdict(),
        Verdict::OperatorNeeded,
        "there is nothing to read"
    );
}
